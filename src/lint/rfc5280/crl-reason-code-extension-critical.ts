/** The reason is never critical. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const crlReasonCodeExtensionCritical: CrlLint = {
  name: 'crl_reason_code_extension_critical',
  severity: 'error',
  cites: 'RFC 5280 §5.3.1',
  applies: always,
  fault({ crl }) {
    const wrong = crl.revoked?.find(({ extensions }) =>
      extensions.some(({ oid, critical }) => oid === OID.reasonCode && critical),
    );
    return wrong && `the reason of ${wrong.serial} is critical`;
  },
};
