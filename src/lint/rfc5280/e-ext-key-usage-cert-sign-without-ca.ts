/** keyCertSign goes with cA, or some verifier takes the leaf for a CA. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const eExtKeyUsageCertSignWithoutCa: Lint = {
  name: 'e_ext_key_usage_cert_sign_without_ca',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.3, §4.2.1.9',
  applies: has(OID.keyUsage),
  fault: ({ tbs }) =>
    tbs.keyUsage?.usages.includes('keyCertSign') && tbs.basicConstraints?.ca !== true
      ? 'key usage has keyCertSign, but this is no CA'
      : undefined,
};
