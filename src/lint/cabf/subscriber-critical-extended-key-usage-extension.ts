/** Verifiers that do not know it must be able to pass it over. */
import { OID } from '../../x509/oid.ts';
import { has, isCritical } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberCriticalExtendedKeyUsageExtension: Lint = {
  name: 'subscriber.critical_extended_key_usage_extension',
  severity: 'error',
  cites: 'BR §7.1.2.7.6',
  applies: has(OID.extendedKeyUsage),
  fault: ({ tbs }) => (isCritical(tbs, OID.extendedKeyUsage) ? 'extended key usage is critical' : undefined),
};
