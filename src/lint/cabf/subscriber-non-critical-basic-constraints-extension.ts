/** Basic constraints that a verifier may skip protect nobody. */
import { OID } from '../../x509/oid.ts';
import { has, isCritical } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberNonCriticalBasicConstraintsExtension: Lint = {
  name: 'subscriber.non_critical_basic_constraints_extension',
  severity: 'error',
  cites: 'BR §7.1.2.7.6',
  applies: has(OID.basicConstraints),
  fault: ({ tbs }) => (isCritical(tbs, OID.basicConstraints) ? undefined : 'basic constraints are not critical'),
};
