/** A URI in SAN is absolute: a scheme and something after it. */
import { GENERAL_NAME } from '../../x509/general-name.ts';
import { nameFault } from '../../x509/name.ts';
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const eExtSanUriRelative: Lint = {
  name: 'e_ext_san_uri_relative',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.6',
  applies: has(OID.subjectAltName),
  fault({ tbs }) {
    const wrong = tbs.altNames?.find(
      ({ tag, name }) => tag === GENERAL_NAME.uri && (name === undefined || nameFault(name) !== undefined),
    );
    return wrong && 'SAN has a URI that is not absolute, or not in ASCII';
  },
};
