/** The point is in range and not of small order. */
import { publicKeyFault } from '../../x509/public-key.ts';
import { hasKeyType } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xEd25519KeyInvalid: Lint = {
  name: 'x.ed25519_key_invalid',
  severity: 'error',
  cites: 'RFC 8032 §5.1.3',
  applies: hasKeyType('ed25519'),
  fault: ({ tbs }) => publicKeyFault(tbs.spki),
};
