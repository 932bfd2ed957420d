/** anyExtendedKeyUsage would make a TLS certificate sign code. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberAnyekuEkuPresent: Lint = {
  name: 'subscriber.anyeku_eku_present',
  severity: 'error',
  cites: 'BR §7.1.2.7.10',
  applies: has(OID.extendedKeyUsage),
  fault: ({ tbs }) =>
    tbs.extendedKeyUsage?.includes(OID.anyExtendedKeyUsage) ? 'extended key usage has anyExtendedKeyUsage' : undefined,
};
