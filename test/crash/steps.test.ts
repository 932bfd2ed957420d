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

const QUICK_STEPS = ['attempt-ended', 'decided', 'rendered', 'linted', 'certificate-recorded'] as const;
/** What was half done there is taken over when a lease or a deadline has run out: half a minute or more. */
const SLOW_STEPS = ['attempt-begun', 'attempt-validated', 'intent-recorded', 'signed'] as const;
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

/** Brings a killed front back until `work` has ended. */
async function reviving<T>(work: Promise<T>): Promise<T> {
  let ended = false;
  const revive = (async () => {
    while (!ended) {
      const code = await Promise.race([world.fronts[0]?.ended, new Promise((resolve) => setTimeout(resolve, 100, 'alive'))]);
      if (code === 'SIGKILL') await world.startFront(0, { CHANCERY_HALT_AT: armory });
    }
  })();
  try {
    return await work;
  } finally {
    ended = true;
    await revive;
  }
}

/** Arms the step and asks for a certificate; `reached` resolves when somebody has died there, `certificate` when the client has it. */
function dieAt(step: string): { reached: Promise<void>; certificate: Promise<string> } {
  const armed = join(armory, `halt-at-${step}`);
  writeFileSync(armed, '');
  const transport = transportTo(world);
  const certificate = new PersistentClient(transport, world.directoryUrl, responder).certificate([`${step}.localhost`], 100_000)
    .finally(() => transport[Symbol.dispose]());
  return { reached: until(`somebody dies at ${step}`, () => !existsSync(armed)), certificate };
}

for (const step of SIGNER_STEPS) {
  test(`R13 the signer's worker dies at ${step}`, async () => {
    const { reached, certificate } = dieAt(step);
    await reached;
    assert.match(await certificate, /BEGIN CERTIFICATE/);
  });
}
for (const step of QUICK_STEPS) {
  test(`R13 the front dies at ${step}`, async () => {
    const { reached, certificate } = dieAt(step);
    assert.match(await reviving(reached.then(() => certificate)), /BEGIN CERTIFICATE/);
  });
}
/** Between the signer's word that it will never sign and the commit that closes the intent and opens another: in recovery alone. */
const RECOVERY_STEP = 'found-unsigned';
test(`R13 the front dies at ${SLOW_STEPS.join(', ')}, and again at ${RECOVERY_STEP}: leases and deadlines run out first`, async () => {
  const armed = join(armory, `halt-at-${RECOVERY_STEP}`);
  writeFileSync(armed, '');
  const certificates: Promise<string>[] = [];
  for (const step of SLOW_STEPS) {
    const { reached, certificate } = dieAt(step);
    certificates.push(certificate);
    await reviving(reached.then(() => until('the front is back', async () => (await world.statusOf('/readyz')) === 200)));
  }
  for (const pem of await reviving(Promise.all(certificates))) assert.match(pem, /BEGIN CERTIFICATE/);
  assert.equal(existsSync(armed), false);
});

test('afterwards no intent is open, and every invariant holds', async () => {
  await until('all intents are settled', async () => (await openIntents(world.database)) === 0, 75_000);
  await checkInvariants(world, { status: true });
});
