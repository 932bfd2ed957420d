/** A responder signs, and does nothing else with its key. */
import { ofResponder } from '../look.ts';
import type { Lint } from '../lint.ts';

export const ocspResponderProhibitedKuPresent: Lint = {
  name: 'ocsp_responder.prohibited_ku_present',
  severity: 'error',
  cites: 'BR §7.1.2.8.5',
  applies: ofResponder,
  fault: ({ tbs }) =>
    tbs.keyUsage?.usages.join() === 'digitalSignature' ? undefined : 'key usage is not digitalSignature alone',
};
