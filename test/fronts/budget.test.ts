/**
 * Commits are the budget (design: "Data"): what one complete issuance costs the database of a whole front, on both engines.
 * The front runs in this process, so that its counters can be read; its jobs are stopped, so that only the client's requests count.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { logEventsTo } from '../../src/telemetry/events.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { registry } from '../../src/telemetry/metrics.ts';
import { type Front, openFront } from '../../src/wiring/front.ts';
import { AcmeClient, type Transport } from '../support/acme-client.ts';
import { type Http01Responder, startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { startPostgres } from '../support/postgres.ts';
import { World } from '../support/world.ts';

const MOST_COMMITS = 5;
const MOST_STATEMENTS = 20;

interface Cost { readonly commits: number; readonly statements: number; readonly posts: number }

for (const engine of ['sqlite', 'postgres'] as const) {
  describe(engine, () => {
    const opened = new AsyncDisposableStack();
    let world: World;
    let front: Front;
    let responder: Http01Responder;
    let send: Transport;
    let posts = 0;

    before(async () => {
      const options = { started: false };
      if (engine === 'postgres') {
        const postgres = await startPostgres();
        opened.defer(() => postgres.stop());
        world = opened.use(await World.open({ ...options, database: await postgres.createDatabase() }));
      } else {
        world = opened.use(await World.open(options));
      }
      responder = opened.use(await startHttp01Responder({ port: world.http01Port }));
      await world.startSigner();
      logEventsTo(await openLog({ name: 'front', level: 'silent' }));
      registry.clear(); // the process figures can be registered once
      const environment = world.environment();
      const loaded = loadConfig(world.configuration(), world.state, environment);
      if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
      front = opened.use(await openFront({ generation: loaded.generation, configDirectory: world.configuration(), environment }));
      await front.jobs[Symbol.asyncDispose]();
      const transport = opened.use(transportTo(world));
      send = (request) => {
        if (request.method === 'POST') posts += 1;
        return transport(request);
      };
    });
    after(() => opened.disposeAsync());

    const prove = ({ token, keyAuthorization }: { token: string; keyAuthorization: string }): void => responder.set(token, keyAuthorization);

    async function costOf(work: () => Promise<unknown>): Promise<Cost> {
      const { commits, statements } = front.database.counters;
      posts = 0;
      await work();
      const now = front.database.counters;
      return { commits: now.commits - commits, statements: now.statements - statements, posts };
    }

    /** On PostgreSQL each POST redeems its nonce by a statement on an UNLOGGED table, which no disk waits for; on SQLite nonces are in memory. */
    const redemptions = ({ posts }: Cost): number => (engine === 'postgres' ? posts : 0);

    test('a complete issuance takes at most 5 durable commits and 20 statements', async (t) => {
      const client = await AcmeClient.registered(send, world.directoryUrl);
      for (const name of ['first.localhost', 'second.localhost']) {
        const cost = await costOf(() => client.issue([name], prove));
        t.diagnostic(`${engine}: ${cost.commits} commits, ${cost.statements} statements (${redemptions(cost)} nonces redeemed), ${cost.posts} POSTs`);
        assert.ok(cost.commits <= MOST_COMMITS, `${cost.commits} commits`);
        assert.ok(cost.statements - redemptions(cost) <= MOST_STATEMENTS, `${cost.statements} statements`);
      }
    });

    test('with its account, one commit more', async () => {
      const cost = await costOf(async () => (await AcmeClient.registered(send, world.directoryUrl)).issue(['newcomer.localhost'], prove));
      assert.ok(cost.commits <= MOST_COMMITS + 1, `${cost.commits} commits`);
    });

    test('a POST-as-GET commits nothing, and reads once', async () => {
      const client = await AcmeClient.registered(send, world.directoryUrl);
      const { order, orderUrl } = await client.issue(['read.localhost'], prove);
      const { json: authorization } = await client.post(order.authorizations[0] as string);
      const urls = [client.account, orderUrl, order.authorizations[0], authorization.challenges[0].url, order.certificate];
      for (const url of urls) {
        const cost = await costOf(async () => assert.equal((await client.post(url as string)).status, 200));
        assert.deepEqual([cost.commits, cost.statements - redemptions(cost)], [0, 1], url as string);
      }
    });

    test('the invariants hold', () => checkInvariants(world, { status: true }));
  });
}
