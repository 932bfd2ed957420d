/** A certificate for everything is revoked for everything. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xSanTooManyNames: Lint = {
  name: 'x.san_too_many_names',
  severity: 'error',
  cites: 'The profile',
  applies: has(OID.subjectAltName),
  fault: ({ tbs, shape }) =>
    (tbs.altNames?.length ?? 0) > shape.maxNames
      ? `SAN has ${tbs.altNames?.length} names, above the ${shape.maxNames} of the profile`
      : undefined,
};
