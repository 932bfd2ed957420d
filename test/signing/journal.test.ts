/** The journal: chained, synced before it is believed, whole after a crash, and damaged only visibly. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { CrlNumbers } from '../../src/signing/crl-numbers.ts';
import { Journal, type JournalEntry, readJournal } from '../../src/signing/journal.ts';
import { SerialMemory } from '../../src/signing/serial-memory.ts';

let directory = '';
let time = 1_800_000_000_000;
const clock = { now: () => time };
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chancery-journal-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (fileBytes = 4096, numbers = new CrlNumbers()) =>
  new Journal({ directory, clock, fileBytes, remember: () => numbers.note() });
const entry = (serial: string): JournalEntry => ({
  purpose: 'certificate',
  issuerKey: 'a-1',
  serial,
  core: 'c0',
  intent: `of ${serial}`,
  profile: 'server',
  tbs: Buffer.from(`tbs of ${serial}`),
});
const serials = () => [...readJournal(directory)].map(({ serial }) => serial).filter((serial) => serial !== '');
const files = () => readdirSync(directory).sort();
const fileAt = (index: number) => join(directory, files().at(index) ?? '');

async function fill(journal: Journal, from: number, to: number): Promise<void> {
  const all = Array.from({ length: to - from }, (_, index) => journal.append(entry(String(from + index))));
  await Promise.all(all);
}

test('lines are chained through files of a bounded size, and read back as they were written', async () => {
  const journal = open();
  await fill(journal, 0, 40);
  const place = await journal.append(entry('last'));
  assert.ok(files().length > 2);
  const lines = [...readJournal(directory)];
  assert.deepEqual(
    lines.map(({ seq }) => seq),
    lines.map((_, index) => index + 1),
  );
  assert.equal(lines.at(-1)?.head, place.head);
  const { purpose, issuerKey, serial, core, intent, profile, tbs } = journal.read(place.position);
  assert.deepEqual({ purpose, issuerKey, serial, core, intent, profile, tbs }, entry('last'));
  await journal.close();
});

test('a journal that is opened again goes on where it was', async () => {
  const first = open();
  await fill(first, 0, 10);
  await first.close();
  const second = open();
  assert.equal(second.seq, first.seq);
  await fill(second, 10, 20);
  await second.close();
  assert.equal(serials().length, 20);
});

test('an unfinished last line is cut off; it was never acknowledged', async () => {
  const journal = open();
  await fill(journal, 0, 3);
  await journal.close();
  appendFileSync(fileAt(-1), '{"seq":5,"prev":"');
  assert.equal(serials().length, 3, 'readers pass over it');
  const again = open();
  await fill(again, 3, 5);
  await again.close();
  assert.deepEqual(serials(), ['0', '1', '2', '3', '4']);
});

test('zeros where a write did not reach the disk are cut off as well', async () => {
  const journal = open();
  await fill(journal, 0, 3);
  await journal.close();
  appendFileSync(fileAt(-1), Buffer.alloc(500));
  const again = open();
  await fill(again, 3, 4);
  await again.close();
  assert.deepEqual(serials(), ['0', '1', '2', '3']);
});

test('a line that cannot be read and was ended is damage, also at the very end', async () => {
  for (const end of ['{"seq":5}\n', '\n', 'rest of a line\n{"seq"']) {
    const journal = open();
    await fill(journal, 0, 3);
    await journal.close();
    appendFileSync(fileAt(-1), end);
    assert.throws(() => open(), { name: 'JournalFault', message: /damaged/ });
    for (const file of files()) unlinkSync(join(directory, file));
  }
});

const UNDER_IT: readonly [what: string, change: (file: string) => void, why: RegExp][] = [
  ['is removed', (file) => unlinkSync(file), /removed/],
  ['is shortened', (file) => truncateSync(file, statSync(file).size - 100), /bytes and not/],
  ['is lengthened', (file) => appendFileSync(file, 'x'), /bytes and not/],
];
for (const [what, change, why] of UNDER_IT) {
  test(`nothing more is journaled when the file ${what} under a running journal`, async () => {
    const journal = open(1_000_000);
    await fill(journal, 0, 3);
    change(fileAt(-1));
    await assert.rejects(journal.append(entry('3')), { name: 'JournalFault', message: why });
    await assert.rejects(journal.append(entry('4')), { name: 'JournalFault' });
    await journal.close();
  });
}

test('a file of which nothing was durable is not there', async () => {
  const journal = open();
  await fill(journal, 0, 10);
  await journal.close();
  const empty = join(directory, String(files().length + 1).padStart(8, '0')).concat('.jsonl');
  writeFileSync(empty, '{"seq"');
  const again = open();
  assert.equal(again.seq, journal.seq);
  await again.close();
  assert.ok(!files().includes(empty));
});

const CORRUPTIONS: readonly [what: string, corrupt: () => void][] = [
  ['a byte is changed', () => change(fileAt(-1), (text) => text.replace('"core":"c0"', '"core":"c1"'))],
  ['a line is taken out', () => change(fileAt(-1), (text) => text.split('\n').toSpliced(1, 1).join('\n'))],
  ['two lines are exchanged', () => change(fileAt(-1), (text) => swap(text.split('\n')).join('\n'))],
  ['a file in the middle is missing', () => unlinkSync(fileAt(1))],
  ['an older file is shortened', () => truncateSync(fileAt(1), 900)],
];
const change = (file: string, edit: (text: string) => string) => writeFileSync(file, edit(readFileSync(file, 'utf8')));
const swap = ([first = '', second = '', third = '', ...rest]: string[]) => [first, third, second, ...rest];

for (const [what, corrupt] of CORRUPTIONS) {
  test(`found by readers: ${what}`, async () => {
    const journal = open();
    await fill(journal, 0, 39);
    await journal.close();
    corrupt();
    assert.throws(() => [...readJournal(directory)], { name: 'JournalFault' });
  });
}

for (const [what, corrupt] of CORRUPTIONS.slice(1, 4)) {
  test(`the signer does not start when ${what}`, async () => {
    const journal = open();
    await fill(journal, 0, 39);
    await journal.close();
    corrupt();
    assert.throws(() => open(), { name: 'JournalFault', message: /damaged|missing/ });
  });
}

test('after a failed write the journal takes nothing more, and says so in one sentence', async () => {
  const journal = open();
  await fill(journal, 0, 1);
  rmSync(directory, { recursive: true });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) => journal.append(entry(`x${index}`))),
  );
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.ok(refused.length > 0);
  assert.match(String(refused[0]?.reason), /^JournalFault: the journal cannot be written: /);
  await assert.rejects(journal.append(entry('y')), { name: 'JournalFault' });
  await open().close();
});

test('recent lines come from the files that reach into the window, and no others', async () => {
  const journal = open(2048);
  for (let hour = 0; hour < 20; hour++) {
    time += 3_600_000;
    await fill(journal, hour * 4, hour * 4 + 4);
  }
  const recent = [...journal.recent(time - 2 * 3_600_000)].map(({ line }) => line.serial);
  assert.ok(['76', '72', '68'].every((serial) => recent.includes(serial)));
  assert.ok(!recent.includes('20'));
  const find = (serial: string, since: number, until: number) =>
    journal.find(serial, (line) => line.serial === serial, time - since * 3_600_000, time - until * 3_600_000);
  assert.equal((await find('36', 12, 10))?.intent, 'of 36');
  assert.equal(await find('0', 12, 10), undefined);
  assert.equal(await find('79', 12, 10), undefined);
  assert.equal(await find('3', 20, 0).then((line) => line?.serial), '3');
  await journal.close();
});

test('a clock that goes back: each file ascends, and lines are found by their own times', async () => {
  const journal = open(1_000_000);
  const start = time;
  await fill(journal, 0, 3);
  time += 24 * 3_600_000; // in the same file
  await fill(journal, 3, 6);
  time = start + 60_000;
  await fill(journal, 6, 9);
  time -= 500; // too little to matter
  await fill(journal, 9, 10);
  assert.equal(files().length, 2);
  const find = (serial: string, at: number) => journal.find(serial, (line) => line.serial === serial, at - 1000, at + 1000);
  assert.equal((await find('0', start))?.serial, '0');
  assert.equal((await find('4', start + 24 * 3_600_000))?.serial, '4');
  assert.equal((await find('9', start + 60_000))?.serial, '9');
  const recent = (since: number) => [...journal.recent(since)].map(({ line }) => line.serial);
  assert.ok(recent(start + 23 * 3_600_000).includes('4'));
  assert.ok(recent(start).includes('0'));
  await journal.close();
  // The times of a file are known after a restart as well.
  const again = open(1_000_000);
  time = start + 30_000;
  await fill(again, 10, 11);
  time = start + 48 * 3_600_000;
  assert.deepEqual(
    [...again.recent(start + 47 * 3_600_000)].map(({ line }) => line.serial),
    ['', '10'],
  );
  await again.close();
  time = start;
});

test('CRL numbers are carried from file to file', async () => {
  const numbers = new CrlNumbers();
  const journal = open(1024, numbers);
  const crl = { ...entry('crl:3:41'), purpose: 'crl' } as const;
  numbers.take(crl);
  await journal.append(crl);
  await fill(journal, 0, 20);
  await journal.close();
  const again = new CrlNumbers();
  for (const { line } of open(1024).recent(time + 1)) again.take(line);
  assert.equal(again.last('a-1', 3), 41n);
  assert.equal(again.last('a-1', 4), 0n);
});

test('the memory of serials forgets the oldest, and what is too young to be forgotten never', () => {
  const memory = new SerialMemory(1000, 0, 16);
  for (let index = 0; index < 200; index++) memory.add('certificate', 'a', String(index), index + 1, index * 100_000);
  for (let index = 184; index < 200; index++) assert.equal(memory.find('certificate', 'a', String(index)), index + 1);
  for (let index = 0; index < 184; index++) assert.equal(memory.find('certificate', 'a', String(index)), undefined);
  assert.equal(memory.since, 183 * 100_000 + 1000);
  assert.equal(memory.find('crl', 'a', '199'), undefined);
  assert.equal(memory.find('certificate', 'b', '199'), undefined);

  for (let index = 200; index < 1000; index++)
    memory.add('certificate', 'a', String(index), index + 1, 20_000_000 + index);
  for (let index = 200; index < 1000; index++) assert.equal(memory.find('certificate', 'a', String(index)), index + 1);
});

test('the memory of serials agrees with a map over many rounds', () => {
  const memory = new SerialMemory(0, 0, 64);
  const order: string[] = [];
  for (let index = 0; index < 5000; index++) {
    const serial = String((index * 7919) % 5003);
    memory.add('certificate', 'a', serial, index + 1, index * 1000);
    order.push(serial);
    if (index % 50 === 0)
      for (const kept of order.slice(-60)) assert.ok(memory.find('certificate', 'a', kept) !== undefined);
  }
});
