/** A responder that is not to be checked names nothing to check it by. */
import { OID } from '../../x509/oid.ts';
import { ofResponder } from '../look.ts';
import type { Lint } from '../lint.ts';

export const ocspResponderCrlDistributionPointsExtensionPresent: Lint = {
  name: 'ocsp_responder.crl_distribution_points_extension_present',
  severity: 'error',
  cites: 'BR §7.1.2.8.2',
  applies: ofResponder,
  fault: ({ tbs }) =>
    tbs.extension(OID.crlDistributionPoints) === undefined ? undefined : 'there is a CRL distribution point',
};
