/**
 * Completes a database that was restored from a backup by what the journaled CRLs say that it has lost: what they list is revoked again, with
 * its date and reason, and the last of each shard is published again. Who revoked it is lost, and so is whether a key was blocked: the key
 * of what was revoked for its compromise is. A hold that was lifted after the backup is held again, unless the restored database never had it.
 */
import type { Write } from '../../database/database.ts';
import { publicId } from '../../database/public-id.ts';
import { assembleCrl, type CrlTbs, parseCrlTbs } from '../../x509/crl.ts';
import { type FoundRevoked, readEntries } from '../../x509/crl-entries.ts';
import { dayOf, readSerial } from '../../x509/serial.ts';
import { auditEntry } from '../audit/entry.ts';
import { sha256 } from '../canonical-json.ts';
import { CompletionFault, NOBODY, type SignedLine } from '../issuance/complete.ts';
import type { IssuanceParts } from '../issuance/issue.ts';
import type { IssuerKey } from '../issuance/issuer-key.ts';
import { type CrlIntent, hasIntent, moveIntent, recordSignedIntent } from '../issuance/store.ts';
import { believableUntil } from './crl/due.ts';
import { keptNumber, NEVER_PUBLISHED, publishRow, reserveNumber, type ShardState, shardStates } from './crl/store.ts';
import { REASON_CODE, type RevocationReason, reasonOf } from './reason.ts';
import { blockKeys, revokeBatch } from './revoke.ts';
import { findTarget, markShards, type Target } from './store.ts';

export interface CompletedCrls {
  /** CRLs that the database lacked, published or not. */
  readonly crls: number;
  /** Entries of theirs that it did not know as revoked. */
  readonly revocations: number;
}

const PAGE = 500;
const SUPERSEDED = 'superseded before the database was restored';

/** @param lines of CRLs, oldest first; with `dryRun` it only counts @throws CompletionFault */
export async function completeCrls(parts: IssuanceParts, lines: Iterable<SignedLine>, signerId: number, dryRun: boolean): Promise<CompletedCrls> {
  const last = new Map<string, Found>();
  let [crls, revocations] = [0, 0];
  for (const line of lines) {
    if (await hasIntent(parts.database, line.intent)) continue;
    crls += 1;
    const found = read(parts, line);
    const shard = `${line.issuerKey}/${found.shard}`;
    const before = last.get(shard);
    last.set(shard, found);
    if (before === undefined) continue;
    // A front over a database that was restored, and restored again since, may have published a CRL that lacks what those before it had.
    revocations += (await recordEntries(parts, found, goneSince(before, found), dryRun)).recorded;
    if (!dryRun) await insist(parts, before, supersededWrites(parts, before, signerId));
  }
  for (const found of last.values()) {
    const { recorded, unknown } = await recordEntries(parts, found, entriesOf(found), dryRun);
    revocations += recorded;
    if (!dryRun) await publishAgain(parts, found, signerId, unknown === 0);
  }
  return { crls, revocations };
}

interface Found {
  readonly line: SignedLine;
  readonly tbs: CrlTbs;
  readonly issuerKey: IssuerKey;
  readonly shard: number;
  readonly number: bigint;
}

function read(parts: IssuanceParts, line: SignedLine): Found {
  const issuerKey = parts.authority().issuerKeys.get(line.issuerKey);
  if (issuerKey === undefined) throw new CompletionFault(`journal line ${line.seq} is of issuer key ${line.issuerKey}, which is not configured`);
  const [, shard = 0, number = 0] = line.serial.split(':');
  return { line, tbs: parseCrlTbs(line.tbs), issuerKey, shard: Number(shard), number: BigInt(number) };
}

const entriesOf = ({ tbs }: Found): Iterable<FoundRevoked> => (tbs.entries === undefined ? [] : readEntries(tbs.entries));

