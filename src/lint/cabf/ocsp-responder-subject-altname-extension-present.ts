/** A responder is found by its key; it has no names that a host could have. */
import { OID } from '../../x509/oid.ts';
import { ofResponder } from '../look.ts';
import type { Lint } from '../lint.ts';

export const ocspResponderSubjectAltnameExtensionPresent: Lint = {
  name: 'ocsp_responder.subject_altname_extension_present',
  severity: 'error',
  cites: 'BR §7.1.2.8.2',
  applies: ofResponder,
  fault: ({ tbs }) => (tbs.extension(OID.subjectAltName) === undefined ? undefined : 'there is SAN'),
};
