/** Name constraints: what RFC 5280 §4.2.1.10 says, and that OpenSSL decides as we do (T-PRO-17). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { issuerShapeOf, renderCaTbs } from '../../src/x509/ca-certificate.ts';
import { assembleCertificate } from '../../src/x509/certificate.ts';
import { DerError, element, sequence, TAG, text } from '../../src/x509/der.ts';
import { decodeNameConstraints, encodeNameConstraints, type NameConstraints, nameConstraintFault } from '../../src/x509/name-constraints.ts';
import type { Name } from '../../src/x509/name.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { renderTbs } from '../../src/x509/tbs.ts';
import { factsFor, hierarchy, intermediateFacts, NOW, privateKey, rootFacts, SHAPES, signWith } from './material.ts';

const dns = (value: string): Name => ({ type: 'dns', value });
const ip = (value: string): Name => ({ type: 'ip', value });
const uri = (value: string): Name => ({ type: 'uri', value });
const permit = (permitted: NameConstraints['permitted'], excluded: NameConstraints['excluded'] = {}): NameConstraints => ({ permitted, excluded });

const ROWS: [constraints: NameConstraints, name: Name, within: boolean][] = [
  [permit({ dns: ['example.org'] }), dns('example.org'), true],
  [permit({ dns: ['example.org'] }), dns('a.b.example.org'), true],
  [permit({ dns: ['example.org'] }), dns('badexample.org'), false],
  [permit({ dns: ['example.org'] }), dns('example.org.evil'), false],
  [permit({ dns: ['example.org'] }), dns('*.example.org'), true],
  [permit({ dns: ['a.example.org'] }), dns('*.example.org'), false],
  [permit({ dns: ['example.org', 'internal'] }), dns('x.internal'), true],
  [permit({ dns: ['example.org'] }), ip('10.0.0.1'), true], // another type: unrestricted
  [permit({}, { dns: ['secret.example.org'] }), dns('www.example.org'), true],
  [permit({}, { dns: ['secret.example.org'] }), dns('x.secret.example.org'), false],
  [permit({}, { dns: ['secret.example.org'] }), dns('*.secret.example.org'), false],
  [permit({ dns: ['example.org'] }, { dns: ['secret.example.org'] }), dns('secret.example.org'), false],
  [permit({}, { dns: [''] }), dns('www.example.org'), false],
  [permit({ ip: ['10.0.0.0/8'] }), ip('10.255.0.1'), true],
  [permit({ ip: ['10.0.0.0/8'] }), ip('11.0.0.1'), false],
  [permit({ ip: ['10.0.0.0/8'] }), ip('fd00::1'), false],
  [permit({ ip: ['192.168.16.0/20'] }), ip('192.168.31.255'), true],
  [permit({ ip: ['192.168.16.0/20'] }), ip('192.168.32.0'), false],
  [permit({ ip: ['fd00::/8', '10.0.0.1/32'] }), ip('fdff::1'), true],
  [permit({ ip: ['fd00::/8', '10.0.0.1/32'] }), ip('10.0.0.1'), true],
  [permit({ ip: ['fd00::/8', '10.0.0.1/32'] }), ip('10.0.0.2'), false],
  [permit({}, { ip: ['0.0.0.0/0'] }), ip('10.0.0.1'), false],
  [permit({}, { ip: ['0.0.0.0/0'] }), ip('fd00::1'), true],
  [permit({ uri: ['example.org'] }), uri('spiffe://example.org/web'), true],
  [permit({ uri: ['example.org'] }), uri('spiffe://a.example.org/web'), false], // without a dot it is one host
  [permit({ uri: ['.example.org'] }), uri('spiffe://a.example.org/web'), true],
  [permit({ uri: ['.example.org'] }), uri('spiffe://example.org/web'), false],
  [permit({}, { uri: ['example.org'] }), uri('spiffe://example.org/web'), false],
];

const scratch = mkdtempSync(join(tmpdir(), 'chancery-constraints-'));
after(() => rmSync(scratch, { recursive: true }));

/** Whether OpenSSL accepts a leaf with that name below an intermediate with those constraints. */
function opensslAccepts(constraints: NameConstraints, name: Name): boolean {
  const root = rootFacts('ed25519', 'ed25519');
  const caTbs = renderCaTbs({ ...intermediateFacts('ed25519', root), nameConstraints: constraints });
  const intermediate = assembleCertificate(caTbs, 'ed25519', signWith(privateKey('root', 'ed25519'), 'ed25519', caTbs));
  const { issuer, issuerKey, root: rootDer } = hierarchy('ed25519');
  const tbs = renderTbs(SHAPES.server, issuer, { ...factsFor('server'), names: [name] });
  const leaf = assembleCertificate(tbs, 'ed25519', signWith(issuerKey, 'ed25519', tbs));
  for (const [file, der] of [['root', rootDer], ['intermediate', intermediate], ['leaf', leaf]] as const)
    writeFileSync(join(scratch, file), encodePem('CERTIFICATE', der));
  const { status, stdout, stderr } = spawnSync('openssl', ['verify', '-x509_strict', '-attime', String(Math.floor(NOW / 1000)),
    '-CAfile', join(scratch, 'root'), '-untrusted', join(scratch, 'intermediate'), join(scratch, 'leaf')], { encoding: 'utf8' });
  assert.ok(status === 0 || /error (47|48)/.test(stdout + stderr), `for another reason: ${stdout}${stderr}`); // permitted, excluded subtree violation
  return status === 0;
}

