/** Lower-case LDH labels and A-labels, a wildcard only as the whole first label. */
import { OID } from '../../x509/oid.ts';
import { firstFault, has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const invalidDnsnameSyntax: Lint = {
  name: 'invalid_dnsname_syntax',
  severity: 'error',
  cites: 'BR §7.1.4.2.1, §1.6.1 (Fully-Qualified Domain Name); RFC 5280 §4.2.1.6',
  applies: has(OID.subjectAltName),
  fault: ({ tbs }) => firstFault(tbs, 'dns'),
};
