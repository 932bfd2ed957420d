/** A certificate that ends before it begins was rendered from wrong facts. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const pkixCertificateNegativeValidityPeriod: Lint = {
  name: 'pkix.certificate_negative_validity_period',
  severity: 'error',
  cites: 'RFC 5280 §4.1.2.5',
  applies: always,
  fault: ({ tbs }) => (tbs.notAfter < tbs.notBefore ? 'notAfter is before notBefore' : undefined),
};