for (const [constraints, name, within] of ROWS) {
  test(`${name.value} is ${within ? 'within' : 'outside'} ${JSON.stringify(constraints)}`, () => {
    assert.equal(nameConstraintFault(constraints, name) === undefined, within);
    assert.equal(opensslAccepts(constraints, name), within, 'OpenSSL decides otherwise');
    assert.deepEqual(decodeNameConstraints(encodeNameConstraints(constraints)), constraints);
  });
}

test('a wildcard that could stand for an excluded name is refused; OpenSSL lets it pass', () => {
  const constraints = permit({ dns: ['example.org'] }, { dns: ['secret.example.org'] });
  assert.ok(nameConstraintFault(constraints, dns('*.example.org')));
  assert.equal(opensslAccepts(constraints, dns('*.example.org')), true);
});

test('OpenSSL and we agree on 120 pairs of constraint and name', () => {
  const suffixes = ['org', 'example.org', 'a.example.org', 'xample.org', 'b.example.org'];
  const ranges = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/23', 'fd00::/8', 'fd00:1::/32', '::/0'];
  const names = ['org', 'example.org', 'a.example.org', 'x.a.example.org', '*.a.example.org', 'c.example.org'].map(dns);
  const addresses = ['10.1.2.3', '10.1.3.255', '10.1.4.0', '10.2.0.0', 'fd00:1::9', 'fd01::'].map(ip);
  const pairs = [...suffixes.flatMap((s) => names.map((name) => [{ dns: [s] }, name] as const)), ...ranges.slice(0, 5).flatMap((r) => addresses.map((name) => [{ ip: [r] }, name] as const))];
  let asked = 0;
  for (const [subtrees, name] of pairs) {
    for (const constraints of [permit(subtrees), permit({}, subtrees)]) {
      assert.equal(opensslAccepts(constraints, name), nameConstraintFault(constraints, name) === undefined, `${JSON.stringify(constraints)} ${name.value}`);
      asked++;
    }
  }
  assert.equal(asked, 120);
});

test('a type with an empty list of permitted names has none: T-PRO-18', () => {
  assert.ok(nameConstraintFault(permit({ dns: [] }), dns('a.example')));
  assert.equal(nameConstraintFault(permit({ email: ['example.org'] }), { type: 'email', value: 'a@example.org' }), undefined);
  assert.ok(nameConstraintFault(permit({ email: ['example.org'] }), { type: 'email', value: 'a@b.example.org' }));
});

test('constraints that are not understood are refused, not passed over', () => {
  const subtree = (base: Uint8Array): Uint8Array => sequence(element(0xa0, sequence(base)));
  assert.throws(() => decodeNameConstraints(subtree(element(0xa4, sequence()))), DerError); // directoryName
  assert.throws(() => decodeNameConstraints(subtree(element(0x87, Buffer.from('0a000000ff00ff00', 'hex')))), DerError); // a mask with a hole
  assert.throws(() => decodeNameConstraints(subtree(element(0x87, new Uint8Array(5)))), DerError);
  assert.throws(() => decodeNameConstraints(sequence(element(0xa0, sequence(text(0x82, 'a'), element(0x80, Uint8Array.of(1)))))), DerError); // minimum
  assert.throws(() => decodeNameConstraints(element(TAG.set)), DerError);
});

test('the constraints of a CA certificate become those of the issuer', () => {
  const root = rootFacts('ed25519', 'ed25519');
  const constraints = permit({ dns: ['example.internal'], ip: ['10.0.0.0/8'] }, { uri: ['.example.org'] });
  const tbs = renderCaTbs({ ...intermediateFacts('ed25519', root), nameConstraints: constraints });
  const shape = issuerShapeOf(assembleCertificate(tbs, 'ed25519', new Uint8Array(64)), { id: 'x', shards: 1, crlUrl: 'http://x', caIssuersUrl: 'http://x' });
  assert.deepEqual(shape.permitted, constraints);
});
