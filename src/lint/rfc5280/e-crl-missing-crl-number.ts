/** Without a number nobody can tell which CRL is newer. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const eCrlMissingCrlNumber: CrlLint = {
  name: 'e_crl_missing_crl_number',
  severity: 'error',
  cites: 'RFC 5280 §5.2.3',
  applies: always,
  fault: ({ crl }) => (crl.number === undefined ? 'the CRL number is missing' : undefined),
};
