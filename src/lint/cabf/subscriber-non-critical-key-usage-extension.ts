/** A key usage that a verifier may skip protects nobody. */
import { OID } from '../../x509/oid.ts';
import { has, isCritical } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberNonCriticalKeyUsageExtension: Lint = {
  name: 'subscriber.non_critical_key_usage_extension',
  severity: 'error',
  cites: 'BR §7.1.2.7.6',
  applies: has(OID.keyUsage),
  fault: ({ tbs }) => (isCritical(tbs, OID.keyUsage) ? undefined : 'key usage is not critical'),
};
