/** Beside a subject, SAN is better not critical. */
import { OID } from '../../x509/oid.ts';
import { has, hasSubject, isCritical } from '../look.ts';
import type { Lint } from '../lint.ts';

export const wExtSanCriticalWithSubjectDn: Lint = {
  name: 'w_ext_san_critical_with_subject_dn',
  severity: 'warning',
  cites: 'RFC 5280 §4.2.1.6',
  applies: (linted) => hasSubject(linted) && has(OID.subjectAltName)(linted),
  fault: ({ tbs }) =>
    isCritical(tbs, OID.subjectAltName) ? 'the subject is not empty, and SAN is critical' : undefined,
};
