/** nextUpdate is there, and later than thisUpdate. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const eCrlNextUpdateInvalid: CrlLint = {
  name: 'e_crl_next_update_invalid',
  severity: 'error',
  cites: 'RFC 5280 §5.1.2.5',
  applies: always,
  fault: ({ crl }) =>
    crl.nextUpdate === undefined || crl.nextUpdate <= crl.thisUpdate
      ? 'nextUpdate is missing or not after thisUpdate'
      : undefined,
};
