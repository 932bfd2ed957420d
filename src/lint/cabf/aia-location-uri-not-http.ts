/** Over https, fetching an issuer would need the issuer first. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const aiaLocationUriNotHttp: Lint = {
  name: 'aia_location_uri_not_http',
  severity: 'error',
  cites: 'BR §7.1.2.7.7; RFC 5280 §8',
  applies: has(OID.authorityInfoAccess),
  fault({ tbs }) {
    const wrong = tbs.authorityInfoAccess?.find(
      ({ location: { name } }) => name?.type === 'uri' && !name.value.startsWith('http://'),
    );
    return wrong && 'authority information access has a location that is not plain http';
  },
};
