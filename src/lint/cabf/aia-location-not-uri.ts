/** A location is a URI. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const aiaLocationNotUri: Lint = {
  name: 'aia_location_not_uri',
  severity: 'error',
  cites: 'BR §7.1.2.7.7',
  applies: has(OID.authorityInfoAccess),
  fault: ({ tbs }) =>
    tbs.authorityInfoAccess?.every(({ location }) => location.name?.type === 'uri')
      ? undefined
      : 'authority information access has a location that is no URI',
};
