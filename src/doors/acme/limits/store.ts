/**
 * SQL of rate limits and pauses. What an order costs is spent by one statement in the commit that makes the order: all of it or nothing, and
 * if the order is not made, nothing. All fronts share the rows, so all share the limits.
 */
import { auditEntry } from '../../../ca/index.ts';
import type { Database, Write } from '../../../database/database.ts';
import { publicId, type Random } from '../../../database/public-id.ts';
import { rawStatement, statement } from '../../../database/statement.ts';
import type { Bucket } from './bucket.ts';

/** What one request spends, and what else it may stumble over. */
export interface Spending {
  readonly realm: string;
  readonly account: string;
  /** Each is spent from; at least one. */
  readonly spent: readonly Bucket[];
  /** Filled by failures; only looked at. */
  readonly watched: readonly Bucket[];
  /** Names that the account may be paused for. */
  readonly names: readonly string[];
  /** The key under which it is known that the account had a certificate for exactly these names: then what spares renewals is spared. */
  readonly had: string;
}

/** Whether a column is in a list, so that either planner goes by the column's index and not through the table. */
const isIn = {
  sqlite: (name: string) => `in (select value from json_each(:${name}))`,
  postgres: (name: string) => `= any(array(select jsonb_array_elements_text(:${name}::jsonb)))`,
} as const;

// What is spent: a renewal's cost is 0, and a bucket that is asked for nothing refuses nothing.
const spendSql = (asked: string, member: (name: string) => string, listed: (name: string) => string, bigger: string, now: string) => `
  insert into acme_limit (realm, key, tat, slack)
  select :realm, ${member('key')}, ${now} + case when ${member('spares')} = 1 and exists (
      select 1 from acme_limit h where h.realm = :realm and h.key = :had and h.tat > ${now}) then 0 else ${member('cost')} end, ${member('slack')}
  from ${asked}
  where not exists (select 1 from acme_limit f where f.realm = :realm and f.key ${listed('watched')} and f.tat > ${now} + f.slack)
    and not exists (select 1 from acme_pause p where p.account = :account and p.name ${listed('names')} and p.paused is not null)
  order by ${member('key')}
  on conflict (realm, key) do update set tat = ${bigger}(acme_limit.tat, ${now}) + excluded.tat - ${now}, slack = excluded.slack
  where excluded.tat = ${now} or acme_limit.tat <= ${now} + excluded.slack`;

const spendAll = rawStatement({
  sqlite: spendSql('json_each(:spent) a', (name) => `(a.value ->> '${name}')`, isIn.sqlite, 'max', ':now'),
  postgres: spendSql(
    'jsonb_to_recordset(:spent::jsonb) as a(key text, cost bigint, slack bigint, spares integer)', (name) => `a.${name}`,
    isIn.postgres, 'greatest', ':now::bigint',
  ),
});

/** A failure has happened, allowed or not; but it counts no further than one above the limit. */
const fillSql = (bigger: string, smaller: string, now: string) => `
  insert into acme_limit (realm, key, tat, slack) values (:realm, :key, ${now} + :cost, :slack)
  on conflict (realm, key) do update set slack = excluded.slack,
    tat = ${smaller}(${bigger}(acme_limit.tat, ${now}) + :cost, ${now} + excluded.slack + :cost)`;
const fill = rawStatement({ sqlite: fillSql('max', 'min', ':now'), postgres: fillSql('greatest', 'least', ':now::bigint') });

const note = rawStatement({
  sqlite: `insert into acme_limit (realm, key, tat, slack) values (:realm, :key, :until, 0) on conflict (realm, key) do update set tat = max(acme_limit.tat, excluded.tat)`,
  postgres: `insert into acme_limit (realm, key, tat, slack) values (:realm, :key, :until, 0) on conflict (realm, key) do update set tat = greatest(acme_limit.tat, excluded.tat)`,
});

// No two failures of a row have the same time: the one that paused it is the one whose time is that of the pause.
const countFailureSql = (after: string, now: string, later: string) => `
  insert into acme_pause (realm, account, name, failures, changed, paused) values (:realm, :account, :name, 1, ${now}, case when ${after} <= 1 then ${now} end)
  on conflict (account, name) do update set failures = acme_pause.failures + 1, changed = ${later},
    paused = coalesce(acme_pause.paused, case when acme_pause.failures + 1 >= ${after} then ${later} end)`;
const countFailure = rawStatement({
  sqlite: countFailureSql(':after', ':now', 'max(excluded.changed, acme_pause.changed + 1)'),
  postgres: countFailureSql(':after::integer', ':now::bigint', 'greatest(excluded.changed, acme_pause.changed + 1)'),
});

const tellPauseSql = (at: string) => `
  insert into audit_entry (id, realm, type, at, body, hash) select :id, :realm, :type, ${at}, :body, :hash
  where exists (select 1 from acme_pause where account = :account and name = :name and paused = changed)`;
