/** The key of a responder signs OCSP responses and nothing else. */
import { OID } from '../../x509/oid.ts';
import { ofResponder } from '../look.ts';
import type { Lint } from '../lint.ts';

export const ocspResponderUnknownEkuPresent: Lint = {
  name: 'ocsp_responder.unknown_eku_present',
  severity: 'error',
  cites: 'BR §7.1.2.8.4; RFC 6960 §4.2.2.2',
  applies: ofResponder,
  fault: ({ tbs }) =>
    tbs.extendedKeyUsage?.join() === OID.ocspSigning ? undefined : 'extended key usage is not OCSPSigning alone',
};
