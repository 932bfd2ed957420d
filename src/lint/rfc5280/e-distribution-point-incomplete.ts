/** A distribution point says where: reasons alone are not one. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const eDistributionPointIncomplete: Lint = {
  name: 'e_distribution_point_incomplete',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.13',
  applies: has(OID.crlDistributionPoints),
  fault: ({ tbs }) =>
    tbs.crlDistributionPoints?.some(({ fullName }) => fullName === undefined || fullName.length === 0)
      ? 'a CRL distribution point has no name'
      : undefined,
};
