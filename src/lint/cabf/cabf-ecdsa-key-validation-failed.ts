/** The point is on the curve and written uncompressed. */
import { publicKeyFault } from '../../x509/public-key.ts';
import { isEc } from '../look.ts';
import type { Lint } from '../lint.ts';

export const cabfEcdsaKeyValidationFailed: Lint = {
  name: 'cabf.ecdsa_key_validation_failed',
  severity: 'error',
  cites: 'BR §6.1.6; SP 800-56A §5.6.2.3',
  applies: isEc,
  fault: ({ tbs }) => publicKeyFault(tbs.spki),
};
