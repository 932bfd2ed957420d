/** The same names give the same certificate; a name twice is a name that was not compared. */
import { hexOf } from '../../x509/hex.ts';
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xSanDuplicateName: Lint = {
  name: 'x.san_duplicate_name',
  severity: 'error',
  cites: 'RFC 8555 §7.4 (a set of identifiers)',
  applies: has(OID.subjectAltName),
  fault({ tbs }) {
    const names = tbs.altNames?.map(({ tag, octets }) => `${tag} ${hexOf(octets)}`) ?? [];
    return new Set(names).size === names.length ? undefined : 'SAN has a name twice';
  },
};
