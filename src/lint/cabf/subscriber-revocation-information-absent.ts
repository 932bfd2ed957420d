/** A leaf names its CRL, unless it is short-lived by its own bytes, and its profile says that it names none. */
import { OID } from '../../x509/oid.ts';
import { namesCrl, SHORT_LIVED_MS } from '../../x509/shape.ts';
import { ofSubscriber } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberRevocationInformationAbsent: Lint = {
  name: 'subscriber.revocation_information_absent',
  severity: 'error',
  cites: 'BR §7.1.2.11.2, §1.6.1 (short-lived: 604,800 seconds)',
  applies: ofSubscriber,
  fault({ tbs, shape }) {
    if (tbs.extension(OID.crlDistributionPoints) !== undefined) return undefined;
    if (namesCrl(shape)) return 'there is no CRL distribution point';
    return tbs.notAfter - tbs.notBefore + 1000 > SHORT_LIVED_MS
      ? 'there is no revocation information, and it is valid for more than 7 days'
      : undefined;
  },
};
