/** Certificates that an operator configures: what does not lead to the root is refused with file and reason. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
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
