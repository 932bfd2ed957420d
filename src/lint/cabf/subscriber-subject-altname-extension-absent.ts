/** Without SAN and without a subject, the certificate names nobody. */
import { OID } from '../../x509/oid.ts';
import { hasSubject } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberSubjectAltnameExtensionAbsent: Lint = {
  name: 'subscriber.subject_altname_extension_absent',
  severity: 'error',
  cites: 'BR §7.1.2.7.6; RFC 5280 §4.1.2.6',
  applies: (linted) => !hasSubject(linted),
  fault: ({ tbs }) =>
    tbs.extension(OID.subjectAltName) === undefined ? 'there is neither a subject nor SAN' : undefined,
};
