/** Certificates that an operator configures: what does not lead to the root is refused with file and reason. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Generation } from '../../src/config/generation.ts';
import { loadConfig } from '../../src/config/load.ts';
import { AuthorityFault, checkPaths, loadAuthority } from '../../src/wiring/authority.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { pathFault } from '../../src/x509/path.ts';

const directory = mkdtempSync(join(tmpdir(), 'chancery-path-'));
after(() => rmSync(directory, { recursive: true }));
const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
const read = (file: string): Uint8Array => decodePem('CERTIFICATE', readFileSync(join(directory, file), 'utf8'))[0] as Uint8Array;

/** A root of `algorithm` and an intermediate with these extensions. */
function make(name: string, algorithm: string[], extensions: string): { root: Uint8Array; intermediate: Uint8Array } {
  openssl('genpkey', ...algorithm, '-out', `${name}.key`);
  openssl('req', '-x509', '-new', '-key', `${name}.key`, '-subj', `/CN=Root ${name}`, '-days', '100', '-out', `${name}.pem`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}-i.key`);
  openssl('req', '-new', '-key', `${name}-i.key`, '-subj', `/CN=Intermediate ${name}`, '-out', `${name}-i.csr`);
  writeFileSync(join(directory, `${name}.ext`), extensions);
  openssl('x509', '-req', '-in', `${name}-i.csr`, '-CA', `${name}.pem`, '-CAkey', `${name}.key`, '-CAcreateserial', '-days', '50',
    '-extfile', `${name}.ext`, '-out', `${name}-i.pem`);
  return { root: read(`${name}.pem`), intermediate: read(`${name}-i.pem`) };
}

const EC = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'];
const CA = 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n';
const DAY = 86_400_000;

for (const [name, algorithm] of [['ec', EC], ['rsa', ['-algorithm', 'RSA']], ['ed', ['-algorithm', 'ED25519']]] as const) {
  test(`a lawful chain to a root of type ${name}`, async () => {
    const { root, intermediate } = make(name, [...algorithm], CA);
    assert.equal(await pathFault([intermediate], root, Date.now()), undefined);
  });
}

test('another root, and a chain that has expired, lead nowhere', async () => {
  const one = make('one', EC, CA);
  const other = make('other', EC, CA);
  assert.match((await pathFault([one.intermediate], other.root, Date.now())) ?? '', /no path leads to the root/);
  assert.match((await pathFault([one.intermediate], one.root, Date.now() + 60 * DAY)) ?? '', /no path leads to the root/);
});

/** The shipped configuration, its issuer with these files. */
function configured(certificate: string, root: string, alternates: readonly [string, string][]): Generation {
  const loaded = loadConfig(join(import.meta.dirname, '..', '..', 'ca-config'), directory);
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  const { ocsp: _, ...issuer } = loaded.generation.issuers.get('development-1') as NonNullable<ReturnType<Generation['issuers']['get']>>;
  const at = (file: string): string => join(directory, file);
  return {
    ...loaded.generation,
    issuers: new Map([['development-1', {
      ...issuer, certificates: [at(certificate)], root: at(root), alternates: alternates.map(([other, top]) => ({ certificates: [at(other)], root: at(top) })),
    }]]),
  };
}

test('X-02 alternate chains: of the same key and subject, each to its own root', async () => {
  const extensions = `${CA}subjectKeyIdentifier=hash\n`;
  const main = make('main', EC, extensions);
  make('cross', EC, extensions);
  openssl('x509', '-req', '-in', 'main-i.csr', '-CA', 'cross.pem', '-CAkey', 'cross.key', '-CAcreateserial', '-days', '50', '-extfile', 'main.ext', '-out', 'main-x.pem');
  const authority = loadAuthority(configured('main-i.pem', 'main.pem', [['main-x.pem', 'cross.pem']]));
  const key = authority.issuerKeys.get('development-1');
  assert.deepEqual(key?.chain, [main.intermediate]);
  assert.deepEqual(key?.alternates, [{ chain: [read('main-x.pem')], root: read('cross.pem') }]);
  await checkPaths(authority, Date.now());

  for (const [alternates, fault] of [
    [[['cross-i.pem', 'cross.pem']], /alternates: a certificate has another public key/],
    [[['main-x.pem', 'main.pem']], /not issued by certificate 2/],
    [[['nowhere.pem', 'cross.pem']], /cannot read .*nowhere\.pem/],
  ] as const) {
    assert.throws(() => loadAuthority(configured('main-i.pem', 'main.pem', alternates as unknown as [string, string][])), (error) => error instanceof AuthorityFault && fault.test(error.message));
  }
});
