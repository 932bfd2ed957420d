/** The issuer is a name that is not empty. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const eIssuerFieldEmpty: Lint = {
  name: 'e_issuer_field_empty',
  severity: 'error',
  cites: 'RFC 5280 §4.1.2.4',
  applies: always,
  fault: ({ tbs }) => (tbs.issuer.length <= 2 ? 'the issuer is empty' : undefined),
};
