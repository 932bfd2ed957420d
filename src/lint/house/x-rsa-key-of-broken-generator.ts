/** Keys whose factors anybody can find. */
import { hasCloseFactors, isRoca } from '../../x509/rsa.ts';
import { hasKeyType, rsaKeyOf } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xRsaKeyOfBrokenGenerator: Lint = {
  name: 'x.rsa_key_of_broken_generator',
  severity: 'error',
  cites: 'CVE-2017-15361 (ROCA), CVE-2022-26320',
  applies: hasKeyType('rsa'),
  fault({ tbs }) {
    const { modulus } = rsaKeyOf(tbs);
    if (isRoca(modulus)) return 'the modulus was made by a broken generator (ROCA)';
    return hasCloseFactors(modulus) ? 'the factors of the modulus are too close' : undefined;
  },
};
