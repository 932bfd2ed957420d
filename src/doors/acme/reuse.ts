/**
 * Proofs of control that an account has given before (RFC 8555 §7.1.3: an order lists "those that are already valid"). Only proofs are used
 * again: an order belongs to the request that made it, and so do its pending authorizations.
 */
import type { ChallengeType } from '../../config/generation.ts';
import type { Database } from '../../database/database.ts';
import { type Authorization, proofKeysFor } from './authorization.ts';
import type { Site } from './site.ts';
import { findProofs } from './store.ts';

/** What is used again still counts for an hour, or for half of the time that it may: an order needs some time. */
const NEEDED_MS = 3_600_000;

/**
 * Each draft, or the valid authorization that proves it: of the same account, given within the time that this directory allows now, by a
 * challenge that it would offer now. One statement for all; one that proves several stands once.
 */
export async function reuse(database: Database, { directory }: Site, drafts: readonly Authorization[], now: number): Promise<Authorization[]> {
  const lifetime = directory.limits.validAuthorizationLifetimeMs;
  const needed = Math.min(NEEDED_MS, Math.floor(lifetime / 2));
  if (lifetime === 0) return [...drafts];
  const keys = new Set(drafts.flatMap((draft) => proofKeysFor(draft, directory.subdomains)));
  const proofs = await findProofs(database, [...keys], { provenAfter: now + needed - lifetime, validAfter: now + needed });
  if (proofs.length === 0) return [...drafts];
  const byKey = new Map(proofs.map(({ proves, authorization }) => [proves, authorization]));
  const used = drafts.map((draft) => proofKeysFor(draft, directory.subdomains).map((key) => byKey.get(key))
    .find((proof) => proof?.attempt !== undefined && mayServeAgain(proof.attempt.type) && draft.challenges.includes(proof.attempt.type)) ?? draft);
  return [...new Set(used)];
}

/** draft-ietf-acme-dns-persist: for no longer than the record's TTL, so it is looked at anew. An attestation is for one token and one key. */
const mayServeAgain = (type: ChallengeType): boolean => type !== 'dns-persist-01' && type !== 'device-attest-01';
