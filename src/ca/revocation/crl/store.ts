/** SQL of CRLs: how far each shard has come, the entries of one, and the two swaps by which a number is taken and a CRL published. */
import type { Database, Write } from '../../../database/database.ts';
import { rawStatement, statement } from '../../../database/statement.ts';

/** A shard as it is: what has changed, which number was taken last, and what is published. All of `published` is null before the first. */
export interface ShardState {
  readonly shard: number;
  readonly changed: number;
  readonly built: number;
  readonly changed_at: number | null;
  readonly withdrawn: number;
  readonly reserved: string;
  readonly number: string | null;
  readonly this_update: number | null;
  readonly next_update: number | null;
  readonly listed_from: number | null;
  readonly entries: number | null;
  readonly sha256: string | null;
  /** What the published CRL says of itself (IDP). */
  readonly url: string | null;
}

export const NEVER_PUBLISHED = { changed: 0, withdrawn: 0, number: null } as const;

export interface PublishedRow {
  readonly realm: string;
  readonly issuer_key: string;
  readonly shard: number;
  readonly number: string;
  readonly this_update: number;
  readonly next_update: number;
  readonly listed_from: number;
  readonly entries: number;
  readonly sha256: string;
  /** As its IDP has it. */
  readonly url: string;
  readonly der: Uint8Array;
  readonly signer_id: number;
  readonly journal_seq: number;
}

/** Numbers as they are kept: so that text compares as they do. */
export const NUMBER_DIGITS = 20;
export const keptNumber = (number: bigint): string => number.toString().padStart(NUMBER_DIGITS, '0');

const COLUMNS = [
  'realm', 'issuer_key', 'shard', 'number', 'this_update', 'next_update', 'listed_from', 'entries', 'sha256', 'url', 'der', 'signer_id', 'journal_seq',
] as const satisfies readonly (keyof PublishedRow)[];

const findStates = rawStatement(
  `select s.shard, s.changed, s.built, s.changed_at, s.withdrawn, s.reserved, c.number, c.this_update, c.next_update, c.listed_from, c.entries,
     c.sha256, c.url
   from crl_shard s left join crl c on c.issuer_key = s.issuer_key and c.shard = s.shard
   where s.issuer_key = :issuer_key order by s.shard limit 1024`);

// A page is one text, three words for each entry: pg takes long over a million rows. Both engines put them together as the inner query
// hands them over, which its limit makes it do in order; to ask for that order again costs SQLite a second sort.
const findEntries = rawStatement(
  `select string_agg(serial || ' ' || (revoked_at / 1000) || ' ' || case when not_after < :expired then '-' else cast(reason as text) end, ' ') as entries
   from (select serial, revoked_at, not_after, reason from revocation
     where issuer_key = :issuer_key and shard = :shard and serial > :serial and not_after >= :listed_from order by serial limit 2000) as page`);

const takeNumber = rawStatement(
  `insert into crl_shard (issuer_key, shard, realm, changed, built, withdrawn, reserved)
   values (:issuer_key, :shard, :realm, 0, 0, 0, :number)
   on conflict (issuer_key, shard) do update set reserved = excluded.reserved where crl_shard.reserved = :before`);

// The holder of the highest number may publish: one that was overtaken, however late it comes, changes nothing.
const settleShard = rawStatement(
  `update crl_shard set built = :changed, withdrawn = withdrawn - :withdrawn,
     changed_at = case when changed = :changed then null else cast(:read_at as bigint) end
   where issuer_key = :issuer_key and shard = :shard and reserved = :number`);

// I7. Nor does a CRL replace one that was made later, unless that one is from a future that a wrong clock made up.
const replaceCrl = rawStatement(
  `insert into crl (${COLUMNS.join(', ')}) values (${COLUMNS.map((column) => `:${column}`).join(', ')})
   on conflict (issuer_key, shard) do update set ${COLUMNS.slice(3).map((column) => `${column} = excluded.${column}`).join(', ')}
   where crl.number < excluded.number and (crl.this_update <= excluded.this_update or crl.this_update > :believable)`);

// What a published CRL's intent said stands in the journal: once it is superseded the database need not keep it as well.
const emptyIntent = rawStatement(
  `update intent set tbs = :nothing where issuer_key = :issuer_key and serial = :serial and purpose = 'crl' and state = 'signed'`);

