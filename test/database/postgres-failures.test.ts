/** PostgreSQL that restarts, crashes or goes away: nothing is lost or done twice, and service returns by itself. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type Database, DatabaseUnavailable, openDatabase, rawStatement } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openNonces } from '../../src/database/nonces.ts';
import { add, openProbe, trace } from '../contract/database.ts';
import { query, startPostgres, type TestPostgres } from '../support/postgres.ts';

describe('PostgreSQL that fails', () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());
  const newDatabase = (): Promise<string> => postgres.createDatabase();
  const clock = { now: Date.now };
  const ids = async (url: string, table: string): Promise<string[]> =>
    (await query(url, `select id from ${table} order by id`)).map(({ id }) => String(id));

  describe('commits and reads', () => {
    it('waits out a restart for reads and for commits that were not sent', async () => {
      const url = await newDatabase();
      await using database = await openProbe(url);
      await database.commit([add('before')]);
      await postgres.halt('orderly');
      const read = database.one(rawStatement('select id from probe'));
      const committed = database.commit([add('after')]);
      await postgres.start();
      assert.deepEqual({ ...((await read) as object) }, { id: 'before' });
      assert.equal(await committed, true);
    });

    it('gives up on a server that stays away, and says that nothing was committed', async () => {
      const url = await newDatabase();
      await using database = await openProbe(url);
      await postgres.halt('crash');
      const failures = await Promise.allSettled([database.commit([add('x')]), database.one(rawStatement('select 1'))]);
      await postgres.start();
      for (const failure of failures) {
        assert.ok(failure.status === 'rejected' && failure.reason instanceof DatabaseUnavailable);
        assert.match(failure.reason.message, /PostgreSQL did not answer/);
      }
      assert.deepEqual(await ids(url, 'probe'), []);
      assert.equal(await database.commit([add('x')]), true);
    });

    it('does not repeat a commit whose answer was lost, and says that it may have happened', async () => {
      const url = await newDatabase();
      await (await openProbe(url))[Symbol.asyncDispose]();
      await using line = await openLine(Number(new URL(url).port));
      const through = new URL(url);
      through.port = String(line.port);
      await using database = await openDatabase(through.href);
      await database.commit([trace('before')]);

      for (const cut of ['answers', 'questions'] as const) {
        await database.now(); // connected, so that it is the commit that is cut
        line.cut = cut;
        await assert.rejects(database.commit([trace(cut)]), (error) => {
          return error instanceof DatabaseUnavailable && error.ambiguous;
        });
        assert.equal(line.cuts, 1, 'it was sent once');
        line.cut = undefined;
        line.cuts = 0;
      }
      assert.equal(await database.commit([trace('after')]), true);
      assert.deepEqual(await ids(url, 'trace'), ['after', 'answers', 'before']);
    });

    it('a start waits for a server that is recovering', async () => {
      const url = await newDatabase();
      await using line = await openLine(Number(new URL(url).port));
      line.recovering = 2;
      const through = new URL(url);
      through.port = String(line.port);
      await using database = await openDatabase(through.href);
      assert.equal(line.recovering, 0);
      assert.ok((await database.now()) > 0);
    });

    it('loses and doubles no commit when backends are killed', async () => {
      const url = await newDatabase();
      await using database = await openProbe(url);
      const told = { done: new Set<string>(), perhaps: new Set<string>(), not: new Set<string>() };
      let running = true;
      const committer = async (worker: number): Promise<void> => {
        for (let i = 0; running; i += 1) {
          const id = `${worker}-${i}`;
          try {
            assert.equal(await database.commit([trace(id), add(id, i)]), true);
            told.done.add(id);
          } catch (error) {
            if (!(error instanceof DatabaseUnavailable)) throw error;
            (error.ambiguous ? told.perhaps : told.not).add(id);
          }
        }
      };
      const committers = Array.from({ length: 16 }, (_, worker) => committer(worker));
      const activity = rawStatement(
        "select pid from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() limit 1",
      );
      for (let kills = 0; kills < 4; kills += 1) {
        const goal = told.done.size + 200;
        while (told.done.size < goal) await new Promise((resolve) => setImmediate(resolve));
        const victim = await database.one<{ pid: number }>(activity);
        // The first two are crashes: the whole cluster restarts. The others end one backend, which says so.
        if (kills < 2 && victim !== undefined) process.kill(victim.pid, 'SIGKILL');
        else if (victim !== undefined)
          await database.one(rawStatement('select pg_terminate_backend(:pid::integer)'), { pid: victim.pid });
      }
      running = false;
      await Promise.all(committers);

      const found = await ids(url, 'trace');
      assert.deepEqual(await ids(url, 'probe'), found, 'each commit is whole');
      assert.equal(new Set(found).size, found.length, 'nothing was done twice');
      for (const id of told.done) assert.ok(found.includes(id), `${id} was lost`);
      for (const id of told.not) assert.ok(!found.includes(id), `${id} was done after all`);
      assert.ok(found.every((id) => told.done.has(id) || told.perhaps.has(id)));
    });
  });

  describe('nonces of two fronts', () => {
    let one: Database;
    let other: Database;
    before(async () => {
      const url = await newDatabase();
      one = await openDatabase(url);
      await migrate(one);
      other = await openDatabase(url);
    });
    after(async () => {
      await one[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
    });

    it('are accepted once, whichever front issued them and whichever sees them', async () => {
      const fronts = await Promise.all([openNonces(one, clock), openNonces(other, clock)]);
      const [first, second] = fronts;
      const issued = [first.issue(), second.issue(), first.issue(), second.issue()];
      for (const nonce of issued) {
        const said = await Promise.all(Array.from({ length: 50 }, (_, i) => (i % 2 ? first : second).redeem(nonce)));
        assert.equal(said.filter((word) => word === 'fresh').length, 1);
      }
      for (const front of fronts) front[Symbol.dispose]();
    });

    it('are all void when a crash has emptied the table, and new ones are good at once', async () => {
      using first = await openNonces(one, clock);
      using second = await openNonces(other, clock);
      const [used, unused] = [first.issue(), first.issue()];
      assert.equal(await first.redeem(used), 'fresh');
      await postgres.halt('crash');
      await postgres.start();
      assert.equal(await second.redeem(used), 'bad');
      assert.equal(await first.redeem(unused), 'bad');
      assert.equal(await second.redeem(first.issue()), 'fresh');
      assert.equal(await first.redeem(second.issue()), 'fresh');
      assert.equal(await second.redeem(used), 'bad');
    });

    it('outlive two changes of the key, not three', async () => {
      const expire = ['nonce_0', 'nonce_1', 'nonce_2'].map((table) =>
        rawStatement(`update ${table} set created = 0 where secret is not null`),
      );
      const pass = async (): Promise<void> => {
        await one.commit(expire.map((statement) => ({ statement, values: {}, rows: 'any' as const })));
        (await openNonces(other, clock))[Symbol.dispose]();
      };
      using first = await openNonces(one, clock);
      const [used, early, late] = [first.issue(), first.issue(), first.issue()];
      assert.equal(await first.redeem(used), 'fresh');
      await pass();
      await pass();
      assert.equal(await first.redeem(early), 'fresh');
      assert.equal(await first.redeem(used), 'bad');
      await pass();
      assert.equal(await first.redeem(late), 'bad');
      assert.equal(await first.redeem(used), 'bad');
      assert.equal(await first.redeem(first.issue()), 'fresh');
    });
  });
});

interface Line extends AsyncDisposable {
  readonly port: number;
  /** Which direction breaks the connection instead of passing on what it carries. */
  cut: 'questions' | 'answers' | undefined;
  /** How often that happened. */
  cuts: number;
  /** So many connections are told that the server recovers. */
  recovering: number;
}

