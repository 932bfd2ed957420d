/** A SAN that is there holds a name. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const eExtSanNoEntries: Lint = {
  name: 'e_ext_san_no_entries',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.6',
  applies: has(OID.subjectAltName),
  fault: ({ tbs }) => (tbs.altNames?.length === 0 ? 'SAN has no names' : undefined),
};
