/** Neither OpenSSL nor GnuTLS looks for it; a client that does would ask the responder about itself. */
import { OID } from '../../x509/oid.ts';
import { ofResponder } from '../look.ts';
import type { Lint } from '../lint.ts';

export const ocspResponderOcspNocheckExtensionAbsent: Lint = {
  name: 'ocsp_responder.ocsp_nocheck_extension_absent',
  severity: 'error',
  cites: 'RFC 6960 §4.2.2.2.1; BR §7.1.2.8.2',
  applies: ofResponder,
  fault: ({ tbs }) => (tbs.extension(OID.ocspNoCheck) === undefined ? 'id-pkix-ocsp-nocheck is missing' : undefined),
};
