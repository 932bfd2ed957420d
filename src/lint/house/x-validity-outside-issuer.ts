/** What outlives its issuer stops working before its time, and nobody knows why. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xValidityOutsideIssuer: Lint = {
  name: 'x.validity_outside_issuer',
  severity: 'error',
  cites: 'RFC 5280 §6.1.3 (a)(2)',
  applies: always,
  fault({ tbs, issuer }) {
    if (tbs.notBefore < issuer.notBefore) return 'notBefore is before the notBefore of the CA';
    return tbs.notAfter > issuer.notAfter ? 'notAfter is after the notAfter of the CA' : undefined;
  },
};
