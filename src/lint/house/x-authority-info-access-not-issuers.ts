/** One caIssuers URL, where the certificate of this issuer is. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xAuthorityInfoAccessNotIssuers: Lint = {
  name: 'x.authority_info_access_not_issuers',
  severity: 'error',
  cites: 'RFC 5280 §4.2.2.1',
  applies: always,
  fault({ tbs, issuer }) {
    const descriptions = tbs.authorityInfoAccess ?? [];
    const own =
      descriptions.length === 1 &&
      descriptions[0]?.method === OID.caIssuers &&
      descriptions[0].location.name?.value === issuer.caIssuersUrl;
    return own ? undefined : "authority information access is not the issuer's one URL";
  },
};
