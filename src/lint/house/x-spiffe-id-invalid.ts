/** The ID names a workload: a lower-case trust domain and a plain path. */
import { parseSpiffeId } from '../../x509/name.ts';
import type { Lint } from '../lint.ts';

export const xSpiffeIdInvalid: Lint = {
  name: 'x.spiffe_id_invalid',
  severity: 'error',
  cites: 'SPIFFE-ID §2; SPIFFE X509-SVID §4.1',
  applies: ({ shape }) => shape.spiffe,
  fault({ tbs }) {
    for (const { name } of tbs.altNames ?? []) {
      const { fault } = name?.type === 'uri' ? parseSpiffeId(name.value) : {};
      if (fault !== undefined) return `SAN has a URI that is no SPIFFE ID: ${fault}`;
    }
    return undefined;
  },
};
