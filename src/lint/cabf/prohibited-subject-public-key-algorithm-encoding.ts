/** The AlgorithmIdentifier of the key is one of the listed ones, byte for byte. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const prohibitedSubjectPublicKeyAlgorithmEncoding: Lint = {
  name: 'prohibited_subject_public_key_algorithm_encoding',
  severity: 'error',
  cites: 'BR §7.1.3.1 (Ed25519: RFC 8410 §3)',
  applies: always,
  fault: ({ tbs }) =>
    tbs.publicKey === undefined ? 'the algorithm of the key is not one of those listed, byte for byte' : undefined,
};
