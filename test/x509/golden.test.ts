/**
 * Golden bytes: one certificate per profile, CA certificates and an empty CRL, from fixed keys, serials and times. Any change of a
 * byte fails. RSA PKCS #1 v1.5 and Ed25519 sign deterministically, so those certificates are whole; for the others the TBS is kept.
 * A change that is meant: `CHANCERY_UPDATE_GOLDEN=1 node --test test/x509/golden.test.ts`, and say why in the commit.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { ALGORITHMS, type SignatureAlgorithm } from '../../src/x509/algorithm.ts';
import { renderCaTbs } from '../../src/x509/ca-certificate.ts';
import { assembleCertificate } from '../../src/x509/certificate.ts';
import { assembleCrl, renderCrlTbs } from '../../src/x509/crl.ts';
import { decodePem, encodePem } from '../../src/x509/pem.ts';
import type { KeyType } from '../../src/x509/public-key.ts';
import { renderTbs } from '../../src/x509/tbs.ts';
import { factsFor, hierarchy, intermediateFacts, NOW, type Profile, rootFacts, SHAPES, signWith } from './material.ts';

const folder = new URL('../vectors/golden/', import.meta.url);

function golden(file: string, label: string, der: Uint8Array): void {
  const path = new URL(file, folder);
  if (process.env['CHANCERY_UPDATE_GOLDEN'] === '1') writeFileSync(path, encodePem(label, der));
  const [kept] = decodePem(label, readFileSync(path, 'utf8'));
  assert.equal(Buffer.from(der).toString('hex'), Buffer.from(kept ?? []).toString('hex'), `${file} has changed`);
}

for (const profile of Object.keys(SHAPES) as Profile[]) {
  test(`profile ${profile}: every byte of its certificate`, () => {
    const { issuer, issuerKey } = hierarchy('rsa-pkcs1-sha256');
    const tbs = renderTbs(SHAPES[profile], issuer, factsFor(profile));
    golden(`${profile}.pem`, 'CERTIFICATE', assembleCertificate(tbs, issuer.algorithm, signWith(issuerKey, issuer.algorithm, tbs)));
  });
}

for (const keyType of ['rsa', 'p384', 'ed25519'] as const satisfies KeyType[]) {
  test(`subject key ${keyType}: every byte of its certificate`, () => {
    const { issuer, issuerKey } = hierarchy('ed25519');
    const tbs = renderTbs(SHAPES.server, issuer, factsFor('server', keyType));
    golden(`server-${keyType}.pem`, 'CERTIFICATE', assembleCertificate(tbs, 'ed25519', signWith(issuerKey, 'ed25519', tbs)));
  });
}

for (const algorithm of Object.keys(ALGORITHMS) as SignatureAlgorithm[]) {
  test(`issuer ${algorithm}: every byte that it would sign`, () => {
    const { issuer } = hierarchy(algorithm);
    const { keyType } = ALGORITHMS[algorithm];
    const root = rootFacts(keyType, algorithm);
    golden(`${algorithm}-root.tbs.pem`, 'TBS CERTIFICATE', renderCaTbs(root));
    golden(`${algorithm}-intermediate.tbs.pem`, 'TBS CERTIFICATE', renderCaTbs(intermediateFacts(keyType, root)));
    golden(`${algorithm}-server.tbs.pem`, 'TBS CERTIFICATE', renderTbs(SHAPES.server, issuer, factsFor('server')));
  });
}

test('an empty CRL: every byte', () => {
  const { issuer, issuerKey } = hierarchy('rsa-pkcs1-sha256');
  const tbs = renderCrlTbs(issuer, { shard: 3, number: BigInt(NOW), thisUpdate: NOW, nextUpdate: NOW + 9 * 86_400_000 - 1000, entries: new Uint8Array(0) });
  golden('empty.crl.pem', 'X509 CRL', assembleCrl(tbs, issuer.algorithm, signWith(issuerKey, issuer.algorithm, tbs)));
});

test('the shapes used here are those of ca-config/', () => {
  const state = mkdtempSync(join(tmpdir(), 'chancery-golden-'));
  try {
    const loaded = loadConfig(new URL('../../ca-config', import.meta.url).pathname, state);
    assert.ok('generation' in loaded, JSON.stringify(loaded));
    const configured = Object.fromEntries([...loaded.generation.profiles].map(([name, { shape }]) => [name, shape]));
    assert.deepEqual(SHAPES, configured);
  } finally {
    rmSync(state, { recursive: true });
  }
});
