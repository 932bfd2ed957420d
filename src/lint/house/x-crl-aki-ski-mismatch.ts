/** AKI is the SKI of the CA certificate. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const xCrlAkiSkiMismatch: CrlLint = {
  name: 'x.crl_aki_ski_mismatch',
  severity: 'error',
  cites: 'RFC 5280 §5.2.1',
  applies: always,
  fault: ({ crl, issuer }) =>
    crl.authorityKeyId?.keyId === issuer.keyId
      ? undefined
      : 'authority key identifier is not the subject key identifier of the CA',
};
