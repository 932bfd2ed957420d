/** notAfter - notBefore equal to the profile's length is the mark of someone who forgot that both ends count. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xValidityExtraSecond: Lint = {
  name: 'x.validity_extra_second',
  severity: 'warning',
  cites: 'RFC 5280 §4.1.2.5 (both ends included)',
  applies: always,
  fault: ({ tbs, shape }) =>
    tbs.notAfter - tbs.notBefore === shape.validityMs
      ? 'the validity has a second more than the profile says'
      : undefined,
};
