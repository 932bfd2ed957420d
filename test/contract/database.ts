/** What every engine must do with statements and commits, whatever is behind it. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { migrations } from '../../migrations/index.ts';
import type { Migration } from '../../migrations/migration.ts';
import {
  type Database,
  openDatabase,
  rawStatement,
  statement,
  type Value,
  type Write,
} from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';

/** The URL of a new, empty database of the engine under test. */
export type NewDatabase = () => Promise<string>;

/** Tables for tests of the commit layer; `trace` has no key, so that a row written twice shows. */
export const probe: Migration = {
  name: '9999-probe',
  up: (k) => [
    k.schema.createTable('probe', (t) => {
      t.text('id').primary();
      t.text('state').notNullable();
      t.bigInteger('number');
      t.binary('octets');
    }),
    k.schema.createTable('trace', (t) => {
      t.text('id').notNullable();
    }),
  ],
};

export async function openProbe(url: string): Promise<Database> {
  const database = await openDatabase(url);
  await migrate(database, [...migrations, probe]);
  return database;
}

const insert = statement((k, p) =>
  k('probe').insert({ id: p('id'), state: 'new', number: p('number'), octets: p('octets') }),
);
const insertTrace = statement((k, p) => k('trace').insert({ id: p('id') }));
const move = statement((k, p) =>
  k('probe')
    .update({ state: p('to') })
    .where({ id: p('id'), state: p('from') }),
);
const moveAll = statement((k, p) => k('probe').update({ state: p('to') }));
const addOnce = statement((k, p) =>
  k('probe')
    .insert({ id: p('id'), state: 'new' })
    .onConflict(['id'])
    .ignore(),
);
const find = statement((k, p) =>
  k('probe')
    .select('id', 'state', 'number', 'octets')
    .where({ id: p('id') }),
);
const list = statement((k, p) => k('probe').select('id').where('id', '>', p('after')).orderBy('id').limit(3));
const count = statement((k) => k('probe').count({ n: '*' }));
const longer = rawStatement('select id from probe where number > :least and state <> :state order by id');
const wrong = statement((k, p) => k('no_such_table').insert({ id: p('id') }));

interface Row {
  id: string;
  state: string;
  number: number | null;
  octets: Buffer | null;
}

export const add = (id: string, number: Value = null, octets: Value = null): Write => ({
  statement: insert,
  values: { id, number, octets },
});
export const trace = (id: string): Write => ({ statement: insertTrace, values: { id } });
const moved = (id: string, from: string, to: string): Write => ({ statement: move, values: { id, from, to } });

