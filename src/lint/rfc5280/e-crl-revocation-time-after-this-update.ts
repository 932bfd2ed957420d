/** A CRL tells what was so when it was made. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const eCrlRevocationTimeAfterThisUpdate: CrlLint = {
  name: 'e_crl_revocation_time_after_this_update',
  severity: 'error',
  cites: 'RFC 5280 §5.1.2.4, §5.1.2.6',
  applies: always,
  fault({ crl }) {
    const latest = crl.survey?.latest;
    return latest !== undefined && latest.at > crl.thisUpdate ? `the entry of ${latest.serial} is dated after thisUpdate` : undefined;
  },
};
