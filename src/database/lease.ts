/**
 * Leases: who runs a job, judged by the database's clock, so that fronts need not agree on the time.
 *
 * A lease can be lost while its holder still works (a long pause, a slow disk). What must not happen then is guarded by
 * the fencing token: it grows with each change of holder, and `stillHeld` makes a commit depend on it.
 */

import type { Database, Write } from './engine.ts';
import { rawStatement, statement } from './statement.ts';

export interface Leases {
  /**
   * Takes the lease if it is free or has run out, or prolongs it if `holder` has it already (the token stays).
   * Undefined when another holds it. `holder` names one process: two must never share a name.
   */
  acquire(name: string, holder: string, ttlMs: number): Promise<{ readonly token: number } | undefined>;
  /** Gives it back before its time, so that another need not wait. Harmless when it is lost already. */
  release(name: string, holder: string): Promise<void>;
}

export function openLeases(database: Database): Leases {
  return {
    async acquire(name, holder, ttlMs) {
      const taken = await database.commit([{ statement: take, values: { name, holder, ttl: ttlMs } }]);
      return taken ? database.one(find, { name, holder }) : undefined;
    },
    async release(name, holder) {
      await database.commit([{ statement: giveBack, values: { name, holder }, rows: 'any' }]);
    },
  };
}

/** A write that lets the commit it is part of happen only while the lease is still held under this token. */
export function stillHeld(name: string, token: number): Write {
  return { statement: touch, values: { name, token } };
}

/** The database's clock in SQL, ms. */
const now = {
  sqlite: "cast(unixepoch('subsec') * 1000 as integer)",
  postgres: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
};
const perEngine = (sql: (now: string) => string) =>
  rawStatement({ sqlite: sql(now.sqlite), postgres: sql(now.postgres) });

const take = perEngine(
  (clock) => `
  insert into lease (name, realm, holder, token, expires) values (:name, 'default', :holder, 1, ${clock} + :ttl)
  on conflict (name) do update set
    holder = excluded.holder,
    expires = excluded.expires,
    token = lease.token + case when lease.holder = excluded.holder and lease.expires > ${clock} then 0 else 1 end
  where lease.holder = excluded.holder or lease.expires <= ${clock}`,
);
const giveBack = statement((k, p) =>
  k('lease')
    .update({ expires: 0 })
    .where({ name: p('name'), holder: p('holder') }),
);
const find = statement((k, p) =>
  k('lease')
    .select('token')
    .where({ name: p('name'), holder: p('holder') }),
);
const touch = perEngine(
  (clock) => `update lease set token = token where name = :name and token = :token and expires > ${clock}`,
);
