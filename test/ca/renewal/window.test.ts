/** RFC 9773 §4.2 and rows AR-03, AR-04: windows as a function of certificate, profile and pulls. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { lookAgainMs, suggestedWindow } from '../../../src/ca/renewal/window.ts';
import { composeSerial } from '../../../src/x509/serial.ts';

const NOW = Date.UTC(2026, 10, 25);
const HOUR = 3_600_000;
const certificateOf = (lifeMs: number, random: Uint8Array = randomBytes(12)) =>
  ({ serial: composeSerial(1, NOW, NOW + lifeMs - 1000, random), notBefore: NOW, notAfter: NOW + lifeMs - 1000 });

test('AR-04 a window lies within the part of the life that the profile names, and the same certificate always has the same one', () => {
  const rule = { fromPercent: 45, toPercent: 55 };
  fc.assert(fc.property(fc.integer({ min: 60, max: 200 * 86_400 }), fc.uint8Array({ minLength: 12, maxLength: 12 }), (seconds, random) => {
    const certificate = certificateOf(seconds * 1000, random);
    const window = suggestedWindow(certificate, rule, []);
    assert.deepEqual(suggestedWindow(certificate, rule, []), window);
    assert.ok(window.end > window.start, 'AR-03: the end is later than the start');
    assert.ok(window.start >= NOW + seconds * 450 - 1000 && window.end <= NOW + seconds * 550 + 1000);
    assert.ok(window.start % 1000 === 0 && window.end % 1000 === 0);
  }), { numRuns: 2000 });
});

test('AR-04 windows of one minute of issuance are spread, not heaped', () => {
  const starts = Array.from({ length: 1000 }, () => suggestedWindow(certificateOf(160 * HOUR), { fromPercent: 45, toPercent: 55 }, []).start);
  const tenths = new Map<number, number>();
  const [from, span] = [NOW + 72 * HOUR, 12 * HOUR]; // 45 % of 160 h, three quarters of 10 %
  for (const start of starts) tenths.set(Math.floor(((start - from) / span) * 10), (tenths.get(Math.floor(((start - from) / span) * 10)) ?? 0) + 1);
  assert.equal(tenths.size, 10);
  for (const count of tenths.values()) assert.ok(count > 50 && count < 170, `${count} of 1000 in one tenth`);
});

test('AR-04 what an operator pulls is due at once, or spread over the time given; a pull never puts a window off', () => {
  const certificate = certificateOf(160 * HOUR);
  const rule = { fromPercent: 45, toPercent: 55 };
  const at = NOW + 10 * HOUR;
  assert.deepEqual(suggestedWindow(certificate, rule, [{ at, overMs: 0 }]), { start: at - HOUR, end: at - HOUR / 2 });
  const over = suggestedWindow(certificate, rule, [{ at, overMs: 24 * HOUR }]);
  assert.ok(over.start >= at && over.end <= at + 24 * HOUR && over.end - over.start === 6 * HOUR);
  assert.deepEqual(suggestedWindow(certificate, rule, [{ at: NOW + 150 * HOUR, overMs: 0 }]), suggestedWindow(certificate, rule, []));
  assert.equal(suggestedWindow(certificate, rule, [{ at: at + HOUR, overMs: 0 }, { at, overMs: 0 }]).start, at - HOUR);
});

test('AR-03 clients come again after six hours more or less, sooner where certificates live shortly, never within a minute', () => {
  const waits = Array.from({ length: 200 }, () => lookAgainMs(certificateOf(160 * HOUR)));
  assert.ok(Math.min(...waits) >= 4.8 * HOUR && Math.max(...waits) <= 7.2 * HOUR && new Set(waits).size > 100);
  assert.ok(lookAgainMs(certificateOf(10 * 60_000)) <= 72_000);
  assert.equal(lookAgainMs(certificateOf(60_000)), 60_000);
});
