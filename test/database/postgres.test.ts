/** PostgreSQL: the contracts, and what only this engine does. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import {
  DatabaseUnavailable,
  DatabaseUnusable,
  openDatabase,
  rawStatement,
  statement,
} from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { forgetDaysBefore, keepPartitions } from '../../src/database/partitions.ts';
import { dayOf } from '../../src/x509/serial.ts';
import { add, databaseContract, openProbe } from '../contract/database.ts';
import { leaseContract } from '../contract/leases.ts';
import { migrationContract } from '../contract/migration.ts';
import { nonceContract } from '../contract/nonces.ts';
import { query, startPostgres, type TestPostgres } from '../support/postgres.ts';

describe('PostgreSQL', () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());
  const newDatabase = (): Promise<string> => postgres.createDatabase();
  const clock = { now: Date.now };

  databaseContract(newDatabase);
  migrationContract(newDatabase);
  leaseContract(newDatabase);
  nonceContract(newDatabase);

  describe('opening', () => {
    const refusal = (url: string, kind: typeof DatabaseUnavailable | typeof DatabaseUnusable, words: RegExp) =>
      assert.rejects(
        openDatabase(url),
        (error) => error instanceof kind && words.test(error.message) && !/secret/.test(error.message),
      );

    it('says in one sentence what is wrong', async () => {
      await refusal(
        'postgres://u:secret@127.0.0.1:1/x',
        DatabaseUnavailable,
        /127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/,
      );
      await refusal(
        postgres.url.replace('chancery@', 'stranger:secret@'),
        DatabaseUnusable,
        /does not let stranger in/,
      );
      await refusal(postgres.url.replace(/postgres$/, 'nowhere'), DatabaseUnusable, /no database nowhere/);
    });

    it('refuses a server that does not wait for its disk', async () => {
      const url = await newDatabase();
      await query(url, `alter database ${url.split('/').at(-1)} set synchronous_commit = off`);
      await refusal(url, DatabaseUnusable, /synchronous_commit/);
    });
  });

  describe('statements', () => {
    it('repeats a commit that was rolled back for the sake of another', async () => {
      await using database = await openProbe(await newDatabase());
      await database.commit([add('left', 0), add('right', 0)]);
      const count = statement((k, p) =>
        k('probe')
          .increment('number', 1)
          .where({ id: p('id') }),
      );
      const both = (a: string, b: string) =>
        database.commit([a, b].map((id) => ({ statement: count, values: { id } })));
      const done = await Promise.all(
        // Few, for each deadlock takes PostgreSQL a second to notice, and patience is five.
        Array.from({ length: 4 }, (_, i) => (i % 2 ? both('left', 'right') : both('right', 'left'))),
      );
      assert.ok(done.every(Boolean));
      const rows = await database.many<{ number: number }>(rawStatement('select number from probe'));
      assert.deepEqual(
        rows.map(({ number }) => number),
        [4, 4],
      );
    });

    it('has the server notice soon when a front is gone, for nobody else could end its commit', async () => {
      await using database = await openDatabase(await newDatabase());
      const row = await database.one<{ idle: string }>(rawStatement("select current_setting('tcp_keepalives_idle') as idle"));
      assert.equal(row?.idle, '15');
    });

    it('bounds how long a statement may take', async () => {
      await using database = await openDatabase(postgres.url);
      const timeout = await database.one<{ t: string }>(
        rawStatement("select current_setting('statement_timeout') as t"),
      );
      assert.equal(timeout?.t, '10s');
    });

    it('refuses a number that would lose digits', async () => {
      await using database = await openDatabase(postgres.url);
      await assert.rejects(database.one(rawStatement('select 9007199254740993::bigint as n')), /9007199254740993/);
    });
  });

  describe('partitions', () => {
    const dayMs = 86_400_000;
    const today = dayOf(Date.now());
    const insertEvidence = statement((k, p) =>
      k('evidence').insert({ realm: 'default', digest: p('digest'), day: p('day'), body: '{}', created: 0 }),
    );
    const evidence = (digest: string, day: number) => ({ statement: insertEvidence, values: { digest, day } });
    const places = async (url: string): Promise<string[]> =>
      (await query(url, 'select tableoid::regclass as place from evidence order by day')).map(({ place }) =>
        String(place),
      );

    it('are there after a migration, and every other day has a place too', async () => {
      const url = await newDatabase();
      await using database = await openDatabase(url);
      await migrate(database);
      await database.commit([evidence('a', today), evidence('b', today + 7), evidence('c', today + 400)]);
      assert.deepEqual(await places(url), [`evidence_${today}`, `evidence_${today + 7}`, 'evidence_rest']);
    });

    it('that cannot be made now keep nobody from starting', async () => {
      const url = await newDatabase();
      await using database = await openDatabase(url);
      await migrate(database);
      const day = today + 9;
      await query(url, `drop table certificate_${day}`);
      const client = new pg.Client(url);
      await client.connect();
      try {
        await client.query('begin; select count(*) from certificate_rest'); // somebody reads for longer than is waited
        await migrate(database);
      } finally {
        await client.end();
      }
      assert.deepEqual(await query(url, `select to_regclass('certificate_${day}') as place`), [{ place: null }]);
      await keepPartitions(database, clock);
      assert.deepEqual(await query(url, `select to_regclass('certificate_${day}')::text as place`), [{ place: `certificate_${day}` }]);
    });

    it('take over the rows that waited for their day', async () => {
      const url = await newDatabase();
      await using database = await openDatabase(url);
      await migrate(database);
      const later = today + 100;
      await database.commit([evidence('c', later)]);
      await keepPartitions(database, { now: () => Date.now() + 95 * dayMs });
      assert.deepEqual(await places(url), [`evidence_${later}`]);
      assert.equal(await database.commit([evidence('c', later)]), false, 'and keep them unique');
    });

    it('are there before anything is issued that ends on their day, however long certificates are valid', async () => {
      const url = await newDatabase();
      await using database = await openDatabase(url);
      await migrate(database);
      await keepPartitions(database, clock, 30 * dayMs);
      await database.commit([evidence('a', today + 30)]);
      assert.deepEqual(await places(url), [`evidence_${today + 30}`]);
    });

    it('are made while commits go on', async () => {
      await using database = await openDatabase(await newDatabase());
      await migrate(database);
      const fill = async (worker: number): Promise<void> => {
        for (let i = 0; i < 60; i += 1)
          assert.equal(await database.commit([evidence(`${worker}-${i}`, today + 13 + (i % 20))]), true);
      };
      const keep = async (): Promise<void> => {
        for (let days = 1; days <= 20; days += 1)
          await keepPartitions(database, { now: () => Date.now() + days * dayMs });
      };
      await Promise.all([keep(), ...Array.from({ length: 6 }, (_, worker) => fill(worker))]);
      assert.equal((await database.one<{ n: number }>(rawStatement('select count(*) as n from evidence')))?.n, 360);
    });

    it('hold a serial once, whatever the day says', async () => {
      await using database = await openDatabase(await newDatabase());
      await migrate(database);
      const insert = statement((k, p) =>
        k('certificate_name').insert({
          ...{
            realm: 'default',
            issuer_key: 'k',
            serial: p('serial'),
            type: 'dns',
            value: 'a',
            reversed: 'a',
            day: p('day'),
          },
        }),
      );
      const name = (serial: string, day: number) => ({ statement: insert, values: { serial, day } });
      const serial = `01${today.toString(16).padStart(4, '0')}${'ab'.repeat(16)}`;
      assert.equal(await database.commit([name(serial, today)]), true);
      assert.equal(await database.commit([name(serial, today)]), false);
      await assert.rejects(database.commit([name(serial, today + 1)]), /check constraint/);
    });

    it('are dropped with all that is in them', async () => {
      const url = await newDatabase();
      await using database = await openDatabase(url);
      await migrate(database);
      await database.commit([
        evidence('old', today - 400),
        evidence('a', today),
        evidence('b', today + 1),
        evidence('c', today + 2),
      ]);
      await forgetDaysBefore(database, today + 2);
      assert.deepEqual(await places(url), [`evidence_${today + 2}`]);
      await keepPartitions(database, clock);
      assert.equal(await database.commit([evidence('a', today)]), true);
    });
  });
});
