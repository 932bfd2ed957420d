/** Certification requests: our vectors, other people's requests, and anything at all. acme.md F-01 to F-09. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fromBER } from 'asn1js';
import fc from 'fast-check';
import { CertificationRequest } from 'pkijs';
import { hostNamesOf, parseCsr, verifyCsr } from '../../src/x509/csr.ts';
import { DerError } from '../../src/x509/der.ts';
import { decodePem, encodePem } from '../../src/x509/pem.ts';
import { nameKey } from '../../src/x509/name.ts';
import { BADLY_SIGNED, FAULTY, UNREADABLE, VALID } from './csr-vectors.ts';

const folder = new URL('../vectors/csr/', import.meta.url);
const update = process.env['CHANCERY_UPDATE_VECTORS'] === '1';

/** What expect.json may say of a vector; a key that is not here fails the test. */
interface Expected {
  readonly names?: readonly string[];
  readonly commonNames?: readonly string[];
  /** SAN and common names together, and how many faults: what a door for hosts sees. */
  readonly hosts?: readonly string[];
  readonly faults?: readonly string[];
  readonly unreadable?: string;
  readonly verifies?: boolean;
}
const KEYS: readonly string[] = ['names', 'commonNames', 'hosts', 'faults', 'unreadable', 'verifies'];

async function describe(der: Uint8Array): Promise<Expected> {
  try {
    const csr = parseCsr(der);
    const hosts = hostNamesOf(csr);
    return {
      names: csr.names.map(nameKey), commonNames: csr.commonNames, hosts: hosts.names.map(nameKey), faults: hosts.faults, verifies: await verifyCsr(csr),
    };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { unreadable: error.message };
  }
}

async function expectations(kind: 'valid' | 'invalid', vectors: Record<string, Uint8Array>): Promise<Record<string, Expected>> {
  const file = new URL(`${kind}/expect.json`, folder);
  if (update) {
    for (const [name, der] of Object.entries(vectors)) writeFileSync(new URL(`${kind}/${name}.pem`, folder), encodePem('CERTIFICATE REQUEST', der));
    const expected = Object.fromEntries(await Promise.all(Object.entries(vectors).map(async ([name, der]) => [name, await describe(der)] as const)));
    writeFileSync(file, `${JSON.stringify(expected, null, 2)}\n`);
  }
  const expected = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Expected>;
  for (const [name, one] of Object.entries(expected))
    for (const key of Object.keys(one)) assert.ok(KEYS.includes(key), `${name}: ${key} means nothing here`);
  assert.deepEqual(Object.keys(expected).toSorted(), Object.keys(vectors).toSorted());
  return expected;
}

for (const [kind, vectors] of [['valid', VALID], ['invalid', { ...UNREADABLE, ...FAULTY, ...BADLY_SIGNED }]] as const) {
  const expected = await expectations(kind, vectors);
  for (const [name, der] of Object.entries<Uint8Array>(vectors)) {
    test(`${kind}: ${name}`, async () => {
      const [kept] = decodePem('CERTIFICATE REQUEST', readFileSync(new URL(`${kind}/${name}.pem`, folder), 'utf8'));
      assert.ok(kept);
      assert.equal(Buffer.compare(kept, der), 0, 'the vector is not what csr-vectors.ts makes');
      assert.deepEqual(await describe(kept), expected[name]);
    });
  }
}

test('each vector is where it belongs', async () => {
  const isGood = ({ faults, verifies }: Expected): boolean => faults?.length === 0 && verifies === true;
  for (const der of Object.values(VALID)) assert.ok(isGood(await describe(der)));
  for (const der of Object.values(UNREADABLE)) assert.ok((await describe(der)).unreadable);
  for (const [name, der] of Object.entries(FAULTY)) assert.equal((await describe(der)).faults?.length, 1, name);
  for (const der of Object.values(BADLY_SIGNED)) {
    const { faults, verifies } = await describe(der);
    assert.deepEqual([faults, verifies], [[], false]);
  }
});

const scratch = mkdtempSync(join(tmpdir(), 'chancery-csr-'));
after(() => rmSync(scratch, { recursive: true }));

