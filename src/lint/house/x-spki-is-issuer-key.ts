/** A leaf with the key of its CA could sign as that CA wherever basic constraints are not looked at. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xSpkiIsIssuerKey: Lint = {
  name: 'x.spki_is_issuer_key',
  severity: 'error',
  cites: 'RFC 5280 §6.1 (a key that is both leaf and CA makes two paths of one)',
  applies: always,
  fault: ({ tbs, issuer }) =>
    Buffer.compare(tbs.spki, issuer.spki) === 0 ? 'the key is that of the issuer' : undefined,
};
