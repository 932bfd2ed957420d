/**
 * Evidence and certificates by the day on which the certificate expires.
 *
 * On PostgreSQL these tables are partitioned, so that a day is forgotten by dropping a table: no row-by-row delete, no
 * vacuum after it. Partitions are made before anything is issued that ends on their day. What comes too early all the same goes to
 * the default partition and moves when its day has one, so no insert ever fails for want of a partition; but nobody writes while
 * PostgreSQL looks through the default partition for what has to move (half a minute for a million rows), so it has to stay nearly empty.
 */

import type { Clock } from '../clock.ts';
import { dayOf } from '../x509/serial.ts';
import type { Database } from './engine.ts';
import { rawStatement, statement } from './statement.ts';

/** For a start: the default validity of 160 hours, and some days. */
const leastAhead = 9;
/** Some reads look into every partition: a hundred more cost half a millisecond. */
const mostAhead = 400;

const DAY_MS = 86_400_000;

const ensure = rawStatement('select ensure_partitions(:day::integer, :day::integer) as made');
const drop = rawStatement('select drop_partitions(:day::integer) as dropped');

/**
 * The job: partitions for today and the days ahead, for as long as certificates may be valid (ms). A day that fails does not stop the others.
 * Nothing on SQLite.
 */
export async function keepPartitions(database: Database, clock: Clock, longestValidityMs = 0): Promise<void> {
  if (database.engine === 'sqlite') return;
  const today = dayOf(clock.now());
  const ahead = Math.min(Math.max(leastAhead, Math.ceil(longestValidityMs / DAY_MS) + 2), mostAhead);
  const faults: unknown[] = [];
  for (let day = today; day <= today + ahead; day += 1) {
    await database.one(ensure, { day }).catch((error: unknown) => faults.push(error));
  }
  if (faults.length > 0) throw new AggregateError(faults, `${faults.length} days have no partition yet`);
}

const grown = ['certificate_name', 'certificate', 'evidence'] as const;
/** Not partitioned on PostgreSQL: few certificates are revoked. They go last, so that no certificate is ever good again. */
const revocation = 'revocation';
const sweepsOf = (tables: readonly string[]) =>
  tables.map((table) => ({
    found: statement((k, p) => k(table).select('day').where('day', '<', p('day')).limit(1)),
    sweep: rawStatement({
      sqlite: `delete from ${table} where rowid in (select rowid from ${table} where day < :day limit 1000)`,
      postgres: `delete from ${table} where ctid in (select ctid from ${table} where day < :day limit 1000)`,
    }),
  }));
const sweeps = { sqlite: sweepsOf([...grown, revocation]), postgres: sweepsOf([revocation]) };

/** Forgets evidence, certificates and revocations that expired before `firstKept` (days since 2020-01-01). For good. */
export async function forgetDaysBefore(database: Database, firstKept: number): Promise<void> {
  const values = { day: firstKept };
  if (database.engine === 'postgres') await database.one(drop, values);
  for (const { found, sweep } of sweeps[database.engine]) {
    while ((await database.one(found, values)) !== undefined) {
      await database.commit([{ statement: sweep, values, rows: 'any' }]);
    }
  }
}
