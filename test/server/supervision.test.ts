/** What `start` keeps alive, and a signer that has yet to take up a configuration that the fronts have applied. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { count } from '../support/fleet.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { childrenOf, commandOf, killNow } from '../support/process-tree.ts';
import { run, start, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

const MAIN = join(REPOSITORY, 'src/main.ts');

test('a signer supervisor that is killed under start is started again, and certificates are issued again', async () => {
  await using world = await World.open({ started: false });
  await using responder = await startHttp01Responder({ port: world.http01Port });
  await using server = start(process.execPath, [MAIN, 'start'], { env: world.environment() });
  const signerOf = (): number | undefined => childrenOf(server.pid).find((pid) => / signer$/.test(commandOf(pid)));
  const ready = async (): Promise<boolean> => (await world.statusOf('/readyz')) === 200;
  await until('the server is ready', ready, 60_000);
  const first = signerOf();
  assert.ok(first !== undefined && killNow(first), server.output());
  await until('another supervisor runs', () => ![undefined, first].includes(signerOf()));
  await until('the server is ready again', ready);
  using transport = transportTo(world);
  const pem = await new PersistentClient(transport, world.directoryUrl, responder).certificate(['again.localhost']);
  assert.match(pem, /BEGIN CERTIFICATE/);
  await checkInvariants(world, { status: true });
});

test('an order waits for a signer that has not taken up the configuration in force, and is not refused', async () => {
  await using world = await World.open();
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const profile = join(world.configuration(), 'profiles/server.yaml');
  writeFileSync(profile, stringify({ ...parse(readFileSync(profile, 'utf8')), extendedKeyUsage: ['serverAuth', 'clientAuth'] }));
  await run(process.execPath, [MAIN, 'config', 'apply'], { env: world.environment() });
  const { body } = await world.fetchFrom('status', '/readyz');
  assert.match(body.toString(), /the signer has another configuration: reload it \(SIGHUP\)/);

  const issuing = new PersistentClient(transport, world.directoryUrl, responder).certificate(['later.localhost']);
  const waiting = "select count(*) from intent where state = 'open' and request_ref is not null";
  await until('its intent waits', async () => (await count(world.database, waiting)) === 1);
  world.signer?.kill('SIGHUP');
  assert.match(await issuing, /BEGIN CERTIFICATE/);
  await until('ready again', async () => (await world.statusOf('/readyz')) === 200);
  await checkInvariants(world, { status: true });
});

test('a signer that is told to take up a faulty configuration says so and goes on with what it has', async () => {
  await using world = await World.open();
  const { signer } = world;
  assert.ok(signer !== undefined);
  const workers = childrenOf(signer.pid);
  const file = join(world.configuration(), 'ca.yaml');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nretentoin: 90d\n`);
  signer.kill('SIGHUP');
  await until('the fault is told', () => /retentoin[^]*the signer goes on with what it has/.test(signer.output()));
  assert.deepEqual(childrenOf(signer.pid), workers);
  assert.equal(await world.statusOf('/readyz'), 200);
});

test('the database file and what SQLite keeps beside it are readable by their owner alone', async () => {
  await using world = await World.open();
  for (const file of ['chancery.db', 'chancery.db-wal', 'chancery.db-shm']) {
    assert.equal(statSync(join(world.state, file)).mode & 0o777, 0o600, file);
  }
});
