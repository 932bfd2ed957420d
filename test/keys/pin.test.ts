/** PINs: read from their file, tried once when wrong, remembered without being kept. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RefusedPins, readPin } from '../../src/keys/pin.ts';

const directory = mkdtempSync(join(tmpdir(), 'chancery-pin-'));
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'pin');

test('a PIN is the content of its file, without the newline', () => {
  writeFileSync(file, '1234 5\n', { mode: 0o600 });
  assert.equal(readPin(file), '1234 5');
});

test('a PIN file that is missing, empty or open to others is refused in one sentence', () => {
  assert.throws(() => readPin(join(directory, 'none')), /the PIN file .*none cannot be read \(ENOENT\)/);
  chmodSync(file, 0o604);
  assert.throws(() => readPin(file), /open to others: chmod 600/);
  chmodSync(file, 0o440);
  assert.equal(readPin(file), '1234 5');
  chmodSync(file, 0o600);
  writeFileSync(file, '\n');
  assert.throws(() => readPin(file), /is empty/);
});

test('a refused PIN is remembered by token, across restarts, as a salted digest', () => {
  const memory = join(directory, 'refused.json');
  new RefusedPins(memory).add('serial-a', '4711');
  const again = new RefusedPins(memory);
  assert.equal(again.has('serial-a', '4711'), true);
  assert.equal(again.has('serial-a', '4712'), false);
  assert.equal(again.has('serial-b', '4711'), false);
  assert.ok(!readFileSync(memory, 'utf8').includes('4711'));
  assert.equal(statSync(memory).mode & 0o777, 0o600);
});
