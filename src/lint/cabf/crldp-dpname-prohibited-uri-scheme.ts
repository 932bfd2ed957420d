/** Over https, checking one certificate would need another checked first. */
import { OID } from '../../x509/oid.ts';
import { has, pointNames } from '../look.ts';
import type { Lint } from '../lint.ts';

export const crldpDpnameProhibitedUriScheme: Lint = {
  name: 'crldp_dpname_prohibited_uri_scheme',
  severity: 'error',
  cites: 'BR §7.1.2.11.2; RFC 5280 §8',
  applies: has(OID.crlDistributionPoints),
  fault({ tbs }) {
    const wrong = pointNames(tbs).find(({ name }) => name?.type === 'uri' && !name.value.startsWith('http://'));
    return wrong && 'a CRL distribution point is not plain http';
  },
};
