/** An RSA key cannot agree on keys. */
import type { KeyUsage } from '../../x509/extensions.ts';
import { hasKeyType } from '../look.ts';
import type { Lint } from '../lint.ts';

const PROHIBITED: readonly KeyUsage[] = ['keyAgreement', 'encipherOnly', 'decipherOnly'];

export const pkixKeyUsageValueProhibitedForRsa: Lint = {
  name: 'pkix.key_usage_value_prohibited_for_rsa',
  severity: 'error',
  cites: 'RFC 3279 §2.3.1',
  applies: hasKeyType('rsa'),
  fault({ tbs }) {
    const wrong = tbs.keyUsage?.usages.find((usage) => PROHIBITED.includes(usage));
    return wrong && `key usage has ${wrong}, but an RSA key cannot agree on keys`;
  },
};
