/** SQLite databases for one test file, in a directory that goes away. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestSqlite {
  /** The URL of a database that does not exist yet. */
  createDatabase(): Promise<string>;
  stop(): void;
}

export function startSqlite(): TestSqlite {
  const directory = mkdtempSync(join(tmpdir(), 'chancery-sqlite-'));
  let made = 0;
  return {
    async createDatabase() {
      made += 1;
      return `sqlite:${join(directory, `${made}.db`)}`;
    },
    stop: () => rmSync(directory, { recursive: true, force: true }),
  };
}
