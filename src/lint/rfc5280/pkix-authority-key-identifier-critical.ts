/** Conforming CAs mark AKI as non-critical. */
import { OID } from '../../x509/oid.ts';
import { has, isCritical } from '../look.ts';
import type { Lint } from '../lint.ts';

export const pkixAuthorityKeyIdentifierCritical: Lint = {
  name: 'pkix.authority_key_identifier_critical',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.1',
  applies: has(OID.authorityKeyIdentifier),
  fault: ({ tbs }) =>
    isCritical(tbs, OID.authorityKeyIdentifier) ? 'authority key identifier is critical' : undefined,
};
