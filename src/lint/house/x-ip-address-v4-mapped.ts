/** ::ffff:a.b.c.d would pass rules that were written for IPv4. */
import { GENERAL_NAME } from '../../x509/general-name.ts';
import { isV4Mapped } from '../../x509/ip.ts';
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xIpAddressV4Mapped: Lint = {
  name: 'x.ip_address_v4_mapped',
  severity: 'error',
  cites: 'RFC 8738 §3; RFC 4291 §2.5.5.2',
  applies: has(OID.subjectAltName),
  fault: ({ tbs }) =>
    tbs.altNames?.some(({ tag, octets }) => tag === GENERAL_NAME.ip && isV4Mapped(octets))
      ? 'SAN has an IPv4 address written as IPv6'
      : undefined,
};
