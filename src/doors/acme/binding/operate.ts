/** What an operator does with external account bindings. */
import { publicId } from '../../../database/public-id.ts';
import type { Operator } from '../accounts/operate.ts';
import { type Credential, sealedAs } from './credential.ts';
import { accountsMadeBy, insertCredential, revokeCredential as revoke } from './store.ts';

export type NewCredential = Pick<Credential, 'directory' | 'description' | 'restriction' | 'uses' | 'expires'>;

/** Makes a credential. The HMAC key (base64url, no padding, as clients take it) is told here and never again. */
export async function createCredential(
  { database, seal, clock, random, realm, by }: Operator, asked: NewCredential,
): Promise<{ credential: Credential; hmacKey: string }> {
  const created = clock.now();
  const credential: Credential = { ...asked, id: publicId(asked.expires ?? Number.POSITIVE_INFINITY, random), used: 0, created, revoked: undefined };
  const secret = secretFrom(random);
  await insertCredential(database, realm, credential, seal.close(secret, sealedAs(credential.id)), by, random);
  return { credential, hmacKey: Buffer.from(secret).toString('base64url') };
}

/** 32 octets whose text does not begin with a hyphen: command lines would take that for an option. */
function secretFrom(random: Operator['random']): Uint8Array {
  for (;;) {
    const secret = random(32);
    if (!Buffer.from(secret).toString('base64url').startsWith('-')) return secret;
  }
}

/**
 * Ends a credential, and with it the accounts that it made; `accounts` is how many those are. Undefined when there is none by that id that
 * is not revoked already. A rehearsal only counts.
 */
export async function revokeCredential(
  { database, clock, random, realm, by }: Operator, id: string, rehearsal: boolean,
): Promise<{ accounts: number } | undefined> {
  const accounts = await accountsMadeBy(database, id);
  const done = rehearsal || (await revoke(database, realm, id, by, clock.now(), random));
  return done ? { accounts } : undefined;
}
