/** `chancery renewals` against a running server: what it says it would do, does, and undoes, seen where clients look. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { namedCertificate } from '../support/cert-id.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { run } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

let world: World;
let responder: Awaited<ReturnType<typeof startHttp01Responder>>;
before(async () => {
  world = await World.open();
  responder = await startHttp01Responder({ port: world.http01Port });
});
after(async () => {
  await world[Symbol.asyncDispose]();
  await responder.close();
});

const renewals = async (...args: string[]) =>
  JSON.parse(await run(process.execPath, [join(REPOSITORY, 'src/main.ts'), 'renewals', ...args, '--json'], { env: world.environment() }));

test('a pull is rehearsed, put in force, listed and released', async () => {
  using transport = transportTo(world);
  const { certId, serial } = namedCertificate(await new PersistentClient(transport, world.directoryUrl, responder).certificate(['one.localhost']));
  const window = async () => (await transport({ method: 'GET', url: `${world.directoryUrl.replace(/directory$/, 'renewal-info')}/${certId}` })).json;
  const usual = await window();
  assert.ok(Date.parse(usual.suggestedWindow.start) > Date.now());

  const explanation = ['--explanation', 'https://pki.example.internal/7'];
  assert.equal((await renewals('pull', serial, '--dry-run', ...explanation)).applied, false);
  assert.deepEqual(await window(), usual);
  assert.deepEqual((await renewals('list')).pulls, []);

  const pulled = await renewals('pull', serial, ...explanation);
  assert.equal(pulled.applied, true);
  assert.equal(pulled.certificates, 1);
  assert.ok(Date.parse((await window()).suggestedWindow.end) < Date.now());
  assert.equal((await window()).explanationURL, 'https://pki.example.internal/7');
  assert.deepEqual((await renewals('list')).pulls.map(({ id }: { id: string }) => id), [pulled.pulls[0].id]);
  assert.equal((await renewals('pull', serial, '--release', '--dry-run')).released, false);
  assert.equal((await renewals('pull', serial, '--release')).pulls.length, 1);
  assert.deepEqual(await window(), usual);

  const set = ['--profile', 'server', '--issued-between', '2020-01-01..2099-01-01T00:00:00Z'];
  const counted = await renewals('pull', ...set, '--over', '30m', '--dry-run');
  assert.deepEqual([counted.certificates, counted.complete], [1, true]);
  await renewals('pull', ...set, '--over', '30m');
  assert.ok(Date.parse((await window()).suggestedWindow.end) < Date.now() + 31 * 60_000);
  assert.equal((await renewals('pull', ...set, '--release')).pulls.length, 1);
  assert.deepEqual(await window(), usual);
  await checkInvariants(world, { status: true });
});
