/** The signer's socket under strangers: they wait in vain, and fronts are served. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { readJournal } from '../../src/signing/journal.ts';
import { encodeRequest } from '../../src/signing/protocol.ts';
import { RawClient } from '../support/raw-signer-client.ts';
import { clientState, job, TestSigner, until } from '../support/signer.ts';

const signer = await TestSigner.open();
await signer.ready();
after(() => signer[Symbol.asyncDispose]());
const { socket } = signer.file;
const closed = (client: RawClient, patience: number) =>
  until(
    () => client.closed,
    () => 'the connection is open',
    patience,
  );

test('who states nothing is closed after five seconds, who has stated is not', async () => {
  using silent = await RawClient.open(socket);
  using front = await RawClient.open(socket, 0);
  const begun = performance.now();
  await closed(silent, 7000);
  assert.ok(performance.now() - begun > 3000);
  front.say({ type: 'sign', call: 1, ...job(signer.tbs()) });
  assert.equal((await front.next('signing'))?.outcome.kind, 'signed');
});

test('the first frame is short', async () => {
  using stranger = await RawClient.open(socket);
  stranger.bytes(Buffer.from('00000401', 'hex'));
  await closed(stranger, 2000);
});

test('more strangers than there are connections keep no front out', async () => {
  const strangers: RawClient[] = [];
  for (let index = 0; index < 70; index++) strangers.push(await RawClient.open(socket));
  using front = await RawClient.open(socket, 0); // at once: strangers leave by themselves after a while
  front.say({ type: 'sign', call: 1, ...job(signer.tbs()) });
  assert.equal((await front.next('signing'))?.outcome.kind, 'signed');
  for (const stranger of strangers) stranger[Symbol.dispose]();
});

test('incomplete frames of all connections have one bound: who holds the most goes', async () => {
  const front = signer.connect();
  await clientState(front, 'ready');
  const worker = signer.supervisor?.workerPid;
  const half = Buffer.alloc(15 * 1024 * 1024, 1);
  half.writeUInt32BE(16 * 1024 * 1024, 0);
  const all: RawClient[] = [];
  for (let index = 0; index < 12; index++) {
    const client = await RawClient.open(socket, 0);
    client.bytes(half);
    all.push(client);
  }
  await until(
    () => all.filter((client) => client.closed).length >= 8,
    () => `${all.filter((client) => client.closed).length} are closed`,
  );
  assert.equal((await front.sign(job(signer.tbs()))).kind, 'signed');
  assert.equal(signer.supervisor?.workerPid, worker);
  const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker}/status`, 'utf8'))?.[1]) / 1024;
  assert.ok(memory < 400, `${memory} MB`);
  for (const client of all) client[Symbol.dispose]();
});

test('a request and a recovery of one serial in one write, from two fronts: one line, and one answer', async () => {
  using one = await RawClient.open(socket, 0);
  using two = await RawClient.open(socket, 0);
  for (let round = 0; round < 10; round++) {
    const facts = signer.facts();
    const sign = encodeRequest({ type: 'sign', call: 1, ...job(signer.tbs(facts)) });
    const ask = { purpose: 'certificate', issuerKey: 'test-1', serial: facts.serial, intent: 'i' } as const;
    const recover = encodeRequest({ type: 'recover', call: 2, ...ask });
    const both = Buffer.concat(round % 2 === 0 ? [sign, recover, recover] : [recover, sign, recover]);
    one.bytes(both);
    two.bytes(both);
    const kinds = new Set<string | undefined>();
    for (const client of [one, two]) {
      // Whatever their order.
      const answers = [await client.outcome(), await client.outcome(), await client.outcome()];
      for (const { kind } of answers) kinds.add(kind);
    }
    const lines = [...readJournal(signer.journalDirectory)].filter(({ serial }) => serial === facts.serial);
    assert.equal(lines.length, 1);
    assert.deepEqual([...kinds].sort(), lines[0]?.purpose === 'tombstone' ? ['not-signed', 'refused'] : ['signed']);
  }
  assert.equal(signer.said.filter((line) => line.startsWith('ended')).length, 0, signer.said.join(' | '));
});
