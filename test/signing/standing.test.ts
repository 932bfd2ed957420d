/** The fence: a database that has forgotten, a journal that has forgotten, and how an operator lifts it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { readJournal } from '../../src/signing/journal.ts';
import { acknowledgeRestore } from '../../src/signing/restore.ts';
import { renderCrlTbs } from '../../src/x509/crl.ts';
import { composeSerial } from '../../src/x509/serial.ts';
import { RawClient } from '../support/raw-signer-client.ts';
import { clientState, job, TestSigner, until } from '../support/signer.ts';

let made = 0;
/** Never the same bytes twice, for those would be a repetition, which is answered: each lives a second longer than the one before. */
const crlJob = (signer: TestSigner, number: bigint) => {
  made += 1;
  const thisUpdate = Math.floor(Date.now() / 1000) * 1000;
  const tbs = renderCrlTbs(signer.issuer, {
    shard: 1,
    number,
    thisUpdate,
    nextUpdate: thisUpdate + 86_400_000 + made * 1000,
    entries: new Uint8Array(0),
  });
  return { ...job(tbs), purpose: 'crl' as const };
};

test('a front whose database holds less than was confirmed fences certificates for all, and not CRLs', async () => {
  await using signer = await TestSigner.open();
  const healthy = signer.connect();
  await clientState(healthy, 'ready');
  const signed = signer.facts();
  const outcome = await healthy.sign(job(signer.tbs(signed)));
  assert.equal(outcome.kind, 'signed');
  const { receipt } = outcome as Extract<typeof outcome, { kind: 'signed' }>;
  const { sequence } = receipt;
  healthy.confirm(receipt);
  await healthy.sign(job(signer.tbs())); // the confirmation went before it

  const restored = signer.connect({ highestReceipt: async (id) => (id === 7 ? sequence - 1 : 0) });
  await clientState(restored, 'fenced');
  await clientState(healthy, 'fenced');
  for (const client of [healthy, restored]) {
    const refused = await client.sign(job(signer.tbs()));
    assert.equal(refused.kind, 'unavailable');
    assert.match(refused.kind === 'unavailable' ? refused.why : '', /fenced: the database holds receipts up to \d+/);
    assert.equal((await client.sign(crlJob(signer, BigInt(client === healthy ? 1 : 2)))).kind, 'signed');
  }

  // It holds over a restart, whatever a front states then.
  process.kill(signer.supervisor?.workerPid as number, 'SIGKILL');
  await until(
    () => healthy.state() === 'unavailable',
    () => 'the worker lives',
  );
  await clientState(healthy, 'fenced');

  await signer.supervisor?.[Symbol.asyncDispose]();
  const acknowledgement = { stateDirectory: signer.file.stateDirectory, signer: 7, by: 'test', clock: systemClock };
  await assert.rejects(acknowledgeRestore({ ...acknowledgement, newSigner: 7 }), /used with this journal already/);
  await acknowledgeRestore({ ...acknowledgement, newSigner: 9 });
  await signer.start();
  const client = signer.connect();
  await clientState(client, 'ready');
  assert.equal(client.id, 9);
  assert.equal(client.configuration, 'of the test');
  const { serial: former } = signed;
  const ask = { purpose: 'certificate', issuerKey: 'test-1', serial: former, intent: 'i' } as const;
  const found = await client.recover(ask);
  assert.deepEqual(found.kind === 'signed' && found.receipt, receipt, 'the receipt stays that of the former id');
  // Recovery of what the former id signed is confirmed late: that says nothing of the new one.
  client.confirm(receipt);
  using late = await RawClient.open(signer.file.socket, 0);
  late.say({ type: 'confirm', ...receipt });
  using front = await RawClient.open(signer.file.socket);
  front.say({ type: 'stated', highest: 0 });
  assert.equal((await front.next('state'))?.state, 'ready');
  assert.equal((await client.sign(job(signer.tbs()))).kind, 'refused', 'the former id makes no more serials');
  const facts = signer.facts();
  const serial = composeSerial(9, facts.notBefore, facts.notAfter, Buffer.alloc(12, 5));
  assert.equal((await client.sign(job(signer.tbs({ ...facts, serial })))).kind, 'signed');
  assert.equal((await client.sign(crlJob(signer, 2n))).kind, 'refused', 'CRL numbers are remembered');
  assert.ok(
    [...readJournal(signer.journalDirectory)].some(
      ({ purpose, note }) => purpose === 'restore' && note?.['to'] === '9',
    ),
  );
});

test('a database that holds more than the journal fences too: the journal was replaced', async () => {
  await using signer = await TestSigner.open();
  const client = signer.connect({ highestReceipt: async () => 1_000_000 });
  await clientState(client, 'fenced');
  const outcome = await client.sign(job(signer.tbs()));
  assert.match(outcome.kind === 'unavailable' ? outcome.why : '', /the journal ends at \d+: the journal was restored/);
});

