/** At least one bit is set. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const eExtKeyUsageWithoutBits: Lint = {
  name: 'e_ext_key_usage_without_bits',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.3',
  applies: has(OID.keyUsage),
  fault: ({ tbs }) => (tbs.keyUsage?.usages.length === 0 ? 'key usage allows nothing' : undefined),
};
