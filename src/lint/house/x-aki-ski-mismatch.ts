/**
 * AKI is the SKI of the CA certificate and nothing more: issuer and serial would tie it to one of its
 * certificates.
 */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xAkiSkiMismatch: Lint = {
  name: 'x.aki_ski_mismatch',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.1; BR §7.1.2.11.1',
  applies: always,
  fault({ tbs, issuer }) {
    if (tbs.authorityKeyId?.byIssuer) return 'authority key identifier names issuer or serial';
    return tbs.authorityKeyId?.keyId === issuer.keyId
      ? undefined
      : 'authority key identifier is not the subject key identifier of the CA';
  },
};
