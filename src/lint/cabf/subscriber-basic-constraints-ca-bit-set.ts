/** No door of ours leads to a CA certificate. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberBasicConstraintsCaBitSet: Lint = {
  name: 'subscriber_basic_constraints_ca_bit_set',
  severity: 'error',
  cites: 'BR §7.1.2.7.8',
  applies: has(OID.basicConstraints),
  fault: ({ tbs }) => (tbs.basicConstraints?.ca ? 'basic constraints make this a CA' : undefined),
};