test('a front that looked before others confirmed raises no fence', async () => {
  await using signer = await TestSigner.open();
  const fast = signer.connect();
  await clientState(fast, 'ready');
  let looked = () => {};
  const slow = signer.connect({
    highestReceipt: () =>
      new Promise((resolve) => {
        looked = () => resolve(0);
      }),
  });
  await until(
    () => slow.id === 7,
    () => 'no hello',
  );
  const outcome = await fast.sign(job(signer.tbs()));
  if (outcome.kind === 'signed') fast.confirm(outcome.receipt);
  await fast.sign(job(signer.tbs()));
  looked();
  await clientState(slow, 'ready');
  assert.equal(fast.state(), 'ready');
});

test('a state directory stays with its id', async () => {
  await using signer = await TestSigner.open();
  await signer.ready();
  await signer.supervisor?.[Symbol.asyncDispose]();
  writeFileSync(signer.configPath, JSON.stringify({ ...signer.file, id: 8 }));
  await signer.start();
  await until(
    () => /is the journal of signer 7, the configuration says 8/.test(signer.supervisor?.why ?? ''),
    () => signer.said.join(),
  );
});

test('what a front confirmed is on disk soon, and at once when the signer stops', async () => {
  await using signer = await TestSigner.open();
  const client = signer.connect();
  const outcome = await client.sign(job(signer.tbs()));
  if (outcome.kind === 'signed') client.confirm(outcome.receipt);
  await client.sign(job(signer.tbs()));
  await signer.supervisor?.[Symbol.asyncDispose]();
  const stored = JSON.parse(readFileSync(join(signer.file.stateDirectory, 'standing.json'), 'utf8')) as {
    confirmed: number;
  };
  assert.equal(stored.confirmed, outcome.kind === 'signed' && outcome.receipt.sequence);
});

const LOST: readonly [what: string, change: (file: string) => void, why: RegExp][] = [
  ['lost its last line', (file) => writeFileSync(file, linesOf(file).slice(0, -1).join('')), /the journal ends at \d+ but/],
  ['lost a file', (file) => rmSync(file), /the journal ends at 0 but/],
  [
    'has another last line',
    (file) => {
      const lines = linesOf(file);
      const last = lines.pop() ?? '';
      writeFileSync(file, [...lines, last.replace(/"intent":"[^"]*"/, '"intent":"another"')].join(''));
    },
    /is not the one that was written/,
  ],
];
const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split(/(?<=\n)/);

for (const [what, change, why] of LOST) {
  test(`a journal that ${what} is noticed at start, before any line is added`, async () => {
    await using signer = await TestSigner.open();
    const client = signer.connect();
    assert.equal((await client.sign(job(signer.tbs()))).kind, 'signed');
    await signer.supervisor?.[Symbol.asyncDispose]();
    change(join(signer.journalDirectory, readdirSync(signer.journalDirectory).at(-1) ?? ''));
    await signer.start();
    await until(
      () => signer.supervisor?.state === 'fenced',
      () => signer.said.join(' | '),
    );
    assert.match(signer.supervisor?.why ?? '', why);
  });
}

test('a journal that is shortened under a running signer ends it, and none starts on what is left', async () => {
  await using signer = await TestSigner.open();
  const client = signer.connect();
  const outcome = await client.sign(job(signer.tbs()));
  assert.equal(outcome.kind, 'signed');
  truncateSync(join(signer.journalDirectory, readdirSync(signer.journalDirectory).at(-1) ?? ''), 300);
  assert.equal((await client.sign(job(signer.tbs(), { deadline: Date.now() + 3000 }))).kind, 'unavailable');
  await until(
    () => /is damaged at byte/.test(signer.supervisor?.why ?? ''),
    () => signer.said.join(' | '),
  );
  assert.ok(
    signer.said.some((line) => /ended: the journal cannot be written: its file has/.test(line)),
    signer.said.join(' | '),
  );
});

test('a journal that cannot be written: nothing is signed, one sentence, and service is back with the disk', async () => {
  await using signer = await TestSigner.open({ started: false });
  await signer.start();
  await signer.ready();
  const aside = `${signer.journalDirectory}-aside`;
  renameSync(signer.journalDirectory, aside);
  writeFileSync(signer.journalDirectory, '');
  process.kill(signer.supervisor?.workerPid as number, 'SIGKILL');
  await until(
    () => /EEXIST|ENOTDIR/.test(signer.supervisor?.why ?? ''),
    () => signer.said.join(' | '),
  );
  assert.ok(!/\n/.test(signer.supervisor?.why ?? ''));
  rmSync(signer.journalDirectory);
  renameSync(aside, signer.journalDirectory);
  await signer.ready();
});
