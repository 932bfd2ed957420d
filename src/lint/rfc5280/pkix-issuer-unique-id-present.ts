/** Unique identifiers are not to be generated. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const pkixIssuerUniqueIdPresent: Lint = {
  name: 'pkix.issuer_unique_id_present',
  severity: 'error',
  cites: 'RFC 5280 §4.1.2.8',
  applies: always,
  fault: ({ tbs }) => (tbs.issuerUniqueId ? 'the issuer has a unique identifier' : undefined),
};
