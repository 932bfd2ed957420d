/** Without a subject the names are in SAN alone, and a verifier that skips it must not go on. */
import { OID } from '../../x509/oid.ts';
import { has, hasSubject, isCritical } from '../look.ts';
import type { Lint } from '../lint.ts';

export const pkixSanExtensionNotCriticalEmptySubject: Lint = {
  name: 'pkix.san_extension_not_critical_empty_subject',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.6',
  applies: (linted) => !hasSubject(linted) && has(OID.subjectAltName)(linted),
  fault: ({ tbs }) =>
    isCritical(tbs, OID.subjectAltName) ? undefined : 'the subject is empty, but SAN is not critical',
};
