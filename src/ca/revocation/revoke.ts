/**
 * The only way to revoke, whichever door asks. A revocation is one commit: its row, its audit entry, the mark on its shard, and where
 * who has the key or an operator says that it is compromised, the block on that key. All other certificates with such a key are revoked
 * right after; if the process dies in between, a job goes on (`sweepKeys`).
 */
import { publicId } from '../../database/public-id.ts';
import type { Write } from '../../database/database.ts';
import * as events from '../../telemetry/events.ts';
import { dayOf } from '../../x509/serial.ts';
import { isResponder } from '../../x509/shape.ts';
import { auditEntry } from '../audit/entry.ts';
import type { RevocationOutcome, RevocationRefusal, RevocationRequest, UnholdOutcome, UnholdRequest } from '../ca.ts';
import { composeEvidence, type Evidence, recordEvidence } from '../issuance/evidence.ts';
import type { IssuanceParts } from '../issuance/issue.ts';
import { mayBlock, mayUse, REASON_CODE, reasonOf, type RevocationReason } from './reason.ts';
import {
  type BlockedKey, blockKey, findTarget, isBlocked, markShards, markSwept, recordRevocation, type Revocation, type Target, targetsWithKey,
  unsweptKeys, withdrawRevocation, type Word,
} from './store.ts';

export type RevocationParts = Pick<IssuanceParts, 'clock' | 'database' | 'random' | 'authority'>;

/** Another caller may have changed the same revocation; so often is looked again. */
const TRIES = 3;
/** An intent that was recorded before its key was blocked is settled, one way or the other, within this time. */
const SWEEP_UNTIL_MS = 2 * 60_000;

export async function revoke(parts: RevocationParts, request: RevocationRequest): Promise<RevocationOutcome> {
  const { database, clock } = parts;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const target = await findTarget(database, request.issuerKey, request.serial);
    if (target === undefined || target.realm !== request.realm) return { kind: 'unknown' };
    const now = clock.now();
    const reasons = refusals(parts, request, target, now);
    if (reasons.length > 0) return { kind: 'refused', reasons };
    const compromised = request.reason === 'keyCompromise' && mayBlock(request.authority);
    const block = compromised && !(await isBlocked(database, target.realm, target.spki_sha256));
    const changes = mayBecome(target, request.reason);
    // A subscriber may have said it before, which did not block the key.
    if (!changes && !block) return { kind: 'already-revoked', reason: nameOf(target.reason), at: target.revoked_at ?? now };
    const evidence = request.evidence === undefined ? undefined : composeEvidence({ revocation: request.serial, request: request.evidence });
    const how: How = { ...wordOf(request), reason: request.reason, now, evidence, compromisedAt: request.compromisedAt };
    const changed = changes ? [target] : [];
    const done = await database.commit([...writesOf(parts, changed, how), ...(block ? blockWrites(parts, target, how) : [])]);
    if (!done) continue;
    told(changed, how);
    const others = compromised ? await revokeWithKey(parts, { ...how, realm: target.realm, spki_sha256: target.spki_sha256, blocked_at: now }) : 0;
    return { kind: 'revoked', reason: request.reason, at: changes ? dateFor(target, how) : (target.revoked_at ?? now), others };
  }
  throw new Error(`certificate ${request.serial} is being revoked over and over`);
}

/** Takes a hold back (RFC 5280 §5.3.1): the certificate is good again, and leaves the next CRL. */
export async function unhold(parts: RevocationParts, request: UnholdRequest): Promise<UnholdOutcome> {
  const { database, clock, random } = parts;
  const target = await findTarget(database, request.issuerKey, request.serial);
  if (target === undefined || target.realm !== request.realm) return { kind: 'unknown' };
  if (target.reason !== REASON_CODE.certificateHold) return { kind: 'not-held' };
  const now = clock.now();
  const { door, requester_kind, requester_id, correlation } = wordOf(request);
  const done = await database.commit([
    withdrawRevocation(target),
    auditEntry(publicId(target.not_after, random), target.realm, 'certificate.unheld', now, {
      issuerKey: target.issuer_key, serial: target.serial, door, requesterKind: requester_kind, requesterId: requester_id, correlation,
    }),
    ...markShards([target], now, true),
  ]);
  if (!done) return { kind: 'not-held' };
  events.certificateUnheld({ door, serial: target.serial });
  return { kind: 'unheld' };
}

/** The job: revokes what a blocked key still has, such as the certificate of an intent that was on its way. Resolves to how many. */
export async function sweepKeys(parts: RevocationParts): Promise<number> {
  const { clock, database } = parts;
  let revoked = 0;
  for await (const key of unsweptKeys(database)) {
    // The clock of a front that is ahead must not end it early.
    const now = Math.min(clock.now(), await database.now());
    revoked += await revokeWithKey(parts, { ...key, reason: 'keyCompromise', now: clock.now(), evidence: undefined, compromisedAt: undefined });
    if (now - key.blocked_at > SWEEP_UNTIL_MS) await database.commit([markSwept(key, now)]);
  }
  return revoked;
}

/** How certificates are revoked, the same for all of a batch. */
interface How extends Word {
  readonly reason: RevocationReason;
  readonly now: number;
  readonly evidence: Evidence | undefined;
  /** When the key is believed to have been compromised, ms. */
  readonly compromisedAt: number | undefined;
}

/**
 * Revokes many certificates in one commit, those of them that may become so; each alone when another caller changed one meanwhile.
 * Resolves to how many were revoked. The caller has checked that the reason may be used.
 */
