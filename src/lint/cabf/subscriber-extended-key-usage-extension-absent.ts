/** Every leaf has extended key usage. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberExtendedKeyUsageExtensionAbsent: Lint = {
  name: 'subscriber.extended_key_usage_extension_absent',
  severity: 'error',
  cites: 'BR §7.1.2.7.6',
  applies: always,
  fault: ({ tbs }) => (tbs.extension(OID.extendedKeyUsage) === undefined ? 'extended key usage is missing' : undefined),
};
