/** Whoever holds such a key can say that any certificate of this issuer is good. */
import { OID } from '../../x509/oid.ts';
import { ofSubscriber } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberOcspsigningEkuPresent: Lint = {
  name: 'subscriber.ocspsigning_eku_present',
  severity: 'error',
  cites: 'BR §7.1.2.7.10',
  applies: ofSubscriber,
  fault: ({ tbs }) =>
    tbs.extendedKeyUsage?.includes(OID.ocspSigning) ? 'extended key usage has OCSPSigning' : undefined,
};