/** A TCP line to PostgreSQL that can be cut between a question and its answer. */
/** ErrorResponse (PostgreSQL documentation, "Message Formats"), as a server sends it that replays its log. */
const RECOVERING = ((fields: string): Buffer => {
  const head = Buffer.from('E\0\0\0\0');
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, Buffer.from(fields)]);
})('SFATAL\0VFATAL\0C57P03\0Mthe database system is in recovery mode\0\0');

async function openLine(target: number): Promise<Line> {
  const ends = new Set<Socket>();
  const server = createServer((client) => {
    if (line.recovering > 0) {
      line.recovering -= 1;
      client.once('data', () => client.end(RECOVERING));
      return;
    }
    const backend = connect(target, '127.0.0.1');
    const pass = (from: Socket, to: Socket, direction: Line['cut']): void => {
      ends.add(from);
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.on('data', (octets) => {
        if (line.cut !== direction) return void to.write(octets);
        line.cuts += 1;
        from.destroy();
        return undefined;
      });
    };
    pass(client, backend, 'questions');
    pass(backend, client, 'answers');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const line: Line = {
    port: (server.address() as AddressInfo).port,
    cut: undefined,
    cuts: 0,
    recovering: 0,
    async [Symbol.asyncDispose]() {
      for (const end of ends) end.destroy();
      server.close();
    },
  };
  return line;
}
