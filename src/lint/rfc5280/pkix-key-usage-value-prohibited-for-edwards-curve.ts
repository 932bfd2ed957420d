/** An Ed25519 key only signs. */
import type { KeyUsage } from '../../x509/extensions.ts';
import { hasKeyType } from '../look.ts';
import type { Lint } from '../lint.ts';

const PROHIBITED: readonly KeyUsage[] = [
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'encipherOnly',
  'decipherOnly',
];

export const pkixKeyUsageValueProhibitedForEdwardsCurve: Lint = {
  name: 'pkix.key_usage_value_prohibited_for_edwards_curve',
  severity: 'error',
  cites: 'RFC 9295 §3',
  applies: hasKeyType('ed25519'),
  fault({ tbs }) {
    const wrong = tbs.keyUsage?.usages.find((usage) => PROHIBITED.includes(usage));
    return wrong && `key usage has ${wrong}, but an Ed25519 key only signs`;
  },
};
