/** A named bit list has no trailing zero bits and no bits without a name. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const eIncorrectKuEncoding: Lint = {
  name: 'e_incorrect_ku_encoding',
  severity: 'error',
  cites: 'X.690 §11.2.2; RFC 5280 §4.2.1.3',
  applies: has(OID.keyUsage),
  fault: ({ tbs }) => (tbs.keyUsage?.minimal === false ? 'key usage is not written minimally' : undefined),
};
