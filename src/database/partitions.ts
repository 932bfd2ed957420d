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
