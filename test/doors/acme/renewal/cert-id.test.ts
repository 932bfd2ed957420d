/** RFC 9773 §4.1, row AR-02: the one spelling of a certificate identifier. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCertId } from '../../../../src/doors/acme/renewal/cert-id.ts';

test('AR-02 the vector of the RFC', () => {
  assert.deepEqual(parseCertId('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE'), { keyId: '69885b6b87464041e1b37b847ba0ae2cde01c8d4', serial: '87654321' });
});

test('AR-02 a serial without the 00 of its sign has the same value, as Ruby writes it', () => {
  assert.deepEqual(parseCertId('aYhba4dGQEHhs3uEe6CuLN4ByNQ.h2VDIQ'), parseCertId('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE'));
});

test('AR-02 nothing else is an identifier: padding, other alphabets, needless octets, missing or further parts', () => {
  for (const text of [
    '', '.', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.', '.AIdlQyE', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE.', 'a.b.c',
    'aYhba4dGQEHhs3uEe6CuLN4ByNQ=.AIdlQyE', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE=', 'aYhba4dGQEHhs3uEe6CuLN4ByNR.AIdlQyE', 'aY+ba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE',
    ' aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AAEC', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AA', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AACHZUMh',
    `aYhba4dGQEHhs3uEe6CuLN4ByNQ.${'A'.repeat(4000)}`, `${'A'.repeat(4000)}.AIdlQyE`,
  ]) assert.equal(parseCertId(text), undefined, text.slice(0, 60));
});

test('6.9 whatever the text, there is an identifier or there is none', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String().map((text) => text.replaceAll('/', '.'))), (text) => {
    const id = parseCertId(text);
    if (id !== undefined) assert.match(`${id.keyId} ${id.serial}`, /^[0-9a-f]{2,128} [0-9a-f]{2,42}$/);
  }), { numRuns: 20_000 });
});
