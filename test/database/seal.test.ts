/** Secrets in the database are sealed: what is sealed comes back, and nothing else does. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openSeal } from '../../src/database/seal.ts';

const directory = mkdtempSync(join(tmpdir(), 'chancery-seal-'));
after(() => rmSync(directory, { recursive: true }));
const file = (name: string): string => join(directory, name);

test('the key file is made once, for its owner alone, and opens what it closed', () => {
  const sealed = openSeal(file('a')).close(Buffer.from('secret'), 'row 1');
  assert.equal(statSync(file('a')).mode & 0o077, 0);
  assert.equal(Buffer.from(openSeal(file('a')).open(sealed, 'row 1')).toString(), 'secret');
  assert.ok(!Buffer.from(sealed).includes('secret'));
  assert.notDeepEqual(openSeal(file('a')).close(Buffer.from('secret'), 'row 1'), sealed);
});

test('another row, another file, and any change are told', () => {
  const seal = openSeal(file('b'));
  const sealed = Buffer.from(seal.close(Buffer.from('secret'), 'row 1'));
  assert.throws(() => seal.open(sealed, 'row 2'), /changed, or belongs to another row/);
  assert.throws(() => openSeal(file('c')).open(sealed, 'row 1'), /sealed under another key than the one in .*\/c: every machine with fronts needs the same file/);
  for (let at = 8; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] as number) ^ 1;
    assert.throws(() => seal.open(changed, 'row 1'), /changed/);
  }
  for (const length of [0, 8, 35]) assert.throws(() => seal.open(sealed.subarray(0, length), 'row 1'), /cut short/);
});

test('a MAC has a key of its own for each purpose', () => {
  const seal = openSeal(file('d'));
  assert.ok(seal.mac('link', 'x').equals(openSeal(file('d')).mac('link', 'x')));
  assert.ok(!seal.mac('link', 'x').equals(seal.mac('other', 'x')));
});

test('a file that holds no key is left alone, and said', () => {
  writeFileSync(file('e'), 'not a key\n');
  assert.throws(() => openSeal(file('e')), /\/e holds no sealing key: put back the one that was there/);
  assert.equal(readFileSync(file('e'), 'utf8'), 'not a key\n');
  assert.throws(() => openSeal(join(directory, 'nowhere', 'f')), /cannot read or make the sealing key .* \(ENOENT\)/);
});
