/** The database: what a store, a job or wiring imports. */

import type { Database } from './engine.ts';
import { DatabaseUnusable } from './errors.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

export type { Database, Write } from './engine.ts';
export { DatabaseUnavailable, DatabaseUnusable } from './errors.ts';
export { type Engine, rawStatement, type Statement, statement, type Value, type Values } from './statement.ts';

/**
 * Opens a database and checks that it can be used; one sentence in the error otherwise.
 *
 * @param url `sqlite:/path/to/file` (made when missing, in a directory that exists) or `postgres://…`
 */
export async function openDatabase(url: string): Promise<Database> {
  if (url.startsWith('sqlite:')) return openSqlite(url.slice('sqlite:'.length));
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url);
  throw new DatabaseUnusable('the database URL must start with sqlite: or postgres://');
}
