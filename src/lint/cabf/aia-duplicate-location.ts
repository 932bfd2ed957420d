/** No location is there twice. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const aiaDuplicateLocation: Lint = {
  name: 'aia_duplicate_location',
  severity: 'error',
  cites: 'BR §7.1.2.7.7',
  applies: has(OID.authorityInfoAccess),
  fault({ tbs }) {
    const locations = tbs.authorityInfoAccess?.map(({ method, location }) => `${method} ${location.name?.value}`) ?? [];
    return new Set(locations).size === locations.length
      ? undefined
      : 'authority information access has a location twice';
  },
};
