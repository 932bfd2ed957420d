/** Neither reasons nor cRLIssuer: few verifiers heed them. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const crldpDpProhibitedFieldPresent: Lint = {
  name: 'crldp_dp_prohibited_field_present',
  severity: 'error',
  cites: 'BR §7.1.2.11.2',
  applies: has(OID.crlDistributionPoints),
  fault: ({ tbs }) =>
    tbs.crlDistributionPoints?.some(({ qualified }) => qualified)
      ? 'a CRL distribution point has reasons or cRLIssuer'
      : undefined,
};