const findCrl = statement((k, p) =>
  k('crl').select(...COLUMNS).where({ issuer_key: p('issuer_key'), shard: p('shard') }));

/** Of every shard that was ever changed or built. */
export const shardStates = (database: Database, issuerKey: string): Promise<ShardState[]> =>
  database.many<ShardState>(findStates, { issuer_key: issuerKey });

export interface Entry {
  readonly serial: string;
  /** When it was revoked, in seconds. */
  readonly at: number;
  /** None: it expired before `listedFrom`. */
  readonly reason: number | undefined;
}

export interface EntryRange {
  /** Milliseconds: what expires before this is left out. */
  readonly from: number;
  readonly listedFrom: number;
}

/** What is revoked, a page at a time, in the order of serials. */
export async function* entryPages(database: Database, issuerKey: string, shard: number, { from, listedFrom }: EntryRange): AsyncGenerator<Iterable<Entry>> {
  for (let serial = ''; ; ) {
    const page = await database.one<{ entries: string | null }>(findEntries, { issuer_key: issuerKey, shard, serial, listed_from: from, expired: listedFrom });
    if (!page?.entries) return;
    const words = page.entries.split(' ');
    yield entriesOf(words, serial);
    serial = words.at(-3) ?? '';
  }
}

/** @throws Error when the order of the inner query was not kept, for then the next page would pass over entries */
function* entriesOf(words: readonly string[], before: string): Generator<Entry> {
  let last = before;
  for (let i = 0; i < words.length; i += 3) {
    const [serial = '', reason] = [words[i], words[i + 2]];
    if (serial <= last) throw new Error(`the database gave serial ${serial} after ${last}`);
    last = serial;
    yield { serial, at: Number(words[i + 1]), reason: reason === '-' ? undefined : Number(reason) };
  }
}

export interface Numbered {
  readonly realm: string;
  readonly issuer_key: string;
  readonly shard: number;
  readonly number: string;
}

/** Takes a number, which is above `before`: the number that was taken last, empty for none. */
export const reserveNumber = ({ realm, issuer_key, shard, number }: Numbered, before: string): Write =>
  ({ statement: takeNumber, values: { realm, issuer_key, shard, number, before }, rows: 1 });

/**
 * The writes that put a CRL in the place of the one before, and say up to which change it goes. `readAt`: when the state was
 * read; `believable`: a published one that claims to be of later than this may be replaced by an earlier.
 */
export function publishRow(row: PublishedRow, { changed, withdrawn, number: before }: Pick<ShardState, 'changed' | 'withdrawn' | 'number'>, readAt: number, believable: number): Write[] {
  const { issuer_key, shard, number } = row;
  const superseded: Write[] = before === null ? []
    : [{ statement: emptyIntent, values: { issuer_key, serial: `crl:${shard}:${BigInt(before)}`, nothing: new Uint8Array(0) }, rows: 'any' }];
  return [
    { statement: settleShard, values: { issuer_key, shard, number, changed, withdrawn, read_at: readAt } },
    { statement: replaceCrl, values: { ...row, believable }, rows: 1 },
    ...superseded,
  ];
}

export const latest = (database: Database, issuerKey: string, shard: number): Promise<PublishedRow | undefined> =>
  database.one<PublishedRow>(findCrl, { issuer_key: issuerKey, shard });

const findAges = rawStatement(
  `select count(*) as published, min(this_update) as oldest, min(next_update) as first_to_end from crl
   where issuer_key = :issuer_key and shard between 1 and :shards`);

/** How many of a key's shards are published, when the oldest was made, and when the first of them ends (ms). */
export async function agesOf(database: Database, issuerKey: string, shards: number): Promise<{ published: number; oldest?: number; firstToEnd?: number }> {
  const row = await database.one<{ published: number; oldest: number | null; first_to_end: number | null }>(findAges, { issuer_key: issuerKey, shards });
  const { published = 0, oldest = null, first_to_end = null } = row ?? {};
  return { published: Number(published), ...(oldest === null ? {} : { oldest: Number(oldest) }), ...(first_to_end === null ? {} : { firstToEnd: Number(first_to_end) }) };
}
