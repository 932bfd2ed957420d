/** An SVID has exactly one URI, and it is a SPIFFE ID. */
import { GENERAL_NAME } from '../../x509/general-name.ts';
import type { Lint } from '../lint.ts';

export const xSpiffeSingleUri: Lint = {
  name: 'x.spiffe_single_uri',
  severity: 'error',
  cites: 'SPIFFE X509-SVID §2',
  applies: ({ shape }) => shape.spiffe,
  fault({ tbs }) {
    const count = tbs.altNames?.filter(({ tag }) => tag === GENERAL_NAME.uri).length ?? 0;
    return count === 1 ? undefined : `SAN has ${count} URIs`;
  },
};
