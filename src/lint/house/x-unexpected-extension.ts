/** What no profile has, nobody has thought through. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

const EXPECTED: readonly string[] = [
  OID.authorityKeyIdentifier,
  OID.subjectAltName,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.basicConstraints,
  OID.crlDistributionPoints,
  OID.authorityInfoAccess,
];

export const xUnexpectedExtension: Lint = {
  name: 'x.unexpected_extension',
  severity: 'error',
  cites: 'BR §7.1.2.7.6; the closed list of tbs.ts',
  applies: always,
  fault({ tbs }) {
    const stranger = tbs.extensions.find(({ oid }) => !EXPECTED.includes(oid));
    return stranger && `extension ${stranger.oid} is not in any profile`;
  },
};