export function databaseContract(newDatabase: NewDatabase): void {
  describe('commits and reads', () => {
    let database: Database;
    before(async () => {
      database = await openProbe(await newDatabase());
    });
    after(() => database[Symbol.asyncDispose]());

    const row = (id: string): Promise<Row | undefined> => database.one<Row>(find, { id });

    it('returns values of each type as they were given', async () => {
      const octets = Uint8Array.from({ length: 256 }, (_, i) => i);
      assert.equal(await database.commit([add('äöü 😀 \'"\\ :id $1 ?', 1_790_000_000_123, octets.subarray(1))]), true);
      const found = await row('äöü 😀 \'"\\ :id $1 ?');
      assert.equal(found?.number, 1_790_000_000_123);
      assert.deepEqual(found?.octets, Buffer.from(octets.subarray(1)));
      for (const number of [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, null]) {
        await database.commit([add(`number ${number}`, number, Buffer.alloc(0))]);
        const { id: _, ...values } = (await row(`number ${number}`)) as Row;
        assert.deepEqual({ ...values }, { state: 'new', number, octets: Buffer.alloc(0) });
      }
      await database.commit([add('null')]);
      assert.equal((await row('null'))?.octets, null);
    });

    it('answers undefined and an empty list when there is nothing', async () => {
      assert.equal(await row('nobody'), undefined);
      assert.deepEqual(await database.many(find, { id: 'nobody' }), []);
    });

    it('keeps the order of the statement', async () => {
      const ids = ['list-b', 'list-d', 'list-a', 'list-c', 'list-B'];
      await Promise.all(ids.map((id) => database.commit([add(id)])));
      const page = await database.many<Row>(list, { after: 'list-' });
      assert.deepEqual(
        page.map(({ id }) => id),
        ['list-B', 'list-a', 'list-b'],
        'text compares byte by byte',
      );
    });

    it('takes raw statements with named values', async () => {
      await database.commit([add('raw-1', 7001), add('raw-2', 7002)]);
      const rows = await database.many<Row>(longer, { state: 'gone', least: 7001 });
      assert.deepEqual(
        rows.map(({ id }) => id).filter((id) => id.startsWith('raw')),
        ['raw-2'],
      );
    });

    it('does all writes of a commit or none', async () => {
      assert.equal(await database.commit([add('all-1'), add('all-2')]), true);
      assert.equal(await database.commit([add('all-3'), moved('all-1', 'gone', 'x'), add('all-4')]), false);
      assert.equal(await row('all-3'), undefined);
      assert.equal(await row('all-4'), undefined);
      assert.equal(await database.commit([]), true);
    });

    it('answers false when a unique key is taken', async () => {
      assert.equal(await database.commit([add('taken')]), true);
      assert.equal(await database.commit([add('free'), add('taken')]), false);
      assert.equal(await row('free'), undefined);
      assert.equal(await database.commit([add('free')]), true, 'and the connection is as good as before');
    });

    it('expects one row unless told otherwise', async () => {
      await database.commit([add('swap')]);
      assert.equal(await database.commit([moved('swap', 'new', 'done')]), true);
      assert.equal(await database.commit([moved('swap', 'new', 'done')]), false);
      const none: Write = { statement: move, values: { id: 'swap', from: 'new', to: 'x' }, rows: 0 };
      assert.equal(await database.commit([none]), true);
      assert.equal(await database.commit([{ ...none, rows: 'any' }]), true);
      assert.equal(await database.commit([{ statement: addOnce, values: { id: 'swap' } }]), false);
      assert.equal(await database.commit([{ statement: addOnce, values: { id: 'swap' }, rows: 'any' }]), true);
      const everything = { statement: moveAll, values: { to: 'done' } };
      assert.equal(await database.commit([{ ...everything, rows: 2 }]), false);
      const n = (await database.one<{ n: number }>(count))?.n as number;
      assert.equal(await database.commit([{ ...everything, rows: n }]), true);
    });

    it('gives a transition to one of many who try it', async () => {
      await database.commit([add('race')]);
      const tries = Array.from({ length: 50 }, (_, i) => database.commit([moved('race', 'new', `won-${i}`)]));
      const winners = (await Promise.all(tries)).flatMap((won, i) => (won ? [i] : []));
      assert.equal(winners.length, 1);
      assert.equal((await row('race'))?.state, `won-${winners[0]}`);
    });

    it('keeps neighbours apart: what fails beside a commit does not touch it', async () => {
      const outcomes = await Promise.allSettled([
        database.commit([add('near-1'), add('near-1b')]),
        database.commit([add('near-2'), add('near-2')]),
        database.commit([add('near-3'), { statement: wrong, values: { id: 'x' } }]),
        database.commit([add('near-4'), moved('near-4', 'gone', 'x')]),
        database.commit([add('near-5')]),
      ]);
      const said = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'mistake'));
      assert.deepEqual(said, [true, false, 'mistake', false, true]);
      const kept = await Promise.all([1, 2, 3, 4, 5].map((i) => row(`near-${i}`)));
      assert.deepEqual(
        kept.map((found) => found !== undefined),
        [true, false, false, false, true],
      );
    });

    it('throws what is our mistake, as it is', async () => {
      await assert.rejects(database.commit([{ statement: insert, values: { id: 'x' } }]), /no value for :number/);
      await assert.rejects(database.one(find), /no value for :id/);
      await assert.rejects(database.commit([{ statement: wrong, values: { id: 'x' } }]), /no_such_table/);
      const notNull = { statement: statement((k) => k('probe').insert({ id: 'x' })), values: {} };
      await assert.rejects(database.commit([notNull]), /not.null/i);
    });

    it('does 200 commits at once, each whole', async () => {
      const before = { ...database.counters };
      const done = await Promise.all(
        Array.from({ length: 200 }, (_, i) =>
          database.commit([add(`many-${i}`), trace(`many-${i}`), moved(`many-${i}`, 'new', 'x')]),
        ),
      );
      assert.ok(done.every(Boolean));
      assert.deepEqual(
        {
          commits: database.counters.commits - before.commits,
          statements: database.counters.statements - before.statements,
        },
        { commits: 200, statements: 600 },
      );
    });

    it('tells the time', async () => {
      assert.ok(Math.abs((await database.now()) - Date.now()) < 1000);
    });
  });

  it('keeps what was committed when it is opened again', async () => {
    const url = await newDatabase();
    {
      await using first = await openProbe(url);
      await first.commit([add('kept')]);
    }
    await using second = await openDatabase(url);
    assert.equal((await second.one<Row>(find, { id: 'kept' }))?.state, 'new');
  });
}