export async function revokeBatch(parts: RevocationParts, targets: readonly Target[], how: How): Promise<number> {
  const open = targets.filter((target) => mayBecome(target, how.reason));
  if (open.length === 0) return 0;
  if (await parts.database.commit(writesOf(parts, open, how))) {
    told(open, how);
    return open.length;
  }
  let revoked = 0;
  for (const { issuer_key, serial } of open) {
    const target = await findTarget(parts.database, issuer_key, serial);
    if (target === undefined || !mayBecome(target, how.reason)) continue;
    if (!(await parts.database.commit(writesOf(parts, [target], how)))) continue;
    told([target], how);
    revoked += 1;
  }
  return revoked;
}

async function revokeWithKey(parts: RevocationParts, key: BlockedKey & How): Promise<number> {
  let revoked = 0;
  for (;;) {
    const targets = await targetsWithKey(parts.database, key.realm, key.spki_sha256);
    const done = await revokeBatch(parts, targets, key);
    revoked += done;
    if (done === 0) return revoked;
  }
}

/** The only second revocation is the upgrade to keyCompromise; a hold may become anything. */
export function mayBecome({ reason }: Target, wanted: RevocationReason): boolean {
  if (reason === null) return true;
  if (reason === REASON_CODE[wanted]) return false;
  return wanted === 'keyCompromise' || reason === REASON_CODE.certificateHold;
}

/** Why this certificate may not be revoked so; every reason at once. */
export function refusals(
  { authority }: RevocationParts, request: Pick<RevocationRequest, 'reason' | 'compromisedAt' | 'authority'>, target: Target, now: number,
): RevocationRefusal[] {
  const found: RevocationRefusal[] = [];
  const { reason, compromisedAt } = request;
  if (!mayUse(request.authority, reason)) found.push({ kind: 'reason-not-allowed', detail: `reason ${reason} is not for this caller to give` });
  if (reason === 'certificateHold' && authority().generation.profiles.get(target.profile)?.hold !== true) {
    found.push({ kind: 'hold-not-allowed', detail: `certificates of profile "${target.profile}" cannot be held`, remedy: `set hold: true in profiles/${target.profile}.yaml` });
  }
  const profile = authority().generation.profiles.get(target.profile);
  if (reason !== 'keyCompromise' && profile !== undefined && isResponder(profile.shape)) {
    // RFC 6960 §4.2.2.2.1: with id-pkix-ocsp-nocheck nobody would look, and all that it answers would be in doubt.
    found.push({ kind: 'reason-not-allowed', detail: "an OCSP responder's certificate is revoked for keyCompromise only", remedy: 'it is replaced by itself before it expires' });
  }
  // An expired certificate proves nothing any more; but its key, once known to others, must not come back.
  if (target.not_after < now && !(reason === 'keyCompromise' && mayBlock(request.authority))) found.push({ kind: 'expired', detail: 'the certificate has expired' });
  if (compromisedAt !== undefined && (reason !== 'keyCompromise' || compromisedAt > now)) {
    found.push({ kind: 'date-not-allowed', detail: 'a date goes with keyCompromise only, and lies in the past' });
  }
  return found;
}

function writesOf({ random }: RevocationParts, targets: readonly Target[], how: How): Write[] {
  const { reason, now, evidence, door, requester_kind, requester_id, correlation } = how;
  const evidence_digest = evidence?.digest ?? null;
  return [
    ...targets.flatMap((target): Write[] => {
      const revoked_at = dateFor(target, how);
      const revocation: Revocation = {
        reason: REASON_CODE[reason], revoked_at, recorded_at: now, evidence_digest, door, requester_kind, requester_id, correlation,
      };
      return [
        recordRevocation(target, revocation),
        auditEntry(publicId(target.not_after, random), target.realm, 'certificate.revoked', now, {
          issuerKey: target.issuer_key, serial: target.serial, reason, revokedAt: revoked_at, previous: target.reason === null ? null : nameOf(target.reason),
          door, requesterKind: requester_kind, requesterId: requester_id, evidence: evidence_digest, correlation,
        }),
        ...(evidence === undefined ? [] : recordEvidence(evidence, target.realm, dayOf(target.not_after), now)),
      ];
    }),
    ...markShards(targets, now),
  ];
}

/** Blocks those of the certificates' keys that are not blocked yet; the job revokes what else they have. */
export async function blockKeys(parts: RevocationParts, targets: readonly Target[], how: How): Promise<void> {
  for (const target of targets) {
    if (!(await isBlocked(parts.database, target.realm, target.spki_sha256))) await parts.database.commit(blockWrites(parts, target, how));
  }
}

function blockWrites({ random }: RevocationParts, { realm, spki_sha256, not_after }: Target, how: How): Write[] {
  const { now, door, requester_kind, requester_id, correlation } = how;
  return [
    blockKey({ realm, spki_sha256, blocked_at: now, door, requester_kind, requester_id, correlation }),
    auditEntry(publicId(not_after, random), realm, 'key.blocked', now, {
      spkiSha256: spki_sha256, door, requesterKind: requester_kind, requesterId: requester_id, correlation,
    }),
  ];
}

/** What CRL and OCSP will say. BR §7.2.2 lets it be the date of the compromise; a later word never makes it later. */
function dateFor({ revoked_at }: Target, { now, compromisedAt = now }: How): number {
  return Math.min(revoked_at ?? now, compromisedAt);
}

const nameOf = (code: number | null): RevocationReason => reasonOf(code ?? 0) ?? 'unspecified';

const wordOf = ({ door, requester, correlation }: UnholdRequest): Word =>
  ({ door, requester_kind: requester.kind, requester_id: requester.id, correlation: correlation ?? null });

function told(targets: readonly Target[], { reason, door }: How): void {
  for (const { serial, issuer_key } of targets) events.certificateRevoked({ issuerKey: issuer_key, serial, reason, door });
}
