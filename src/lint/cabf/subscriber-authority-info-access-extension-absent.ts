/** Every leaf has authority information access. */
import { OID } from '../../x509/oid.ts';
import { ofSubscriber } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberAuthorityInfoAccessExtensionAbsent: Lint = {
  name: 'subscriber.authority_info_access_extension_absent',
  severity: 'error',
  cites: 'BR §7.1.2.7.6',
  applies: ofSubscriber,
  fault: ({ tbs }) =>
    tbs.extension(OID.authorityInfoAccess) === undefined ? 'authority information access is missing' : undefined,
};