const tellPause = rawStatement({ sqlite: tellPauseSql(':at'), postgres: tellPauseSql(':at::bigint') });

const forgetFailures = statement((k, p) => k('acme_pause').where({ account: p('account'), name: p('name') }).delete());

const findSpent = rawStatement({
  sqlite: `select key, tat from acme_limit where realm = :realm and key ${isIn.sqlite('keys')}`,
  postgres: `select key, tat from acme_limit where realm = :realm and key ${isIn.postgres('keys')}`,
});

const findPaused = statement((k, p) => k('acme_pause').select('name').where({ account: p('account') }).whereNotNull('paused').orderBy('name').limit(100));

const endPauses = statement((k, p) => k('acme_pause').where({ account: p('account') }).whereNotNull('paused').delete());

/** Holds when each bucket has room, none of the watched ones is over its limit, and no name is paused. */
export const spend = ({ realm, account, spent, watched, names, had }: Spending, now: number): Write => ({
  statement: spendAll, rows: spent.length,
  values: {
    realm, account, had, now,
    spent: JSON.stringify(spent.map(({ key, cost, slack, sparesRenewals }) => ({ key, cost, slack, spares: sparesRenewals ? 1 : 0 }))),
    watched: JSON.stringify(watched.map(({ key }) => key)), names: JSON.stringify(names),
  },
});

/** Notes that something happened that a bucket counts. */
export const filled = (realm: string, { key, cost, slack }: Bucket, now: number): Write => ({ statement: fill, rows: 'any', values: { realm, key, cost, slack, now } });

/** Keeps a key in mind until then. */
export const noted = (realm: string, key: string, until: number): Write => ({ statement: note, rows: 'any', values: { realm, key, until } });

/** One more failure in a row; with the one numbered `after`, the account is paused for this name, and the audit log says so. */
export function failed(realm: string, account: string, name: string, after: number, now: number, random: Random): Write[] {
  const entry = auditEntry(publicId(now, random), realm, 'account.paused-for-name', now, { account, name, after });
  return [
    { statement: countFailure, rows: 'any', values: { realm, account, name, after, now } },
    { statement: tellPause, rows: 'any', values: { ...entry.values, account, name } },
  ];
}

export const succeeded = (account: string, name: string): Write => ({ statement: forgetFailures, rows: 'any', values: { account, name } });

/** The theoretical arrival times of these keys, where there are any. */
export async function arrivalTimes(database: Database, realm: string, keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await database.many<{ key: string; tat: number }>(findSpent, { realm, keys: JSON.stringify(keys) });
  return new Map(rows.map(({ key, tat }) => [key, tat]));
}

/** Up to 100 names that the account is paused for. */
export async function pausedNames(database: Database, account: string): Promise<string[]> {
  return (await database.many<{ name: string }>(findPaused, { account })).map(({ name }) => name);
}

/** Lets the account try all its names again, and says so in the audit log. */
export const unpause = (database: Database, realm: string, account: string, by: string, now: number, random: Random): Promise<boolean> =>
  database.commit([
    { statement: endPauses, rows: 'any', values: { account } },
    auditEntry(publicId(now, random), realm, 'account.unpaused', now, { account, by }),
  ]);

// ── what is of no use any more ──

const BATCH = 1000;
const MAX_ROUNDS = 100;
/** Failures that no other followed for so long are forgiven. */
const FAILURE_LIFE_MS = 30 * 86_400_000;

const oldLimit = statement((k, p) => k('acme_limit').select('key').where('tat', '<', p('now')).limit(1));
const dropLimits = rawStatement(
  `delete from acme_limit where (realm, key) in (select realm, key from acme_limit where tat < :now order by tat limit ${BATCH}) and tat < :now`);
const oldFailure = statement((k, p) => k('acme_pause').select('name').whereNull('paused').where('changed', '<', p('before')).limit(1));
const dropFailures = rawStatement(
  `delete from acme_pause where (account, name) in (select account, name from acme_pause where changed < :before and paused is null order by changed limit ${BATCH})
   and changed < :before and paused is null`);

/** Buckets that have all of their allowance are as good as none. */
export async function dropOldLimits(database: Database, now: number): Promise<void> {
  const before = now - FAILURE_LIFE_MS;
  for (let round = 0; round < MAX_ROUNDS && (await database.one(oldLimit, { now })) !== undefined; round += 1) {
    await database.commit([{ statement: dropLimits, rows: 'any', values: { now } }]);
  }
  for (let round = 0; round < MAX_ROUNDS && (await database.one(oldFailure, { before })) !== undefined; round += 1) {
    await database.commit([{ statement: dropFailures, rows: 'any', values: { before } }]);
  }
}
