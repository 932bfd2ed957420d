/** One attribute per RDN: others are shown, and compared, in different orders. */
import { hasSubject } from '../look.ts';
import type { Lint } from '../lint.ts';

export const rdnContainsMultipleAtvs: Lint = {
  name: 'rdn_contains_multiple_atvs',
  severity: 'error',
  cites: 'BR §7.1.4.2',
  applies: hasSubject,
  fault: ({ tbs }) =>
    tbs.subjectRdns.every((rdn) => rdn.length === 1)
      ? undefined
      : 'an RDN of the subject has not exactly one attribute',
};
