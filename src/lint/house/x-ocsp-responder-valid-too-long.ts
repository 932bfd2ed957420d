/** A responder cannot be revoked, so a stolen key is good until its certificate ends. */
import { LONGEST_RESPONDER_MS } from '../../x509/shape.ts';
import { ofResponder } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xOcspResponderValidTooLong: Lint = {
  name: 'x.ocsp_responder_valid_too_long',
  severity: 'error',
  cites: 'RFC 6960 §4.2.2.2.1 (short-lived); pki-operations T-OCS-13',
  applies: ofResponder,
  fault: ({ tbs }) =>
    tbs.notAfter - tbs.notBefore + 1000 > LONGEST_RESPONDER_MS ? 'a responder is valid for more than 90 days' : undefined,
};
