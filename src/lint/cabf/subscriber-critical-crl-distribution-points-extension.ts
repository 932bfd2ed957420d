/** Verifiers that do not know it must be able to pass it over. */
import { OID } from '../../x509/oid.ts';
import { has, isCritical } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberCriticalCrlDistributionPointsExtension: Lint = {
  name: 'subscriber.critical_crl_distribution_points_extension',
  severity: 'error',
  cites: 'BR §7.1.2.7.6',
  applies: has(OID.crlDistributionPoints),
  fault: ({ tbs }) => (isCritical(tbs, OID.crlDistributionPoints) ? 'CRL distribution points are critical' : undefined),
};
