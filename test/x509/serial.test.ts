/** Serial numbers: what they say of themselves, and how much of them is random. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { composeSerial, readSerial, SERIAL_RANDOM } from '../../src/x509/serial.ts';

const NOT_BEFORE = Date.UTC(2026, 10, 22, 12);
const NOT_AFTER = Date.UTC(2026, 10, 29, 3);

test('T-INC-1 96 bits of a serial are those of the generator, every one of them: none is cleared for the sign, none is lost', () => {
  const ever = { set: 0n, clear: 0n };
  const mask = (1n << BigInt(SERIAL_RANDOM * 8)) - 1n;
  for (let tries = 0; tries < 200; tries += 1) {
    const random = randomBytes(SERIAL_RANDOM);
    const serial = composeSerial(1, NOT_BEFORE, NOT_AFTER, random);
    assert.equal(serial.slice(-2 * SERIAL_RANDOM), random.toString('hex'));
    assert.match(serial, /^[0-7][0-9a-f]{37}$/, '19 octets, positive: RFC 5280 §4.1.2.2');
    const value = BigInt(`0x${serial}`) & mask;
    ever.set |= value;
    ever.clear |= ~value & mask;
  }
  assert.deepEqual(ever, { set: mask, clear: mask });
  assert.ok(SERIAL_RANDOM * 8 >= 64, 'BR §7.1');
});

test('a serial names its signer, day and notBefore, for each of the signers', () => {
  for (const signerId of [1, 2, 64, 127]) {
    const said = readSerial(composeSerial(signerId, NOT_BEFORE, NOT_AFTER, randomBytes(SERIAL_RANDOM)));
    assert.deepEqual(said, { signerId, day: 2524, notBefore: NOT_BEFORE });
  }
  for (const signerId of [0, 128, 1.5]) assert.throws(() => composeSerial(signerId, NOT_BEFORE, NOT_AFTER, randomBytes(SERIAL_RANDOM)));
  for (const text of ['', '00'.repeat(19), `80${'11'.repeat(18)}`, '11'.repeat(18), 'AB'.repeat(19)]) assert.equal(readSerial(text), undefined, text);
});
