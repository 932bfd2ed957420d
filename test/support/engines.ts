/** Runs the same tests on SQLite and on PostgreSQL. */
import { after, before, describe } from 'node:test';
import type { NewDatabase } from '../contract/database.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';
import { startSqlite } from './sqlite.ts';

/** `tests` declares them; they ask for the URL of an empty database as often as they like. */
export function onBothEngines(tests: (newDatabase: NewDatabase) => void): void {
  describe('SQLite', () => {
    const sqlite = startSqlite();
    after(() => sqlite.stop());
    tests(() => sqlite.createDatabase());
  });
  describe('PostgreSQL', () => {
    let postgres: TestPostgres | undefined;
    before(async () => { postgres = await startPostgres(); });
    after(() => postgres?.stop());
    tests(() => (postgres as TestPostgres).createDatabase());
  });
}
