/** A path length without cA means nothing, and so hides a mistake. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const ePathLenConstraintImproperlyIncluded: Lint = {
  name: 'e_path_len_constraint_improperly_included',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.9',
  applies: has(OID.basicConstraints),
  fault: ({ tbs }) =>
    tbs.basicConstraints?.ca === false && tbs.basicConstraints.pathLength !== undefined
      ? 'a path length without cA'
      : undefined,
};
