/** unspecified is said by leaving the reason out. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const crlUnspecifiedCrlEntryReasonCode: CrlLint = {
  name: 'crl_unspecified_crl_entry_reason_code',
  severity: 'error',
  cites: 'RFC 5280 §5.3.1; BR §7.2.2',
  applies: always,
  fault({ crl }) {
    const wrong = crl.survey?.reasons.get(0);
    return wrong && `the reason of ${wrong} is unspecified`;
  },
};
