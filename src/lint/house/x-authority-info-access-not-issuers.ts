/** Where this issuer's responder is, if the profile has OCSP, and where its certificate is; nothing else. */
import { OID } from '../../x509/oid.ts';
import { isResponder, ocspUrlFor } from '../../x509/shape.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xAuthorityInfoAccessNotIssuers: Lint = {
  name: 'x.authority_info_access_not_issuers',
  severity: 'error',
  cites: 'RFC 5280 §4.2.2.1',
  applies: always,
  fault({ tbs, shape, issuer }) {
    const ocsp = ocspUrlFor(shape, issuer);
    const wanted = isResponder(shape)
      ? []
      : [...(ocsp === undefined ? [] : [`${OID.ocsp} ${ocsp}`]), `${OID.caIssuers} ${issuer.caIssuersUrl}`];
    const found = (tbs.authorityInfoAccess ?? []).map(({ method, location }) => `${method} ${location.name?.value}`);
    return found.join('\n') === wanted.join('\n') ? undefined : "authority information access is not the issuer's";
  },
};
