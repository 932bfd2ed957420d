/** Every leaf has authority key identifier. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberAuthorityKeyIdentifierExtensionAbsent: Lint = {
  name: 'subscriber.authority_key_identifier_extension_absent',
  severity: 'error',
  cites: 'BR §7.1.2.7.6',
  applies: always,
  fault: ({ tbs }) =>
    tbs.extension(OID.authorityKeyIdentifier) === undefined ? 'authority key identifier is missing' : undefined,
};
