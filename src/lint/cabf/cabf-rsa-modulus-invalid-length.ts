/** We take 2048, 3072 and 4096 bits: less is weak, other lengths are nobody's habit. */
import { RSA_BITS } from '../../x509/rsa.ts';
import { hasKeyType, rsaKeyOf } from '../look.ts';
import type { Lint } from '../lint.ts';

export const cabfRsaModulusInvalidLength: Lint = {
  name: 'cabf.rsa_modulus_invalid_length',
  severity: 'error',
  cites: 'BR §6.1.5',
  applies: hasKeyType('rsa'),
  fault({ tbs }) {
    const { bits } = rsaKeyOf(tbs);
    return RSA_BITS.includes(bits) ? undefined : `the modulus has ${bits} bits`;
  },
};
