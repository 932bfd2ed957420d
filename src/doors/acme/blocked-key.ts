/** Keys that no account may have: those of certificates, those that the CA blocked, and those on the operator's list (acme.md GK-3, GK-5). */
import { spkiSha256 } from '../../x509/public-key.ts';
import type { Acme } from './handler.ts';
import type { AccountKey } from './jwk.ts';
import { AcmeError } from './problem.ts';
import type { Site } from './site.ts';
import { isCertified, isKeyBlocked } from './store.ts';

/** Before an account gets a key. Throws AcmeError. */
export async function refuseKey(acme: Acme, site: Site, key: AccountKey): Promise<void> {
  await refuseBlockedKey(acme, site, key);
  // RFC 8555 §11.1: whoever gets hold of a certificate's key must not get hold of an account by it.
  if (await isCertified(acme.database, site.realm, spkiSha256(key.spki))) {
    throw new AcmeError('badPublicKey', 'The account key is that of a certificate. Use another.');
  }
}

/** Throws AcmeError. Asks the database; orders do not, for theirs is asked by the statement that makes them. */
export async function refuseBlockedKey(acme: Acme, site: Site, key: AccountKey): Promise<void> {
  refuseListedKey(acme, key);
  if (await isKeyBlocked(acme.database, site.realm, spkiSha256(key.spki))) throw keyBlocked();
}

/** Throws AcmeError for a key on the operator's list. */
export function refuseListedKey({ generation }: Pick<Acme, 'generation'>, key: AccountKey): void {
  const { blockedKeys } = generation();
  if (blockedKeys.size > 0 && blockedKeys.has(spkiSha256(key.spki))) throw keyBlocked();
}

export const keyBlocked = (): AcmeError =>
  new AcmeError('badPublicKey', 'The account key is blocked: it is known to others than its owner. Use another.');
