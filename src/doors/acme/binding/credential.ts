/** What an operator hands out so that somebody may make accounts (RFC 8555 §7.3.4): a key id and an HMAC key, and what they are good for. */
import type { Restriction } from '../../../ca/index.ts';

export interface Credential {
  /** The `kid` of the binding. */
  readonly id: string;
  readonly directory: string;
  readonly description: string;
  /** What the accounts that it makes may have at most; undefined: whatever the directory gives. */
  readonly restriction: Bounds | undefined;
  /** How many accounts it makes; undefined: any number. */
  readonly uses: number | undefined;
  readonly used: number;
  readonly created: number;
  /** When it stops making accounts, ms UTC; those that it made stay. */
  readonly expires: number | undefined;
  /** Since then it makes no accounts, and those that it made are revoked. */
  readonly revoked: number | undefined;
}

export type Bounds = Omit<Restriction, 'by'>;

export type CredentialStatus = 'usable' | 'used-up' | 'expired' | 'revoked';

export function credentialStatus({ revoked, expires, uses, used }: Credential, now: number): CredentialStatus {
  if (revoked !== undefined) return 'revoked';
  if (expires !== undefined && expires <= now) return 'expired';
  return uses !== undefined && used >= uses ? 'used-up' : 'usable';
}

/** Names the sealed HMAC key of a credential (database/seal.ts). */
export const sealedAs = (id: string): string => `acme-eab ${id}`;

/** As a refusal names it. */
export const restrictionBy = (id: string, bounds: Bounds): Restriction => ({ by: `external account binding ${id}`, ...bounds });
