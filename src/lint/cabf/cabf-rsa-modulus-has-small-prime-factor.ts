/** A factor below 752 shows that this is no RSA modulus. BR says SHOULD; we say MUST. */
import { hasSmallFactor } from '../../x509/rsa.ts';
import { hasKeyType, rsaKeyOf } from '../look.ts';
import type { Lint } from '../lint.ts';

export const cabfRsaModulusHasSmallPrimeFactor: Lint = {
  name: 'cabf.rsa_modulus_has_small_prime_factor',
  severity: 'error',
  cites: 'BR §6.1.6',
  applies: hasKeyType('rsa'),
  fault: ({ tbs }) => (hasSmallFactor(rsaKeyOf(tbs).modulus) ? 'the modulus has a small factor' : undefined),
};
