/** SoftHSM empties `token.object` before it writes it anew, at every login: a signer that is killed at that instant must come back. */
import assert from 'node:assert/strict';
import { globSync, statSync, truncateSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { until } from '../support/processes.ts';
import { World } from '../support/world.ts';

let world: World;
before(async () => { world = await World.open(); });
after(() => world?.[Symbol.asyncDispose]());

test('a token that a killed worker left empty is put back, and signs again', async () => {
  await world.signer?.[Symbol.asyncDispose]();
  await until('the front has noticed', async () => (await world.statusOf('/readyz')) === 503);
  const objects = globSync(`${world.state}/tokens/*/token.object`);
  assert.equal(objects.length, 4, 'root and intermediate, and those of staging');
  for (const object of objects) truncateSync(object);
  await world.startSigner();
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  assert.match(await new PersistentClient(transport, world.directoryUrl, responder).certificate(['token.localhost']), /BEGIN CERTIFICATE/);
  for (const object of objects) assert.ok(statSync(object).size > 0);
  await checkInvariants(world, { status: true });
});
