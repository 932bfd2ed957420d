/** One lint, one file, one citation, one certificate that passes and one that fails. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { allCrlLints, allLints, type Lint, runCrlLints, runLints } from '../../src/lint/index.ts';
import { runEach } from '../../src/lint/lint.ts';
import { DerError } from '../../src/x509/der.ts';
import { factsOf, renderTbs } from '../../src/x509/tbs.ts';
import { parseTbs } from '../../src/x509/certificate.ts';
import { ALGORITHMS, type SignatureAlgorithm } from '../../src/x509/algorithm.ts';
import type { KeyType } from '../../src/x509/public-key.ts';
import { factsFor, hierarchy, type Profile, SHAPES } from '../x509/material.ts';
import { CASES, failing, passing } from './certificate-cases.ts';
import { CRL_CASES } from './crl-cases.ts';
import { certificate, crl } from './fixtures.ts';

for (const lint of allLints) {
  test(`${lint.name}: passes one certificate and finds fault with another`, () => {
    const pair = CASES[lint.name];
    assert.ok(pair, 'no fixtures in certificate-cases.ts');
    const good = passing(pair);
    assert.ok(lint.applies(good), 'the passing certificate does not come under it');
    assert.deepEqual(runLints(good).filter((finding) => finding.lint === lint.name), []);
    const findings = runLints(failing(pair)).filter((finding) => finding.lint === lint.name);
    assert.equal(findings.length, 1, 'the failing certificate passes');
    assert.equal(findings[0]?.severity, lint.severity);
    const unreadable = findings[0]?.detail.startsWith('it cannot be read');
    assert.equal(unreadable, lint.name === 'itu.invalid_asn1_syntax', `it fails for another reason: ${findings[0]?.detail}`);
  });
}

for (const lint of allCrlLints) {
  test(`${lint.name}: passes one CRL and finds fault with another`, () => {
    const change = CRL_CASES[lint.name];
    assert.ok(change, 'no fixture in crl-cases.ts');
    assert.ok(lint.applies(crl()));
    assert.deepEqual(runCrlLints(crl()), []);
    const findings = runCrlLints(crl(change)).filter((finding) => finding.lint === lint.name);
    assert.equal(findings.length, 1, 'the failing CRL passes');
  });
}

test('every file is a lint of that name, every lint is in the table, and none twice', () => {
  const root = new URL('../../src/lint/', import.meta.url);
  const files = ['rfc5280', 'cabf', 'house'].flatMap((folder) => readdirSync(new URL(`${folder}/`, root)));
  const names = [...allLints, ...allCrlLints].map(({ name }) => `${name.replaceAll(/[._]/g, '-')}.ts`);
  assert.deepEqual(names.toSorted(), files.toSorted());
  assert.deepEqual([...allLints, ...allCrlLints].filter(({ cites }) => cites.length < 5), []);
});

test('no fixture is without its lint', () => {
  assert.deepEqual(Object.keys(CASES).toSorted(), allLints.map(({ name }) => name).toSorted());
  assert.deepEqual(Object.keys(CRL_CASES).toSorted(), allCrlLints.map(({ name }) => name).toSorted());
});

for (const profile of Object.keys(SHAPES) as Profile[]) {
  test(`what we render for profile ${profile} has not one finding, whatever the keys`, () => {
    for (const algorithm of Object.keys(ALGORITHMS) as SignatureAlgorithm[]) {
      for (const keyType of ['p256', 'p384', 'rsa', 'ed25519'] as const satisfies KeyType[]) {
        const { issuer } = hierarchy(algorithm);
        const tbs = parseTbs(renderTbs(SHAPES[profile], issuer, factsFor(profile, keyType)));
        assert.deepEqual(runLints({ tbs, shape: SHAPES[profile], issuer }), [], `${algorithm} ${keyType}`);
      }
    }
  });
}

test('a lint that cannot read what it looks at has found an error; one that breaks is not passed over', () => {
  const lint: Lint = { name: 'x', severity: 'warning', cites: 'none', applies: () => true, fault: () => { throw new DerError('cut short'); } };
  assert.deepEqual(runEach([lint], certificate(), 0), [{ lint: 'x', severity: 'error', detail: 'it cannot be read: cut short' }]);
  const broken: Lint = { ...lint, fault: () => { throw new TypeError('ours'); } };
  assert.throws(() => runEach([broken], certificate(), 0), TypeError);
});

test('a lint holds only those that begin after it took effect', () => {
  const lint: Lint = { name: 'x', severity: 'error', cites: 'none', since: 1000, applies: () => true, fault: () => 'always' };
  assert.deepEqual([runEach([lint], certificate(), 999).length, runEach([lint], certificate(), 1000).length], [0, 1]);
});

test('shards are numbered from 1 to the number of shards', () => {
  const found = (shard: number): boolean =>
    runLints(certificate({ facts: { shard } })).some(({ lint }) => lint === 'x.crl_distribution_point_not_shards');
  assert.deepEqual([0, 1, 4, 5].map(found), [true, false, false, true]);
});

test('no TBS, however mangled, makes a lint throw; and none but a lawful one passes unseen', () => {
  for (const profile of ['server', 'device', 'workload'] as const) {
    const { issuer } = hierarchy('ecdsa-sha256-p256');
    const shape = SHAPES[profile];
    const good = renderTbs(shape, issuer, factsFor(profile, 'rsa'));
    fc.assert(fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Uint8Array.from(good, (octet, i) => (i === at ? octet ^ flip : octet));
      let tbs: ReturnType<typeof parseTbs>;
      try {
        tbs = parseTbs(bytes);
      } catch (error) {
        assert.ok(error instanceof DerError);
        return;
      }
      if (runLints({ tbs, shape, issuer }).length > 0) return;
      assert.deepEqual(Buffer.from(renderTbs(shape, issuer, factsOf(tbs))), Buffer.from(bytes)); // lawful, with other facts
    }), { numRuns: 1500 });
  }
});
