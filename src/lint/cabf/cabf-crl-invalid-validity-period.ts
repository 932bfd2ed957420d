/** At most ten days, both ends included. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

const TEN_DAYS = 10 * 86_400_000;

export const cabfCrlInvalidValidityPeriod: CrlLint = {
  name: 'cabf.crl_invalid_validity_period',
  severity: 'error',
  cites: 'BR §4.9.7',
  applies: always,
  fault: ({ crl }) =>
    crl.nextUpdate !== undefined && crl.nextUpdate - crl.thisUpdate + 1000 > TEN_DAYS
      ? 'nextUpdate is more than ten days after thisUpdate'
      : undefined,
};
