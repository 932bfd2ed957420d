/** Everybody uses 65537; BR allows more, but other exponents come from odd generators. */
import { hasKeyType, rsaKeyOf } from '../look.ts';
import type { Lint } from '../lint.ts';

export const cabfRsaExponentProhibitedValue: Lint = {
  name: 'cabf.rsa_exponent_prohibited_value',
  severity: 'error',
  cites: 'BR §6.1.6',
  applies: hasKeyType('rsa'),
  fault({ tbs }) {
    const { exponent } = rsaKeyOf(tbs);
    return exponent === 65_537n ? undefined : `the exponent is ${exponent}`;
  },
};
