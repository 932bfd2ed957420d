/** The AlgorithmIdentifier is one of the listed ones, byte for byte. */
import { algorithmOf } from '../../x509/algorithm.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const prohibitedSignatureAlgorithmEncoding: Lint = {
  name: 'prohibited_signature_algorithm_encoding',
  severity: 'error',
  cites: 'BR §7.1.3.2 (Ed25519: RFC 8410 §3)',
  applies: always,
  fault: ({ tbs }) =>
    algorithmOf(tbs.signature) === undefined
      ? 'the signature algorithm is not one of those listed, byte for byte'
      : undefined,
};
