/** `chancery start` with `fronts: 2`: two front processes behind the same listeners, one signer, one stop. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { startPostgres } from '../support/postgres.ts';
import { childrenOf, commandOf, killNow, treeOf } from '../support/process-tree.ts';
import { type Started, start, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

let world: World;
let chancery: Started;
const opened = new AsyncDisposableStack();
before(async () => {
  const postgres = await startPostgres();
  opened.defer(() => postgres.stop());
  const database = await postgres.createDatabase();
  world = opened.use(await World.open({ started: false, database, configure: (ca) => { ca.fronts = 2; } }));
  chancery = opened.use(start(process.execPath, ['src/main.ts', 'start'], { cwd: REPOSITORY, env: world.environment() }));
  await until('both fronts are ready', async () => (await frontsThatAnswer()).size === 2, 60_000);
});
after(() => opened.disposeAsync());

const frontPids = (): number[] => childrenOf(chancery.pid).filter((pid) => commandOf(pid).endsWith(' serve'));

/** The beginnings of their request ids: each front process has its own. */
async function frontsThatAnswer(): Promise<Set<string>> {
  const found = new Set<string>();
  if ((await world.statusOf('/readyz')) !== 200) return found;
  using send = transportTo(world);
  const asked = Array.from({ length: 6 }, () => send({ method: 'GET', url: world.directoryUrl }));
  for (const answer of await Promise.allSettled(asked)) {
    if (answer.status === 'fulfilled') found.add(String(answer.value.headers['x-request-id']).split('-')[0] ?? '');
  }
  return found;
}

async function issueTo(clients: number, stem: string): Promise<void> {
  await using responder = await startHttp01Responder({ port: world.http01Port });
  await Promise.all(Array.from({ length: clients }, async (_, index) => {
    using transport = transportTo(world);
    const client = new PersistentClient(transport, world.directoryUrl, responder);
    for (let order = 0; order < 3; order += 1) assert.match(await client.certificate([`${stem}-${index}-${order}.localhost`]), /BEGIN CERTIFICATE/);
  }));
}

test('both fronts answer on one port, and clients get certificates from them', async () => {
  assert.equal(frontPids().length, 2, chancery.output());
  assert.match(chancery.output(), /https:\/\/localhost:\d+\/acme\/directory/);
  await issueTo(4, 'both');
  const { body } = await world.fetchFrom('metrics', '/metrics');
  const issued = /chancery_certificates_issued_total\{profile="server"[^}]*\} (\d+)/.exec(body.toString())?.[1];
  assert.equal(issued, '12', 'the figures of both fronts, summed');
  const figure = (name: string): number => Number(new RegExp(`^chancery_${name}(?:\\{issuer_key="development-1"\\})? (\\S+)$`, 'm').exec(body.toString())?.[1]);
  assert.equal(figure('signer_ready'), 1, 'and what is a state or a time is not summed');
  assert.ok(figure('root_crl_seconds_left') < 366 * 86_400 && figure('crl_left_seconds') < 10 * 86_400 && figure('issuer_left_seconds') < 4 * 366 * 86_400);
});

test('a front that is killed is started again; meanwhile the other one serves', async () => {
  const [victim = 0, other] = frontPids();
  assert.ok(killNow(victim));
  // A connection that the starter handed over in the millisecond before it heard of the death is lost with the front.
  await until('its starter has noticed', () => !childrenOf(chancery.pid).includes(victim));
  await issueTo(2, 'one');
  await until('there are two fronts again', async () => frontPids().length === 2 && (await frontsThatAnswer()).size === 2, 30_000);
  assert.ok(frontPids().includes(other as number));
  assert.ok(!frontPids().includes(victim));
});

test('SIGTERM stops all of it within 5 s, and what was issued holds', async () => {
  const everyone = treeOf(chancery.pid);
  assert.ok(everyone.length >= 5, 'the starter, two fronts, the signer and its worker');
  const asked = Date.now();
  chancery.kill('SIGTERM');
  assert.equal(await chancery.ended, 0, chancery.output());
  assert.ok(Date.now() - asked < 5000, `it took ${Date.now() - asked} ms`);
  assert.deepEqual(everyone.filter((pid) => commandOf(pid) !== ''), []);
  assert.doesNotMatch(chancery.output(), /\n {4}at /);
  await checkInvariants(world);
});