const KINDS: [what: string, key: string[], digest: string[]][] = [
  ['P-256', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], ['-sha256']],
  ['P-256 with SHA-512', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], ['-sha512']],
  ['P-384 with SHA-256', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], ['-sha256']],
  ['P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], ['-sha384']],
  ['RSA', ['rsa:2048'], ['-sha256']],
  ['RSA with SHA-512', ['rsa:2048'], ['-sha512']],
  ['RSA-PSS', ['rsa:2048'], ['-sha256', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32']],
  ['Ed25519', ['ed25519'], []],
];
for (const [what, key, digest] of KINDS) {
  test(`OpenSSL's request for ${what}: read, verified, and read alike by pkijs`, async () => {
    const der = new Uint8Array(execFileSync('openssl', [
      'req', '-new', '-newkey', ...key, ...digest, '-nodes', '-keyout', join(scratch, 'key'), '-subj', '/C=DE/O=Example/CN=www.example.org',
      '-addext', 'subjectAltName=DNS:www.example.org,DNS:*.example.org,IP:10.0.0.1,IP:fd00::1', '-addext', 'keyUsage=critical,digitalSignature', '-outform', 'DER',
    ], { stdio: ['ignore', 'pipe', 'pipe'] }));
    const csr = parseCsr(der);
    assert.deepEqual(csr.faults, []);
    assert.deepEqual(csr.names.map(nameKey), ['dns:www.example.org', 'dns:*.example.org', 'ip:10.0.0.1', 'ip:fd00::1']);
    assert.deepEqual(csr.commonNames, ['www.example.org']);
    assert.ok(await verifyCsr(csr));
    const theirs = new CertificationRequest({ schema: fromBER(der).result });
    assert.deepEqual(Buffer.from(theirs.subjectPublicKeyInfo.toSchema().toBER()), Buffer.from(csr.spki));
    assert.deepEqual(Buffer.from(theirs.tbsView), Buffer.from(csr.signed));
    assert.equal(theirs.subject.typesAndValues.length, csr.subject.length);
  });
}

test('GnuTLS’s request: read and verified', { skip: !existsSync('/usr/bin/certtool') && 'certtool is not installed' }, async () => {
  const template = join(scratch, 'template');
  writeFileSync(template, 'cn = "www.example.org"\ndns_name = "www.example.org"\nip_address = "10.0.0.1"\ntls_www_server\nsigning_key\n');
  writeFileSync(join(scratch, 'gnutls.key'), execFileSync('certtool', ['--generate-privkey', '--key-type', 'ecdsa', '--curve', 'secp256r1'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  const pem = execFileSync('certtool', ['--generate-request', '--template', template, '--load-privkey', join(scratch, 'gnutls.key'), '--outder'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const csr = parseCsr(new Uint8Array(pem));
  assert.deepEqual([csr.faults, csr.names.map(nameKey), await verifyCsr(csr)], [[], ['dns:www.example.org', 'ip:10.0.0.1'], true]);
});

test('a common name that is no name of a host is a fault, unless it is too long to be one', () => {
  const csr = { ...parseCsr(VALID['san-only'] ?? new Uint8Array()), commonNames: ['My Server', 'x'.repeat(65), '10.0.0.1', 'Example.org'] };
  const { names, faults } = hostNamesOf(csr);
  assert.deepEqual(names.map(nameKey), ['dns:www.example.org', 'ip:10.0.0.1', 'dns:example.org']);
  assert.equal(faults.length, 1);
});

test('whatever the octets, the parser throws its own error or none, and nothing else verifies', async () => {
  const good = VALID['wishes-passed-over'] ?? new Uint8Array();
  const parse = async (bytes: Uint8Array): Promise<void> => {
    try {
      const csr = parseCsr(bytes);
      assert.equal(await verifyCsr(csr), Buffer.compare(bytes, good) === 0);
    } catch (error) {
      assert.ok(error instanceof DerError, String(error));
    }
  };
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), parse), { numRuns: 500 });
  await fc.assert(fc.asyncProperty(fc.nat({ max: good.length }), fc.nat({ max: good.length }), fc.uint8Array({ maxLength: 6 }), (from, to, middle) =>
    parse(Buffer.concat([good.subarray(0, from), middle, good.subarray(to)]))), { numRuns: 2000 });
});
