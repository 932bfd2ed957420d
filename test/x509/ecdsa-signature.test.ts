/** The two spellings of an ECDSA signature, held to node:crypto. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import { ecdsaSigValue } from '../../src/x509/ecdsa-signature.ts';
import { checkDer } from '../../src/x509/check-der.ts';

for (const [namedCurve, size] of [['P-256', 32], ['P-384', 48], ['P-521', 66]] as const) {
  test(`${namedCurve}: 300 signatures become DER that verifies`, () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    for (let index = 0; index < 300; index += 1) {
      const data = Buffer.from(`message ${index}`);
      const value = ecdsaSigValue(sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }), size);
      assert.ok(value !== undefined && verify('sha256', data, publicKey, value));
      checkDer(value);
    }
  });
}

test('leading zeros go, a high bit gets one, zero and wrong lengths are nothing', () => {
  const raw = Buffer.alloc(64);
  assert.equal(ecdsaSigValue(raw, 32), undefined);
  raw[31] = 1;
  assert.equal(ecdsaSigValue(raw, 32), undefined);
  raw[32] = 0x80;
  assert.equal(Buffer.from(ecdsaSigValue(raw, 32) ?? []).toString('hex'), `3026020101022100${'80'.padEnd(64, '0')}`);
  assert.equal(ecdsaSigValue(raw.subarray(1), 32), undefined);
});
