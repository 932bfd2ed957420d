/** Name constraints are for CA certificates only. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberNameConstraintsExtensionPresent: Lint = {
  name: 'subscriber.name_constraints_extension_present',
  severity: 'error',
  cites: 'BR §7.1.2.7.6; RFC 5280 §4.2.1.10',
  applies: always,
  fault: ({ tbs }) => (tbs.extension(OID.nameConstraints) === undefined ? undefined : 'there are name constraints'),
};
