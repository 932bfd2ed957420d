/** The issuer is the subject of the CA certificate, byte for byte. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const xCrlIssuerDnBytesMismatch: CrlLint = {
  name: 'x.crl_issuer_dn_bytes_mismatch',
  severity: 'error',
  cites: 'RFC 5280 §5.1.2.3, §6.3.3 (b)',
  applies: always,
  fault: ({ crl, issuer }) =>
    Buffer.compare(crl.issuer, issuer.subject) === 0
      ? undefined
      : 'the issuer is not byte for byte the subject of the CA',
};
