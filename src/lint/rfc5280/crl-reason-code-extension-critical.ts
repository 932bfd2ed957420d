/** The reason is never critical. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const crlReasonCodeExtensionCritical: CrlLint = {
  name: 'crl_reason_code_extension_critical',
  severity: 'error',
  cites: 'RFC 5280 §5.3.1',
  applies: always,
  fault: ({ crl: { survey } }) => survey?.criticalReason && `the reason of ${survey.criticalReason} is critical`,
};
