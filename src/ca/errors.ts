/** Why the CA refused: the caller's fault, with a kind that a door turns into its protocol's words. All else is our own fault. */
import type { Name } from '../x509/name.ts';

export type RefusalKind =
  | 'bad-csr' // the request itself is not what was asked for
  | 'bad-key' // the public key is weak, malformed or ours
  | 'name-not-allowed' // policy says no to one name
  | 'profile-unknown'
  | 'profile-not-allowed' // exists, but not for this requester, these names or this issuer
  | 'validity-not-allowed'
  | 'not-lawful' // a lint or the signer's re-check found fault with what would have been signed
  | 'moved-on'; // what the door committed together with the intent no longer held

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: RefusalKind;
  /** The one name at fault, where there is one: doors report it per identifier. */
  readonly subject: Name | undefined;
  /** How the operator could allow it; not for the requester. */
  readonly remedy: string | undefined;

  constructor(kind: RefusalKind, detail: string, more: { readonly subject?: Name | undefined; readonly remedy?: string } = {}) {
    super(detail);
    this.kind = kind;
    this.subject = more.subject;
    this.remedy = more.remedy;
  }
}
