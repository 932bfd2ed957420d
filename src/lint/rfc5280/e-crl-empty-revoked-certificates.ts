/** When there is nothing to list, the list is absent. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const eCrlEmptyRevokedCertificates: CrlLint = {
  name: 'e_crl_empty_revoked_certificates',
  severity: 'error',
  cites: 'RFC 5280 §5.1.2.6',
  applies: always,
  fault: ({ crl }) => (crl.survey?.count === 0 ? 'the list of revoked certificates is there, but empty' : undefined),
};
