/** SQL of revocations: what is revoked, which keys are blocked, and the mark on a shard that its CRL is out of date. */
import type { Database, Write } from '../../database/database.ts';
import { rawStatement, statement } from '../../database/statement.ts';
import { dayOf, readSerial } from '../../x509/serial.ts';

/** A certificate, issued or about to be, as far as revoking it needs to know; and its revocation, if there is one. */
export interface Target {
  readonly issuer_key: string;
  readonly serial: string;
  readonly realm: string;
  readonly profile: string;
  readonly spki_sha256: string;
  readonly shard: number;
  readonly not_after: number;
  readonly requester_kind: string;
  readonly requester_id: string;
  /** Code (RFC 5280 §5.3.1) and time (ms) of its revocation; null while it is good. */
  readonly reason: number | null;
  readonly revoked_at: number | null;
}

/** On whose word, and through which door. */
export interface Word {
  readonly door: string;
  readonly requester_kind: string;
  readonly requester_id: string;
  readonly correlation: string | null;
}

const COLUMNS = 'a.issuer_key, a.serial, a.realm, a.profile, a.spki_sha256, a.shard, a.not_after, a.requester_kind, a.requester_id';
const WITH_REVOCATION = 'left join revocation r on r.issuer_key = a.issuer_key and r.serial = a.serial';

const findIssued = rawStatement(
  `select ${COLUMNS}, r.reason, r.revoked_at from certificate a ${WITH_REVOCATION} where a.issuer_key = :issuer_key and a.serial = :serial and a.day = :day`);

// What is being signed now is assigned, and can be revoked: whether it comes to be or not, it will not be good.
const findIntended = rawStatement(
  `select ${COLUMNS}, r.reason, r.revoked_at from intent a ${WITH_REVOCATION}
   where a.issuer_key = :issuer_key and a.serial = :serial and a.purpose = 'certificate' and a.state <> 'closed'`);

const findRevocation = statement((k, p) =>
  k('revocation').select('reason', 'revoked_at').where({ issuer_key: p('issuer_key'), serial: p('serial') }));

// Expired ones too: a clock would have to be believed for that, and what it got wrong would not be looked at again.
const issuedWithKey = rawStatement(
  `select ${COLUMNS}, r.reason, r.revoked_at from certificate a ${WITH_REVOCATION}
   where a.spki_sha256 = :spki_sha256 and a.realm = :realm and (r.reason is null or r.reason <> 1) limit 200`);

const intendedWithKey = rawStatement(
  `select ${COLUMNS}, r.reason, r.revoked_at from intent a ${WITH_REVOCATION}
   where a.state = 'open' and a.spki_sha256 = :spki_sha256 and a.realm = :realm and a.purpose = 'certificate'
     and (r.reason is null or r.reason <> 1) limit 200`);

/** A certificate that may be among those to be revoked. */
export interface Candidate extends Target {
  readonly created: number;
  /** 1 when another was issued in its place. */
  readonly replaced: number;
}

// The realm is looked at by the caller: in the condition, SQLite would read all of it by another index and sort it, page after page.
const candidatePage = (where: string) => rawStatement(
  `select ${COLUMNS}, a.created, r.reason, r.revoked_at, case when exists (select 1 from intent i
     where i.realm = a.realm and i.replaces = a.issuer_key || ':' || a.serial and i.state = 'signed') then 1 else 0 end as replaced
   from certificate a ${WITH_REVOCATION}
   where (a.issuer_key, a.serial) > (:issuer_key, :serial) ${where} order by a.issuer_key, a.serial limit 1000`);
const candidates = candidatePage('');
const candidatesWithKey = candidatePage('and a.spki_sha256 = :spki_sha256');

const insertRevocation = statement((k, p) =>
  k('revocation').insert(Object.fromEntries([
    'issuer_key', 'serial', 'realm', 'spki_sha256', 'shard', 'not_after', 'day', 'reason', 'revoked_at', 'recorded_at',
    'door', 'requester_kind', 'requester_id', 'correlation', 'evidence_digest',
  ].map((column) => [column, p(column)]))));

const changeRevocation = statement((k, p) =>
  k('revocation').where({ issuer_key: p('issuer_key'), serial: p('serial'), reason: p('from') }).update(Object.fromEntries([
    'reason', 'revoked_at', 'recorded_at', 'door', 'requester_kind', 'requester_id', 'correlation', 'evidence_digest',
  ].map((column) => [column, p(column)]))));

const deleteRevocation = statement((k, p) =>
  k('revocation').where({ issuer_key: p('issuer_key'), serial: p('serial'), reason: p('from') }).delete());

const markChanged = rawStatement(
  `insert into crl_shard (issuer_key, shard, realm, changed, built, withdrawn, changed_at, reserved)
   values (:issuer_key, :shard, :realm, :count, 0, :withdrawn, :at, '')
   on conflict (issuer_key, shard) do update set changed = crl_shard.changed + excluded.changed,
     withdrawn = crl_shard.withdrawn + excluded.withdrawn, changed_at = coalesce(crl_shard.changed_at, excluded.changed_at)`);

const insertBlocked = statement((k, p) =>
  k('blocked_key').insert(Object.fromEntries([
    'realm', 'spki_sha256', 'blocked_at', 'door', 'requester_kind', 'requester_id', 'correlation',
  ].map((column) => [column, p(column)]))));

const findBlocked = statement((k, p) => k('blocked_key').select('blocked_at').where({ realm: p('realm'), spki_sha256: p('spki_sha256') }));

