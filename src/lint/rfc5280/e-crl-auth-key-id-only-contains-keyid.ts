/** AKI is there, with the key identifier alone. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const eCrlAuthKeyIdOnlyContainsKeyid: CrlLint = {
  name: 'e_crl_auth_key_id_only_contains_keyid',
  severity: 'error',
  cites: 'RFC 5280 §5.2.1; BR §7.2.2',
  applies: always,
  fault({ crl: { authorityKeyId } }) {
    if (authorityKeyId?.keyId === undefined) return 'authority key identifier has no key identifier';
    return authorityKeyId.byIssuer ? 'authority key identifier names issuer or serial' : undefined;
  },
};
