/** A leaf says that it is no CA, so that no verifier has to guess. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xBasicConstraintsAbsent: Lint = {
  name: 'x.basic_constraints_absent',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.9',
  applies: always,
  fault: ({ tbs }) => (tbs.basicConstraints === undefined ? 'basic constraints are missing' : undefined),
};
