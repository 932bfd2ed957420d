/** The validity is at most what the profile allows; one second over counts as over. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xValidityExceedsProfile: Lint = {
  name: 'x.validity_exceeds_profile',
  severity: 'error',
  cites: 'RFC 5280 §4.1.2.5 (both ends included); BR §6.3.2',
  applies: always,
  fault({ tbs, shape }) {
    const validity = tbs.notAfter - tbs.notBefore + 1000;
    return validity <= shape.maxValidityMs
      ? undefined
      : `the validity is ${validity / 1000} s, above the ${shape.maxValidityMs / 1000} s of the profile`;
  },
};
