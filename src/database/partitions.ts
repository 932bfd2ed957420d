/**
 * Evidence and certificates by the day on which the certificate expires.
 *
 * On PostgreSQL these tables are partitioned, so that a day is forgotten by dropping a table: no row-by-row delete, no
 * vacuum after it. Partitions are made some days ahead; a certificate that is valid for longer goes to the default
 * partition and moves when its day comes near, so no insert ever fails for want of a partition.
 */

import type { Clock } from '../clock.ts';
import { dayOf } from '../x509/serial.ts';
import type { Database } from './engine.ts';
import { rawStatement, statement } from './statement.ts';

/** The default validity of 160 hours, and some days in which this job may fail. */
const daysAhead = 9;

const ensure = rawStatement('select ensure_partitions(:day::integer, :day::integer) as made');
const drop = rawStatement('select drop_partitions(:day::integer) as dropped');

/** The job: partitions for today and the days ahead. A day that fails does not stop the others. Nothing on SQLite. */
export async function keepPartitions(database: Database, clock: Clock): Promise<void> {
  if (database.engine === 'sqlite') return;
  const today = dayOf(clock.now());
  const faults: unknown[] = [];
  for (let day = today; day <= today + daysAhead; day += 1) {
    await database.one(ensure, { day }).catch((error: unknown) => faults.push(error));
  }
  if (faults.length > 0) throw new AggregateError(faults, `${faults.length} days have no partition yet`);
}

const grown = ['certificate_name', 'certificate', 'evidence'] as const;
const found = grown.map((table) => statement((k, p) => k(table).select('day').where('day', '<', p('day')).limit(1)));
const sweep = grown.map((table) =>
  rawStatement(`delete from ${table} where rowid in (select rowid from ${table} where day < :day limit 1000)`),
);

/** Forgets evidence and certificates that expired before `firstKept` (days since 2020-01-01). For good. */
export async function forgetDaysBefore(database: Database, firstKept: number): Promise<void> {
  const values = { day: firstKept };
  if (database.engine === 'postgres') {
    await database.one(drop, values);
    return;
  }
  for (const [i, statement] of sweep.entries()) {
    while ((await database.one(found[i] as (typeof found)[number], values)) !== undefined) {
      await database.commit([{ statement, values, rows: 'any' }]);
    }
  }
}
