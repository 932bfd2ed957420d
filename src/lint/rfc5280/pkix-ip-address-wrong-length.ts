/** An address in SAN is 4 or 16 octets; with a mask it would be a constraint. */
import { GENERAL_NAME } from '../../x509/general-name.ts';
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const pkixIpAddressWrongLength: Lint = {
  name: 'pkix.ip_address_wrong_length',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.6',
  applies: has(OID.subjectAltName),
  fault: ({ tbs }) =>
    tbs.altNames?.some(({ tag, name }) => tag === GENERAL_NAME.ip && name === undefined)
      ? 'SAN has an address of neither 4 nor 16 octets'
      : undefined,
};
