/** Extended key usage is exactly what the profile says. */
import { OID } from '../../x509/oid.ts';
import { always, sameMembers } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xExtendedKeyUsageNotProfiles: Lint = {
  name: 'x.extended_key_usage_not_profiles',
  severity: 'error',
  cites: 'The profile; RFC 5280 §4.2.1.12',
  applies: always,
  fault({ tbs, shape }) {
    const found = tbs.extendedKeyUsage ?? [];
    const wanted = shape.extendedKeyUsage.map((purpose) => OID[purpose]);
    return sameMembers(found, wanted)
      ? undefined
      : `extended key usage is [${found.join(', ')}], not [${shape.extendedKeyUsage.join(', ')}]`;
  },
};
