/** Brings the schema up to date, under an exclusive lock, in one transaction. */

import { migrations as manifest } from '../../migrations/index.ts';
import type { Migration } from '../../migrations/migration.ts';
import type { Database } from './engine.ts';
import { DatabaseUnusable } from './errors.ts';
import { keepPartitions } from './partitions.ts';
import { type Engine, offline } from './statement.ts';

/**
 * Runs what was not run yet, and says what that was. Two at once: the second waits and finds nothing to do.
 * Throws DatabaseUnusable when the database was written by a newer Chancery.
 */
export async function migrate(database: Database, migrations: readonly Migration[] = manifest): Promise<string[]> {
  let added: string[] = [];
  await database.upgrade((applied) => {
    refuseUnknown(applied, migrations);
    const missing = migrations.filter(({ name }) => !applied.includes(name));
    added = missing.map(({ name }) => name);
    return missing.flatMap((migration) => script(migration, database.engine));
  });
  const now = await database.now();
  // A day without a partition is no reason not to start: its rows have a place all the same, and the job tries again, and tells.
  await keepPartitions(database, { now: () => now }).catch(() => {});
  return added;
}

function refuseUnknown(applied: readonly string[], migrations: readonly Migration[]): void {
  const unknown = applied.find((name) => !migrations.some((migration) => migration.name === name));
  if (unknown === undefined) return;
  throw new DatabaseUnusable(
    `the database was written by a newer version (it has migration ${unknown}, this one ends at ` +
      `${migrations.at(-1)?.name}): start that version, or restore a backup from before the upgrade`,
  );
}

function script({ name, up }: Migration, engine: Engine): string[] {
  const steps = up(offline[engine], engine);
  const sql = steps.flatMap((step) => {
    if (typeof step === 'string') return [step];
    const queries = step.toSQL() as unknown as readonly { sql: string; bindings?: readonly unknown[] }[];
    return queries.map((query) => {
      if (query.bindings?.length) throw new Error(`migration ${name} has a parameter in ${query.sql}`);
      return query.sql;
    });
  });
  return [...sql, `insert into schema_version (name) values ('${name}')`];
}
