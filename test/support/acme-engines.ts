/** Both engines for tests of the door that are about what is stored: each test body runs on SQLite and on PostgreSQL. */
import { after, before, test } from 'node:test';
import { type DoorLab, type DoorLabOptions, openDoorLab } from './acme-door.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';

let postgres: TestPostgres;

/** To be called once at the top of a test file. */
export function withPostgres(): void {
  before(async () => { postgres = await startPostgres(); });
  after(() => postgres.stop());
}

export function onBothEngines(name: string, body: (lab: DoorLab) => Promise<void>, options: DoorLabOptions = {}): void {
  test(`${name} (SQLite)`, async () => {
    await using lab = await openDoorLab(options);
    await body(lab);
  });
  test(`${name} (PostgreSQL)`, async () => {
    await using lab = await openDoorLab({ ...options, database: await postgres.createDatabase() });
    await body(lab);
  });
}
