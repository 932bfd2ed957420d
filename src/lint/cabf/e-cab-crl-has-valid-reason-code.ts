/** 1, 3, 4, 5 and 9; a hold is a revocation that may be undone, which only private issuers allow. */
import { REASONS } from '../../x509/crl.ts';
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

const CERTIFICATE_HOLD = 6;
const ALLOWED: readonly number[] = [0, ...Object.values(REASONS)];

export const eCabCrlHasValidReasonCode: CrlLint = {
  name: 'e_cab_crl_has_valid_reason_code',
  severity: 'error',
  cites: 'BR §7.2.2',
  applies: always,
  fault({ crl, issuer }) {
    const isWrong = (reason: number): boolean => !ALLOWED.includes(reason) && !(reason === CERTIFICATE_HOLD && issuer.holds === true);
    const wrong = [...(crl.survey?.reasons ?? [])].find(([reason]) => isWrong(reason));
    return wrong && `the reason of ${wrong[1]} is ${wrong[0]}`;
  },
};