const findUnswept = rawStatement(
  `select realm, spki_sha256, blocked_at, door, requester_kind, requester_id, correlation from blocked_key
   where swept is null and (blocked_at, realm, spki_sha256) > (cast(:blocked_at as bigint), :realm, :spki_sha256)
   order by blocked_at, realm, spki_sha256 limit 100`);

const setSwept = statement((k, p) =>
  k('blocked_key').where({ realm: p('realm'), spki_sha256: p('spki_sha256') }).whereNull('swept').update({ swept: p('swept') }));

const setUnswept = statement((k, p) =>
  k('blocked_key').where({ realm: p('realm'), spki_sha256: p('spki_sha256') }).update({ swept: null }));

/** The certificate with this serial, or the intent that is to become it. */
export async function findTarget(database: Database, issuerKey: string, serial: string): Promise<Target | undefined> {
  const values = { issuer_key: issuerKey, serial };
  const day = readSerial(serial)?.day;
  if (day === undefined) return undefined; // no serial of ours
  return (await database.one<Target>(findIssued, { ...values, day })) ?? database.one<Target>(findIntended, values);
}

export const revocationOf = (database: Database, issuerKey: string, serial: string): Promise<{ reason: number; revoked_at: number } | undefined> =>
  database.one(findRevocation, { issuer_key: issuerKey, serial });

/** Up to 400 certificates and open intents with this key that are not revoked for its compromise; call again until there are none. */
export async function targetsWithKey(database: Database, realm: string, spkiSha256: string): Promise<Target[]> {
  const values = { realm, spki_sha256: spkiSha256 };
  return [...(await database.many<Target>(issuedWithKey, values)), ...(await database.many<Target>(intendedWithKey, values))];
}

/** The certificates of all realms after this one in the order of their keys, with one public key or of any; at most 1000. */
export function candidatesAfter(
  database: Database, { issuerKey, serial }: { readonly issuerKey: string; readonly serial: string }, spkiSha256: string | undefined,
): Promise<Candidate[]> {
  const values = { issuer_key: issuerKey, serial };
  if (spkiSha256 === undefined) return database.many<Candidate>(candidates, values);
  return database.many<Candidate>(candidatesWithKey, { ...values, spki_sha256: spkiSha256 });
}

/** What is to be said of a certificate from now on. Times in ms. */
export interface Revocation extends Word {
  readonly reason: number;
  readonly revoked_at: number;
  readonly recorded_at: number;
  readonly evidence_digest: string | null;
}

/** A first revocation, or the change of the one that `target` was found with: compare-and-swap on that. */
export function recordRevocation(target: Target, revocation: Revocation): Write {
  const { issuer_key, serial, realm, spki_sha256, shard, not_after } = target;
  if (target.reason !== null) return { statement: changeRevocation, values: { issuer_key, serial, from: target.reason, ...revocation } };
  return {
    statement: insertRevocation,
    values: { issuer_key, serial, realm, spki_sha256, shard, not_after, day: dayOf(not_after), ...revocation },
  };
}

/** Takes the revocation back that `target` was found with: compare-and-swap on its reason. */
export const withdrawRevocation = ({ issuer_key, serial, reason }: Target): Write =>
  ({ statement: deleteRevocation, values: { issuer_key, serial, from: reason } });

/**
 * The marks of a commit that changes these certificates, one for each shard, always in the same order so that two commits cannot wait for
 * each other. `withdrawn`: they leave the list.
 */
export function markShards(targets: readonly Pick<Target, 'issuer_key' | 'shard' | 'realm'>[], at: number, withdrawn = false): Write[] {
  const byShard = Map.groupBy(targets, ({ issuer_key, shard }) => `${issuer_key}/${shard}`);
  return [...byShard.keys()].sort().map((key): Write => {
    const [{ issuer_key = '', shard = 0, realm = '' } = {}, ...more] = byShard.get(key) ?? [];
    const count = 1 + more.length;
    return { statement: markChanged, values: { issuer_key, shard, realm, count, withdrawn: withdrawn ? count : 0, at }, rows: 1 };
  });
}

export interface BlockedKey extends Word {
  readonly realm: string;
  readonly spki_sha256: string;
  readonly blocked_at: number;
}

export const blockKey = (key: BlockedKey): Write => ({ statement: insertBlocked, values: { ...key } });

export async function isBlocked(database: Database, realm: string, spkiSha256: string): Promise<boolean> {
  return (await database.one(findBlocked, { realm, spki_sha256: spkiSha256 })) !== undefined;
}

/** Keys whose certificates may not all be revoked yet, the oldest first, a page at a time. */
export async function* unsweptKeys(database: Database): AsyncGenerator<BlockedKey> {
  let last: Pick<BlockedKey, 'blocked_at' | 'realm' | 'spki_sha256'> = { blocked_at: 0, realm: '', spki_sha256: '' };
  for (;;) {
    const { blocked_at, realm, spki_sha256 } = last;
    const page = await database.many<BlockedKey>(findUnswept, { blocked_at, realm, spki_sha256 });
    yield* page;
    const end = page.at(-1);
    if (end === undefined) return;
    last = end;
  }
}

export const markSwept = ({ realm, spki_sha256 }: BlockedKey, swept: number): Write =>
  ({ statement: setSwept, values: { realm, spki_sha256, swept }, rows: 'any' });

/** If the key is blocked, the job looks again for what it has. */
export const markUnswept = (realm: string, spkiSha256: string): Write =>
  ({ statement: setUnswept, values: { realm, spki_sha256: spkiSha256 }, rows: 'any' });
