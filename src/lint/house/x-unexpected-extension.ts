/** What no profile has, nobody has thought through. */
import { OID } from '../../x509/oid.ts';
import { isResponder } from '../../x509/shape.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

const EVERYBODYS: readonly string[] = [
  OID.authorityKeyIdentifier,
  OID.subjectAltName,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.basicConstraints,
];
const RESPONDERS: readonly string[] = [...EVERYBODYS, OID.subjectKeyIdentifier, OID.ocspNoCheck];
/** Whether noRevAvail may stand there is judged by x.no_rev_avail. */
const SUBSCRIBERS: readonly string[] = [...EVERYBODYS, OID.crlDistributionPoints, OID.authorityInfoAccess, OID.noRevAvail];

export const xUnexpectedExtension: Lint = {
  name: 'x.unexpected_extension',
  severity: 'error',
  cites: 'BR §7.1.2.7.6, §7.1.2.8.2; the closed list of tbs.ts',
  applies: always,
  fault({ tbs, shape }) {
    const expected = isResponder(shape) ? RESPONDERS : SUBSCRIBERS;
    const stranger = tbs.extensions.find(({ oid }) => !expected.includes(oid));
    return stranger && `extension ${stranger.oid} is not in any profile`;
  },
};
