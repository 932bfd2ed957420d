/** kill -9 at every numbered step: afterwards `recover` tells the truth, the journal is whole, and one signer runs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Point } from '../../src/signing/desk.ts';
import { readJournal } from '../../src/signing/journal.ts';
import { lockState } from '../../src/signing/state-lock.ts';
import { ALGORITHMS } from '../../src/x509/algorithm.ts';
import { clientState, job, TestSigner, until } from '../support/signer.ts';

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') !== true;
  } catch {
    return false;
  }
};

interface Pids {
  readonly supervisor: number;
  readonly worker: number;
}
const pidsOf = (signer: TestSigner): Pids | undefined => {
  try {
    return JSON.parse(readFileSync(join(signer.file.stateDirectory, 'lock'), 'utf8')) as Pids;
  } catch {
    return undefined;
  }
};

/** A supervisor in a process of its own. */
async function startProcesses(signer: TestSigner): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, signer.argv('supervisor'), {
    env: { ...signer.environment, STOPPABLE: 'yes' },
    stdio: 'inherit',
  });
  await until(
    () => pidsOf(signer)?.supervisor === child.pid,
    () => 'the supervisor did not start',
  );
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

const stopAt = (signer: TestSigner, point: Point, how: 'kill' | 'wait') =>
  writeFileSync(join(signer.file.stateDirectory, 'stop'), `${point} ${how}`);

const POINTS: readonly [Point, 'signed' | 'not-signed'][] = [
  ['before-journal', 'not-signed'],
  ['after-journal', 'signed'],
  ['before-sign', 'signed'],
  ['after-sign', 'signed'],
];

for (const [point, truth] of POINTS) {
  for (const victim of ['worker', 'supervisor'] as const) {
    test(`the ${victim} is killed ${point.replace('-', ' ')}: recovery says ${truth}`, async () => {
      await using signer = await TestSigner.open({ started: false });
      await using _first = await startProcesses(signer);
      const client = signer.connect();
      await clientState(client, 'ready');
      const before = pidsOf(signer) as Pids;
      const facts = signer.facts();
      const request = job(signer.tbs(facts), { deadline: Date.now() + 4000 });

      stopAt(signer, point, victim === 'worker' ? 'kill' : 'wait');
      // A front that dies with its request: nobody sends it again.
      const forgetful = signer.connect();
      void forgetful.sign(request);
      await until(
        () => existsSync(join(signer.file.stateDirectory, 'stopped')),
        () => `${point} was not reached`,
      );
      await forgetful[Symbol.asyncDispose]();
      if (victim === 'supervisor') process.kill(before.supervisor, 'SIGKILL');
      await until(
        () => !alive(before[victim]),
        () => `the ${victim} lives on`,
      );
      if (victim === 'supervisor')
        await until(
          () => !alive(before.worker),
          () => 'the worker outlived its supervisor',
        );

      await using _second =
        victim === 'supervisor' ? await startProcesses(signer) : { async [Symbol.asyncDispose]() {} };
      const ask = {
        purpose: 'certificate',
        issuerKey: 'test-1',
        serial: facts.serial,
        intent: request.intent,
      } as const;
      const outcome = await client.recover(ask);
      assert.equal(outcome.kind, truth, JSON.stringify(outcome));
      if (outcome.kind === 'signed') {
        assert.deepEqual(Buffer.from(outcome.tbs), Buffer.from(request.tbs));
        assert.ok(ALGORITHMS['ecdsa-sha256-p256'].verify(signer.issuer.spki, outcome.tbs, outcome.signature));
      }
      // Whatever was said holds from now on.
      const again = await client.recover(ask);
      assert.equal(again.kind, truth);
      assert.deepEqual('receipt' in again && again.receipt, 'receipt' in outcome && outcome.receipt);
      const late = await client.sign(job(request.tbs));
      assert.equal(late.kind, truth === 'signed' ? 'signed' : 'refused', JSON.stringify(late));

      const lines = [...readJournal(signer.journalDirectory)].filter(({ serial }) => serial === facts.serial);
      assert.deepEqual(
        lines.map(({ purpose }) => purpose),
        [truth === 'signed' ? 'certificate' : 'tombstone'],
      );
    });
  }
}

test('a request under way when the worker is killed is answered by the next worker', async () => {
  await using signer = await TestSigner.open();
  const client = signer.connect();
  await clientState(client, 'ready');
  const all = Array.from({ length: 200 }, () => signer.tbs());
  const outcomes = Promise.all(all.map((tbs) => client.sign(job(tbs))));
  for (let round = 0; round < 3; round++) {
    await until(
      () => client.state() === 'ready',
      () => 'not ready',
    );
    process.kill(signer.supervisor?.workerPid as number, 'SIGKILL');
    await until(
      () => client.state() !== 'ready',
      () => 'the client did not notice',
    );
  }
  for (const outcome of await outcomes) assert.equal(outcome.kind, 'signed', JSON.stringify(outcome));
  const serials = [...readJournal(signer.journalDirectory)]
    .map(({ serial }) => serial)
    .filter((serial) => serial !== '');
  assert.equal(serials.length, 200);
  assert.equal(new Set(serials).size, 200);
});

test('one signer per state directory: a second is refused while the first lives, hung or not', async () => {
  await using signer = await TestSigner.open();
  await signer.ready();
  await assert.rejects(lockState(signer.file.stateDirectory), /a signer already runs on .* \(process \d+\)/);
});

test('a worker that hangs and has lost its supervisor is killed by the next one', async () => {
  await using signer = await TestSigner.open({ started: false });
  await using _first = await startProcesses(signer);
  const client = signer.connect();
  await clientState(client, 'ready');
  const before = pidsOf(signer) as Pids;
  signer.shim.hang('C_SignInit', 1); // in the thread that would notice that the supervisor is gone
  void client.sign(job(signer.tbs()));
  const hung = signer.shim.count('C_SignInit');
  await until(
    () => signer.shim.count('C_SignInit') > hung,
    () => 'no call',
  );
  process.kill(before.supervisor, 'SIGKILL');
  await until(
    () => !alive(before.supervisor),
    () => 'the supervisor lives on',
  );
  await using _second = await startProcesses(signer);
  await until(
    () => !alive(before.worker),
    () => 'the hung worker lives on',
  );
  await clientState(client, 'ready');
});
