/** A leaf says what its key is for. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xKeyUsageAbsent: Lint = {
  name: 'x.key_usage_absent',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.3',
  applies: always,
  fault: ({ tbs }) => (tbs.keyUsage === undefined ? 'key usage is missing' : undefined),
};
