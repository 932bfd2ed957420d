/** A serial is used once, whatever the clock, restarts and callers say; and nobody can bring CRL numbers to their end. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { composeSerial } from '../../src/x509/serial.ts';
import type { TbsFacts } from '../../src/x509/shape.ts';
import { HOUR, TestDesk } from '../support/desk.ts';

const evil = (facts: TbsFacts): TbsFacts => ({ ...facts, names: [{ type: 'dns', value: 'evil.test' }] });

async function inVain(bench: TestDesk, facts: TbsFacts): Promise<string> {
  const outcome = await bench.desk.sign(bench.certificate(facts));
  assert.equal(outcome.kind, 'refused', JSON.stringify(outcome));
  return JSON.stringify(outcome);
}

test('a serial that was forgotten cannot be signed with other bytes: it names its notBefore', async () => {
  await using bench = new TestDesk();
  const facts = bench.facts();
  assert.equal((await bench.desk.sign(bench.certificate(facts))).kind, 'signed');
  await bench.fill();
  bench.now += 3 * HOUR;
  await bench.fill();
  await bench.restart();
  const { notBefore: _, ...rest } = evil(facts);
  assert.match(await inVain(bench, bench.facts(rest)), /another notBefore/);
  assert.match(await inVain(bench, evil(facts)), /too far in the past/);
});

test('a clock that was ahead at start and is set right: the signer starts again, and remembers', async () => {
  await using bench = new TestDesk();
  const facts = bench.facts();
  await bench.desk.sign(bench.certificate(facts));
  await bench.fill();
  bench.now += 24 * HOUR;
  await bench.fill();
  await bench.restart();
  bench.now = bench.start + 60_000;
  const during = await bench.desk.sign(bench.certificate(evil(facts)));
  assert.equal(during.kind, 'unavailable', JSON.stringify(during));
  assert.match(bench.broken?.message ?? '', /clock was set back/);
  await bench.restart();
  assert.match(await inVain(bench, evil(facts)), /used for something else/);
  assert.equal((await bench.desk.sign(bench.certificate())).kind, 'signed');
  assert.equal(bench.broken, undefined);
});

test('a clock that is ahead at start only: what the last line saw is in memory', async () => {
  await using bench = new TestDesk();
  const facts = bench.facts();
  await bench.desk.sign(bench.certificate(facts));
  await bench.fill();
  bench.now += 24 * HOUR;
  await bench.restart();
  bench.now = bench.start + 60_000;
  assert.match(await inVain(bench, evil(facts)), /used for something else/);
});

test('recovery looks where the serial can have been signed, and closes none that was', async () => {
  await using bench = new TestDesk();
  const facts = bench.facts();
  await bench.desk.sign(bench.certificate(facts));
  const [unsigned, number] = [bench.facts(), BigInt(bench.now)];
  await bench.desk.sign(bench.crl(number));
  await bench.fill();
  bench.now += 3 * HOUR;
  await bench.fill();
  await bench.desk.sign(bench.crl(BigInt(bench.now)));
  await bench.restart();
  assert.equal((await bench.desk.recover(bench.recovery(facts.serial))).kind, 'signed');
  assert.equal((await bench.desk.recover(bench.recovery(`crl:1:${number}`, 'crl'))).kind, 'signed');
  assert.equal((await bench.desk.recover(bench.recovery(unsigned.serial))).kind, 'not-signed');
  assert.equal((await bench.desk.recover(bench.recovery(`crl:1:${number - 1n}`, 'crl'))).kind, 'not-signed');
  assert.deepEqual(
    bench.lines().filter(({ purpose }) => purpose === 'tombstone').map(({ serial }) => serial),
    [unsigned.serial, `crl:1:${number - 1n}`],
  );
});

test('recovery of what cannot have been signed writes nothing', async () => {
  await using bench = new TestDesk();
  const { serial, notAfter } = bench.facts();
  const later = composeSerial(7, bench.now + HOUR, notAfter, randomBytes(12));
  const all = [
    [bench.recovery(serial, 'certificate', 'nobody'), /no issuer key nobody/],
    [bench.recovery(serial, 'canary'), /nothing is signed for the purpose canary/],
    [bench.recovery(serial, 'crl'), /names no CRL/],
    [bench.recovery('crl:1:5'), /not made as ours/],
    [bench.recovery('crl:5:5', 'crl'), /names no CRL/],
    [bench.recovery('crl:1:05', 'crl'), /names no CRL/],
    [bench.recovery(`crl:1:${'9'.repeat(57)}`, 'crl'), /too high/],
    [bench.recovery('00'.repeat(19)), /not made as ours/],
    [bench.recovery(later), /time to come/],
  ] as const;
  for (const [ask, why] of all) {
    const outcome = await bench.desk.recover(ask);
    assert.match(outcome.kind === 'unavailable' ? outcome.why : outcome.kind, why);
  }
  assert.deepEqual(bench.lines(), []);
});

test('serials that nobody knows are closed at a bounded rate', async () => {
  await using bench = new TestDesk(1_000_000);
  const all = Array.from({ length: 500 }, () => bench.desk.recover(bench.recovery(bench.facts().serial)));
  const outcomes = await Promise.all(all);
  assert.equal(outcomes.filter(({ kind }) => kind === 'not-signed').length, 400);
  const late = outcomes.find((outcome) => outcome.kind === 'unavailable');
  assert.ok(late !== undefined && late.retryAfterMs > 0 && late.retryAfterMs <= 1000);
  bench.now += 1000;
  assert.equal((await bench.desk.recover(bench.recovery(bench.facts().serial))).kind, 'not-signed');
});

const nanoseconds = (ms: number): bigint => BigInt(ms) * 1_000_000n;

test('CRL numbers stay near the clock, or go up by one', async () => {
  await using bench = new TestDesk();
  const huge = (1n << 159n) - 1n;
  for (const number of [huge, nanoseconds(bench.now + 2 * HOUR)]) {
    const outcome = await bench.desk.sign(bench.crl(number));
    assert.match(JSON.stringify(outcome.kind === 'refused' && outcome.reasons), /too far above/);
  }
  assert.equal((await bench.desk.sign(bench.crl(nanoseconds(bench.now)))).kind, 'signed');
  // After the clock went back, numbers go on.
  bench.now -= 48 * HOUR;
  const last = nanoseconds(bench.start);
  assert.equal((await bench.desk.sign(bench.crl(last))).kind, 'refused');
  assert.equal((await bench.desk.sign(bench.crl(last + 2n))).kind, 'refused');
  assert.equal((await bench.desk.sign(bench.crl(last + 1n))).kind, 'signed');
});

test('a certificate that has ended already is not signed', async () => {
  await using bench = new TestDesk();
  const [notBefore, notAfter] = [bench.now - HOUR / 2, bench.now - 1000];
  assert.match(await inVain(bench, bench.facts({ notBefore, notAfter })), /already past/);
});
