/** Key usage is exactly what the profile gives to a key of this type. */
import { keyUsageFor } from '../../x509/tbs.ts';
import { always, sameMembers } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xKeyUsageNotProfiles: Lint = {
  name: 'x.key_usage_not_profiles',
  severity: 'error',
  cites: 'The profile; RFC 5280 §4.2.1.3',
  applies: always,
  fault({ tbs, shape }) {
    const found = tbs.keyUsage?.usages ?? [];
    const wanted = keyUsageFor(shape, tbs.spki);
    return sameMembers(found, wanted) ? undefined : `key usage is [${found.join(', ')}], not [${wanted.join(', ')}]`;
  },
};
