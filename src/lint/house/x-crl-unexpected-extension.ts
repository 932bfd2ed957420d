/** No delta CRLs, nothing twice, nothing that few verifiers know. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

const EXPECTED: readonly string[] = [OID.authorityKeyIdentifier, OID.crlNumber, OID.issuingDistributionPoint];

export const xCrlUnexpectedExtension: CrlLint = {
  name: 'x.crl_unexpected_extension',
  severity: 'error',
  cites: 'RFC 5280 §5.2; the closed list of crl.ts',
  applies: always,
  fault({ crl: { extensions } }) {
    const ids = extensions.map(({ oid }) => oid);
    const wrong = ids.find((id, at) => !EXPECTED.includes(id) || ids.indexOf(id) < at);
    return wrong && `extension ${wrong} is unexpected, or there twice`;
  },
};