/** What `before` lists and `after` does not, but for holds, which may have been lifted. */
function* goneSince(before: Found, after: Found): Generator<FoundRevoked> {
  const still = new Set([...entriesOf(after)].map(({ serial }) => serial));
  for (const entry of entriesOf(before)) if (!still.has(entry.serial) && entry.reason !== REASON_CODE.certificateHold) yield entry;
}

/** Resolves to how many were not known as revoked so, and how many are of certificates that are not known although they have not expired. */
async function recordEntries(parts: IssuanceParts, found: Found, entries: Iterable<FoundRevoked>, dryRun: boolean): Promise<{ recorded: number; unknown: number }> {
  const today = dayOf(parts.clock.now());
  let [recorded, unknown] = [0, 0];
  const lost: Lost[] = [];
  for (const entry of entries) {
    const target = await findTarget(parts.database, found.issuerKey.id, entry.serial);
    if (target === undefined) {
      if ((readSerial(entry.serial)?.day ?? today) < today) continue;
      unknown += 1;
      if (dryRun) recorded += 1; // its certificate would be completed first
    } else if (isLost(target, entry, found)) {
      recorded += 1;
      if (!dryRun) lost.push({ target, reason: reasonIn(entry), at: entry.at });
    }
    if (lost.length === PAGE) await revokeAgain(parts, lost.splice(0));
  }
  await revokeAgain(parts, lost);
  return { recorded, unknown };
}

interface Lost {
  readonly target: Target;
  readonly reason: RevocationReason;
  readonly at: number;
}

const reasonIn = ({ reason }: FoundRevoked): RevocationReason => reasonOf(reason ?? REASON_CODE.unspecified) ?? 'unspecified';

/** Not revoked here, or held, or for another reason than the compromise of its key that came later. */
function isLost({ reason }: Target, entry: FoundRevoked, { issuerKey }: Found): boolean {
  if (reason === null) return true;
  const said = REASON_CODE[reasonIn(entry)];
  if (said === reason) return false;
  // Where CRLs may not say so, what is held is listed without a reason.
  if (reason === REASON_CODE.certificateHold) return said !== REASON_CODE.unspecified || issuerKey.shape.holds === true;
  return said === REASON_CODE.keyCompromise;
}

async function revokeAgain(parts: IssuanceParts, lost: readonly Lost[]): Promise<void> {
  const now = parts.clock.now();
  for (const alike of Map.groupBy(lost, ({ reason, at }) => `${reason} ${at}`).values()) {
    const [{ reason, at }] = alike as [Lost, ...Lost[]];
    const targets = alike.map(({ target }) => target);
    const how = {
      reason, now, compromisedAt: at, evidence: undefined, door: NOBODY, requester_kind: NOBODY, requester_id: NOBODY, correlation: null,
    };
    await revokeBatch(parts, targets, how);
    if (reason === 'keyCompromise') await blockKeys(parts, targets, how);
  }
}

/** Puts the last CRL of a shard in its place, unless a later one is there or it lists what is `known` to nobody; the next is made at once. */
async function publishAgain(parts: IssuanceParts, found: Found, signerId: number, known: boolean): Promise<void> {
  const { database } = parts;
  const { issuerKey, shard, number } = found;
  const state = (await shardStates(database, issuerKey.id)).find((each) => each.shard === shard);
  const isNewer = number > BigInt(state?.reserved || 0);
  if (isNewer && known && (await database.commit([...(await publishedWrites(parts, found, signerId, state)), ...dueWrites(parts, found)]))) return;
  const taken = isNewer ? [reserveNumber(numberOf(parts, found), state?.reserved ?? '')] : [];
  await insist(parts, found, [...taken, ...supersededWrites(parts, found, signerId), ...dueWrites(parts, found)]);
}

