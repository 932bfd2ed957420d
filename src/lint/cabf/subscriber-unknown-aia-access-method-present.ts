/** caIssuers and ocsp are the only methods. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberUnknownAiaAccessMethodPresent: Lint = {
  name: 'subscriber.unknown_aia_access_method_present',
  severity: 'error',
  cites: 'BR §7.1.2.7.7',
  applies: has(OID.authorityInfoAccess),
  fault({ tbs }) {
    const wrong = tbs.authorityInfoAccess?.find(({ method }) => method !== OID.caIssuers && method !== OID.ocsp);
    return wrong && `authority information access has method ${wrong.method}`;
  },
};
