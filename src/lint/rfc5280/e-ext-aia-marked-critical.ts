/** Conforming CAs mark AIA as non-critical. */
import { OID } from '../../x509/oid.ts';
import { has, isCritical } from '../look.ts';
import type { Lint } from '../lint.ts';

export const eExtAiaMarkedCritical: Lint = {
  name: 'e_ext_aia_marked_critical',
  severity: 'error',
  cites: 'RFC 5280 §4.2.2.1',
  applies: has(OID.authorityInfoAccess),
  fault: ({ tbs }) =>
    isCritical(tbs, OID.authorityInfoAccess) ? 'authority information access is critical' : undefined,
};
