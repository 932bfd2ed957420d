/** The issuer is the subject of the CA certificate, byte for byte: that is how verifiers compare. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xIssuerDnBytesMismatch: Lint = {
  name: 'x.issuer_dn_bytes_mismatch',
  severity: 'error',
  cites: 'RFC 5280 §4.1.2.4, §6.1.3; BR §7.1.4.1',
  applies: always,
  fault: ({ tbs, issuer }) =>
    Buffer.compare(tbs.issuer, issuer.subject) === 0
      ? undefined
      : 'the issuer is not byte for byte the subject of the CA',
};
