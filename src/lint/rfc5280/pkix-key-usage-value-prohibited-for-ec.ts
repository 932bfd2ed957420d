/** An EC key cannot encipher. */
import type { KeyUsage } from '../../x509/extensions.ts';
import { isEc } from '../look.ts';
import type { Lint } from '../lint.ts';

const PROHIBITED: readonly KeyUsage[] = ['keyEncipherment', 'dataEncipherment'];

export const pkixKeyUsageValueProhibitedForEc: Lint = {
  name: 'pkix.key_usage_value_prohibited_for_ec',
  severity: 'error',
  cites: 'RFC 8813 §3',
  applies: isEc,
  fault({ tbs }) {
    const wrong = tbs.keyUsage?.usages.find((usage) => PROHIBITED.includes(usage));
    return wrong && `key usage has ${wrong}, but an EC key cannot encipher`;
  },
};
