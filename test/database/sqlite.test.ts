/** SQLite: the contracts, and what only this engine does. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import Sqlite from 'better-sqlite3';
import {
  DatabaseUnavailable,
  DatabaseUnusable,
  openDatabase,
  rawStatement,
  statement,
} from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openNonces } from '../../src/database/nonces.ts';
import { forgetDaysBefore } from '../../src/database/partitions.ts';
import { add, databaseContract, openProbe, trace } from '../contract/database.ts';
import { leaseContract } from '../contract/leases.ts';
import { migrationContract } from '../contract/migration.ts';
import { nonceContract } from '../contract/nonces.ts';
import { startSqlite } from '../support/sqlite.ts';

describe('SQLite', () => {
  const sqlite = startSqlite();
  after(() => sqlite.stop());
  const newDatabase = sqlite.createDatabase;
  const fileOf = (url: string): string => url.slice('sqlite:'.length);

  databaseContract(newDatabase);
  migrationContract(newDatabase);
  leaseContract(newDatabase);
  nonceContract(newDatabase);

  const count = statement((k) => k('probe').count({ n: '*' }));

  it('waits for the disk at each commit', async () => {
    await using database = await openDatabase(await newDatabase());
    const pragma = (name: string) => database.one<Record<string, unknown>>(rawStatement(`pragma ${name}`));
    assert.equal((await pragma('journal_mode'))?.['journal_mode'], 'wal');
    assert.equal((await pragma('synchronous'))?.['synchronous'], 2, 'FULL');
  });

  it('shows a reader nothing of a commit that is still waiting', async () => {
    await using database = await openProbe(await newDatabase());
    const committed = database.commit([add('later')]);
    assert.equal((await database.one<{ n: number }>(count))?.n, 0);
    await committed;
    assert.equal((await database.one<{ n: number }>(count))?.n, 1);
  });

  it('ends what was asked for before it closes', async () => {
    const url = await newDatabase();
    const database = await openProbe(url);
    const committed = Array.from({ length: 600 }, (_, i) => database.commit([add(`last-${i}`)]));
    await database[Symbol.asyncDispose]();
    assert.ok((await Promise.all(committed)).every(Boolean));
  });

  it('rejects all waiting commits when the disk is full, writes nothing half, goes on when there is room', async () => {
    await using database = await openProbe(await newDatabase());
    const { page_count } = (await database.one<{ page_count: number }>(rawStatement('pragma page_count'))) ?? {
      page_count: 0,
    };
    await database.one(rawStatement(`pragma max_page_count = ${page_count + 20}`));
    const octets = new Uint8Array(20_000);
    const full = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => database.commit([add(`full-${i}`, i, octets), trace(`full-${i}`)])),
    );
    for (const outcome of full) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof DatabaseUnavailable);
      assert.match(outcome.reason.message, /disk .* is full/);
      assert.equal(outcome.reason.ambiguous, false);
    }
    assert.equal((await database.one<{ n: number }>(count))?.n, 0);
    assert.equal((await database.one<{ n: number }>(rawStatement('select count(*) as n from trace')))?.n, 0);
    await database.one(rawStatement('pragma max_page_count = 1000000'));
    assert.equal(await database.commit([add('full-0', 0, octets), trace('full-0')]), true);
  });

  it('says that another process holds the file, and goes on when it lets go', async () => {
    const url = await newDatabase();
    await using database = await openProbe(url);
    const other = new Sqlite(fileOf(url));
    other.exec('begin immediate');
    await assert.rejects(database.commit([add('busy')]), (error) => {
      return error instanceof DatabaseUnavailable && !error.ambiguous && /another process/.test(error.message);
    });
    other.exec('rollback');
    other.close();
    assert.equal(await database.commit([add('busy')]), true);
  });

  it('says in one sentence what is wrong with the file', async () => {
    const url = await newDatabase();
    writeFileSync(fileOf(url), 'not a database at all, but long enough to look at'.repeat(100));
    await assert.rejects(
      openDatabase(url),
      (error) => error instanceof DatabaseUnusable && /not a database/.test(error.message),
    );
    await assert.rejects(openDatabase('sqlite:/no/such/directory/x.db'), DatabaseUnusable);
    await assert.rejects(openDatabase('mysql://x'), DatabaseUnusable);
  });

  describe('nonces', () => {
    it('are void after a restart', async () => {
      await using database = await openDatabase(await newDatabase());
      await migrate(database);
      const before = await openNonces(database, { now: Date.now });
      const nonce = before.issue();
      const after = await openNonces(database, { now: Date.now });
      assert.equal(await after.redeem(nonce), 'bad');
    });

    it('live for an hour at least, and not for ever', async () => {
      await using database = await openDatabase(await newDatabase());
      let now = 1_790_000_000_000;
      const nonces = await openNonces(database, { now: () => now });
      nonces.issue();
      for (const minutesIntoTurn of [0, 29, 59, 61]) {
        now += minutesIntoTurn * 60_000;
        const [used, old, expired] = [nonces.issue(), nonces.issue(), nonces.issue()];
        assert.equal(await nonces.redeem(used), 'fresh');
        for (let minute = 0; minute < 60; minute += 5) {
          now += 5 * 60_000;
          nonces.issue();
        }
        assert.equal(await nonces.redeem(old), 'fresh');
        assert.equal(await nonces.redeem(used), 'bad');
        now += 31 * 60_000;
        assert.equal(await nonces.redeem(expired), 'bad');
      }
    });

    it('S#nonces: take a bit each, and nothing until they are redeemed', async () => {
      await using database = await openDatabase(await newDatabase());
      const nonces = await openNonces(database, { now: Date.now });
      nonces.issue();
      const used = (): number => process.memoryUsage().arrayBuffers;
      const before = used();
      const redeemed: string[] = [];
      for (let i = 0; i < 20_000; i += 1) {
        const nonce = nonces.issue();
        if (i % 10 === 0) await nonces.redeem(nonce);
        if (i % 1000 === 0) redeemed.push(nonce);
      }
      for (const nonce of redeemed) assert.equal(await nonces.redeem(nonce), 'bad');
      globalThis.gc?.();
      assert.ok(used() - before < 16_000_000, `${used() - before} octets`); // collected buffers included
    });
  });

  it('forgets days', async () => {
    await using database = await openDatabase(await newDatabase());
    await migrate(database);
    const insert = statement((k, p) =>
      k('evidence').insert({ realm: 'default', digest: p('d'), day: p('day'), body: '', created: 0 }),
    );
    await Promise.all(
      [10, 11, 12].map((day) => database.commit([{ statement: insert, values: { d: `x${day}`, day } }])),
    );
    await forgetDaysBefore(database, 12);
    assert.deepEqual(
      (await database.many<{ day: number }>(statement((k) => k('evidence').select('day').limit(9)))).map((r) => r.day),
      [12],
    );
  });
});
