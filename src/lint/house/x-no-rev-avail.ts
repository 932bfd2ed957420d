/** noRevAvail stands where the profile says so, and beside it nothing that a certificate could be looked up by. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xNoRevAvail: Lint = {
  name: 'x.no_rev_avail',
  severity: 'error',
  cites: 'RFC 9608 §2, §3',
  applies: always,
  fault({ tbs, shape }) {
    const found = tbs.extension(OID.noRevAvail);
    if ((found !== undefined) !== (shape.revocation === 'noRevAvail')) return "noRevAvail is not as the profile has it";
    if (found === undefined) return undefined;
    if (found.critical) return 'noRevAvail is critical';
    if (Buffer.compare(found.value, Buffer.of(5, 0)) !== 0) return 'noRevAvail is not NULL';
    const pointed = tbs.extension(OID.crlDistributionPoints) ?? tbs.authorityInfoAccess?.find(({ method }) => method === OID.ocsp);
    return pointed && 'there is revocation information beside noRevAvail';
  },
};
