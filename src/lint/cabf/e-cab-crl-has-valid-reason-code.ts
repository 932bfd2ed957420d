/** 1, 3, 4, 5 and 9; a hold is a revocation that may be undone, and nobody checks twice. */
import { REASONS } from '../../x509/crl.ts';
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

const ALLOWED: readonly number[] = Object.values(REASONS);

export const eCabCrlHasValidReasonCode: CrlLint = {
  name: 'e_cab_crl_has_valid_reason_code',
  severity: 'error',
  cites: 'BR §7.2.2',
  applies: always,
  fault({ crl }) {
    const wrong = crl.revoked?.find(({ reason }) => reason !== undefined && reason !== 0 && !ALLOWED.includes(reason));
    return wrong && `the reason of ${wrong.serial} is ${wrong.reason}`;
  },
};
