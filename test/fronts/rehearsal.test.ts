/** A rehearsal on two fronts behind one listener: what one front says of a nonce the other says too, and clients get their certificates. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AcmeClient } from '../support/acme-client.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { startPostgres } from '../support/postgres.ts';
import { freePorts, start, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

let world: World;
const opened = new AsyncDisposableStack();
const ofFront = (requestId: unknown): string => String(requestId).split('-')[0] ?? '';

before(async () => {
  const postgres = await startPostgres();
  opened.defer(() => postgres.stop());
  world = opened.use(await World.open({ started: false, database: await postgres.createDatabase(), configure: (ca) => { ca.fronts = 2; } }));
  const [management = 0] = await freePorts(1);
  const rehearsal = ['--rehearsal', '--acme-port', String(world.ports[0]?.acme), '--management-port', String(management), '--reject-nonces', '30', '--delay-validations', '1s'];
  opened.use(start(process.execPath, ['src/main.ts', 'start', ...rehearsal], { cwd: REPOSITORY, env: world.environment() }));
  await until('both fronts are ready', async () => {
    if ((await world.statusOf('/readyz')) !== 200) return false;
    using send = transportTo(world);
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => send({ method: 'GET', url: world.directoryUrl })));
    return new Set(answers.flatMap((each) => (each.status === 'fulfilled' ? [ofFront(each.value.headers['x-request-id'])] : []))).size === 2;
  }, 60_000);
});
after(() => opened.disposeAsync());

test('N-12, N-07: the nonce that comes with badNonce is taken by either front, always', async () => {
  const fronts = new Set<string>();
  let turnedAway = 0;
  for (let round = 0; round < 6; round += 1) {
    // Two connections, so that either front may get the next request; the nonce of each answer is what the next request goes with.
    using first = transportTo(world);
    using second = transportTo(world);
    const clients = await Promise.all([first, second].map((send) => new AcmeClient(send, world.directoryUrl).open()));
    const [one, other] = clients as [AcmeClient, AcmeClient];
    const made = await one.newAccount();
    assert.equal(made.status, 201, 'a nonce that was fetched is taken');
    let { 'replay-nonce': nonce } = made.headers;
    let last = '';
    for (let request = 0; request < 10; request += 1) {
      const jws = await one.prepare(one.account as string, '', { header: { nonce } });
      const { status, json, headers } = await (request % 2 === 0 ? one : other).postRaw(one.account as string, jws);
      const now = status === 200 ? 'taken' : String(json.type);
      if (now !== 'taken') {
        assert.match(now, /:badNonce$/);
        assert.notEqual(last, now, 'the nonce that came with badNonce is taken');
        turnedAway += 1;
      }
      last = now;
      nonce = headers['replay-nonce'];
      fronts.add(ofFront(headers['x-request-id']));
    }
  }
  assert.ok(turnedAway > 0, 'a rehearsal turns nonces away');
  assert.equal(fronts.size, 2, 'both fronts were asked');
});

test('clients get their certificates, and every invariant holds', async () => {
  await using responder = await startHttp01Responder({ port: world.http01Port });
  await Promise.all(Array.from({ length: 4 }, async (_, index) => {
    using transport = transportTo(world);
    const client = new PersistentClient(transport, world.directoryUrl, responder);
    for (let order = 0; order < 2; order += 1) assert.match(await client.certificate([`r${index}-${order}.localhost`]), /BEGIN CERTIFICATE/);
  }));
  await checkInvariants(world);
});
