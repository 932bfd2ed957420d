/** Every leaf of ours names its CRL, even the short-lived ones that need not. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberRevocationInformationAbsent: Lint = {
  name: 'subscriber.revocation_information_absent',
  severity: 'error',
  cites: 'BR §7.1.2.11.2',
  applies: always,
  fault: ({ tbs }) =>
    tbs.extension(OID.crlDistributionPoints) === undefined ? 'there is no CRL distribution point' : undefined,
};
