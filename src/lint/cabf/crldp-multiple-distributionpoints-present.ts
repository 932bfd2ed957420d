/** One distribution point: verifiers fetch the first. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const crldpMultipleDistributionpointsPresent: Lint = {
  name: 'crldp_multiple_distributionpoints_present',
  severity: 'warning',
  cites: 'BR §7.1.2.11.2',
  applies: has(OID.crlDistributionPoints),
  fault: ({ tbs }) =>
    (tbs.crlDistributionPoints?.length ?? 0) > 1 ? 'there is more than one CRL distribution point' : undefined,
};
