/**
 * kill -9 at every numbered step, of the front and of the signer's worker. The client goes on asking, gets its certificate within
 * a minute, nothing is signed twice, and what was half done is finished or closed by whoever is alive.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { until } from '../support/processes.ts';
import { openIntents } from '../support/settle.ts';
import { World } from '../support/world.ts';

const FRONT_STEPS = [
  'attempt-begun', 'attempt-validated', 'attempt-ended',
  'decided', 'rendered', 'linted', 'intent-recorded', 'signed', 'certificate-recorded',
] as const;
const SIGNER_STEPS = ['before-journal', 'after-journal', 'before-sign', 'after-sign'] as const;

let world: World;
let armory: string;
let responder: Awaited<ReturnType<typeof startHttp01Responder>>;
before(async () => {
  world = await World.open({ started: false });
  armory = join(world.directory, 'halt');
  mkdirSync(armory);
  responder = await startHttp01Responder({ port: world.http01Port });
  await world.startSigner({ CHANCERY_HALT_AT: armory });
  await world.startFront(0, { CHANCERY_HALT_AT: armory });
});
after(async () => {
  await world[Symbol.asyncDispose]();
  await responder.close();
});

/** Arms the step, asks for a certificate, brings a killed front back; resolves when the client has its certificate. */
async function dieAt(step: string): Promise<void> {
  const armed = join(armory, `halt-at-${step}`);
  writeFileSync(armed, '');
  using transport = transportTo(world);
  const certificate = new PersistentClient(transport, world.directoryUrl, responder).certificate([`${step}.localhost`], 100_000);
  let ended = false;
  const revive = (async () => {
    while (!ended) {
      if ((await Promise.race([world.fronts[0]?.ended, new Promise((resolve) => setTimeout(resolve, 100, 'alive'))])) === 'SIGKILL') {
        await world.startFront(0, { CHANCERY_HALT_AT: armory });
      }
    }
  })();
  try {
    assert.match(await certificate, /BEGIN CERTIFICATE/);
    assert.ok(!existsSync(armed), `nobody reached the step ${step}`);
  } finally {
    ended = true;
    await revive;
  }
}

for (const step of SIGNER_STEPS) {
  test(`the signer's worker dies at ${step}`, () => dieAt(step));
}
for (const step of FRONT_STEPS) {
  test(`the front dies at ${step}`, () => dieAt(step));
}

test('afterwards no intent is open, and every invariant holds', async () => {
  await until('all intents are settled', async () => (await openIntents(world.database)) === 0, 75_000);
  await checkInvariants(world, { status: true });
});
