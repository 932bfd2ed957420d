/** Whole issuances through the door, over the real CA and SQLite: each key type, each shape of order, and what it costs. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { type KeyType, newKey } from '../../support/acme-client.ts';
import { openDoorLab } from '../../support/acme-door.ts';

const leafOf = (pem: string): X509Certificate => new X509Certificate(pem);

for (const type of ['ES256', 'ES384', 'RS256', 'EdDSA'] satisfies KeyType[]) {
  test(`J-09: an ${type} account gets a certificate`, async () => {
    await using lab = await openDoorLab();
    const client = await lab.client(newKey(type));
    const { pem } = await client.issue(['a.internal'], () => {});
    assert.equal(leafOf(pem).subjectAltName, 'DNS:a.internal');
  });
}
