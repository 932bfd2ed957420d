/** Chains are built by the key identifier. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const pkixAuthorityKeyIdentifierKeyidMissing: Lint = {
  name: 'pkix.authority_key_identifier_keyid_missing',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.1',
  applies: has(OID.authorityKeyIdentifier),
  fault: ({ tbs }) =>
    tbs.authorityKeyId?.keyId === undefined ? 'authority key identifier has no key identifier' : undefined,
};
