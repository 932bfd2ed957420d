/** A DNS name with other octets than ASCII is compared differently everywhere. */
import { GENERAL_NAME } from '../../x509/general-name.ts';
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const eExtSanDnsNotIa5String: Lint = {
  name: 'e_ext_san_dns_not_ia5_string',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.6',
  applies: has(OID.subjectAltName),
  fault: ({ tbs }) =>
    tbs.altNames?.some(({ tag, name }) => tag === GENERAL_NAME.dns && name === undefined)
      ? 'SAN has a DNS name that is not in ASCII'
      : undefined,
};