async function publishedWrites(parts: IssuanceParts, found: Found, signerId: number, state: ShardState | undefined): Promise<Write[]> {
  const { clock, random, signer } = parts;
  const { line, tbs, issuerKey } = found;
  const { revocation } = parts.authority().generation;
  const answer = await signer.recover({ purpose: 'crl', issuerKey: line.issuerKey, serial: line.serial, intent: line.intent });
  if (answer.kind !== 'signed') throw new CompletionFault(`the signer does not make line ${line.seq} again: ${answer.kind === 'unavailable' ? answer.why : answer.kind}`);
  const der = assembleCrl(line.tbs, issuerKey.shape.algorithm, answer.signature);
  const { signer: receiptOf, sequence, head } = answer.receipt;
  const numbered = numberOf(parts, found);
  const nextUpdate = endOf(found);
  const row = {
    ...numbered, this_update: tbs.thisUpdate, next_update: nextUpdate, listed_from: tbs.thisUpdate - revocation.lookbackMs,
    entries: tbs.survey?.count ?? 0, sha256: sha256(der), url: tbs.distributionPoint?.fullName?.[0]?.name?.value ?? '', der, signer_id: receiptOf, journal_seq: sequence,
  };
  const { built: changed, withdrawn, number } = state ?? { ...NEVER_PUBLISHED, built: 0 };
  return [
    reserveNumber(numbered, state?.reserved ?? ''),
    ...intentWrites(parts, found, signerId, line.tbs),
    moveIntent(line.intent, 'open', 'signed'),
    ...publishRow(row, { changed, withdrawn, number }, clock.now(), believableUntil(clock.now())),
    auditEntry(publicId(nextUpdate, random), numbered.realm, 'crl.issued', clock.now(),
      { ...factsOf(found), sha256: row.sha256, signer: receiptOf, sequence, head }),
  ];
}

/** Signed, and overtaken by the next one of its shard: its bytes stay in the journal alone. */
const supersededWrites = (parts: IssuanceParts, found: Found, signerId: number): Write[] => [
  ...intentWrites(parts, found, signerId, NO_BYTES),
  moveIntent(found.line.intent, 'open', 'closed', SUPERSEDED),
  auditEntry(publicId(endOf(found), parts.random), parts.authority().generation.realm, 'crl.abandoned', parts.clock.now(), { ...factsOf(found), reason: SUPERSEDED }),
];

const NO_BYTES = new Uint8Array(0);

function intentWrites(parts: IssuanceParts, found: Found, signerId: number, tbs: Uint8Array): Write[] {
  const { realm, digest } = parts.authority().generation;
  const { line, shard } = found;
  const intent: CrlIntent = {
    id: line.intent, realm, purpose: 'crl', issuer_key: line.issuerKey, serial: line.serial, request_ref: null, door: NOBODY, requester_kind: null,
    requester_id: null, profile: null, config_digest: digest, evidence_digest: null, spki_sha256: null, not_before: found.tbs.thisUpdate,
    not_after: endOf(found), shard, tbs, lineage_id: null, replaces: null, front_id: parts.frontId, signer_id: signerId, deadline: line.time,
    correlation: null, created: line.time,
  };
  return [
    recordSignedIntent(intent),
    auditEntry(publicId(intent.not_after, parts.random), realm, 'crl.intended', parts.clock.now(), { ...factsOf(found), tbsSha256: sha256(line.tbs) }),
  ];
}

const endOf = ({ tbs }: Found): number => tbs.nextUpdate ?? tbs.thisUpdate;

const factsOf = ({ line, shard, number }: Found) => ({ intent: line.intent, issuerKey: line.issuerKey, shard, number: String(number) });

const numberOf = (parts: IssuanceParts, { line, shard, number }: Found) =>
  ({ realm: parts.authority().generation.realm, issuer_key: line.issuerKey, shard, number: keptNumber(number) });

/** The database may know of more than the CRL lists, such as what was revoked while the signer was fenced. */
const dueWrites = (parts: IssuanceParts, found: Found): Write[] => markShards([numberOf(parts, found)], parts.clock.now());

async function insist(parts: IssuanceParts, { line }: Found, writes: readonly Write[]): Promise<void> {
  if (!(await parts.database.commit(writes))) throw new CompletionFault(`the CRL of journal line ${line.seq} could not be recorded`);
}
