/** acme-tiny (Debian): http-01 through a webroot, with CSRs from OpenSSL; the same run again is its renewal. It cannot revoke. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkInvariants } from '../support/invariants.ts';
import { type ClientProgram, clientProgram } from './client-program.ts';
import { type Lab, openLab } from './lab.ts';
import { leftBehind } from './left-behind.ts';
import { assertAccepted } from './relying-party.ts';
import { serveWebroot } from './webroot.ts';

const RSA = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
const P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];

let lab: Lab;
let home: string;
let openssl: ClientProgram;
let acmeTiny: ClientProgram;
const file = (name: string): string => join(home, name);
before(async () => {
  lab = await openLab();
  home = lab.folder('acme-tiny');
  openssl = clientProgram('openssl', { home });
  const program = clientProgram('acme-tiny', { home, environment: { SSL_CERT_FILE: lab.world.rootFile } });
  const always = ['--account-key', file('account.key'), '--acme-dir', lab.folder('webroot'), '--directory-url', lab.world.directoryUrl];
  acmeTiny = (args, expected) => program([...always, ...args], expected);
  await openssl(['genrsa', '-out', file('account.key'), '2048']);
});
after(() => lab?.[Symbol.asyncDispose]());

/** A key and a request for these names, the first of them as common name too. */
async function request(key: readonly string[], names: readonly string[]): Promise<string> {
  await openssl(['genpkey', ...key, '-out', file('site.key')]);
  const alternative = `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`;
  await openssl(['req', '-new', '-key', file('site.key'), '-subj', `/CN=${names[0]}`, '-addext', alternative, '-out', file('site.csr')]);
  return file('site.csr');
}

/** What it prints is its log, then the chain. */
async function certificate(args: readonly string[]): Promise<string> {
  const printed = await acmeTiny(args);
  writeFileSync(file('chain.pem'), printed.slice(printed.indexOf('-----BEGIN CERTIFICATE-----')));
  return printed;
}

test('http-01: two names with a contact, and renewed by the same command with another key', async () => {
  await using _server = await serveWebroot(join(lab.world.directory, 'webroot'), lab.world.http01Port);
  lab.dns.set('www.tiny.test', 'A', '127.0.0.1'); // the server asks the lab's DNS, acme-tiny's look at its own proof the machine's
  const always = ['--disable-check', '--contact', 'mailto:admin@home.arpa', '--quiet'];
  const names = ['tiny.localhost', 'www.tiny.test'];
  const wanted = { chain: file('chain.pem'), key: file('site.key'), names: names.map((name) => `DNS:${name}`) };

  await certificate([...always, '--csr', await request(RSA, names)]);
  const first = await assertAccepted(lab.world, { ...wanted, keyKind: 'rsa 2048' });
  await certificate([...always, '--csr', await request(P256, names)]);
  const second = await assertAccepted(lab.world, { ...wanted, keyKind: 'ec P-256' });
  assert.notEqual(second.serialNumber, first.serialNumber);
});

test('http-01: a name that acme-tiny can look up itself, proof seen by both; the second time it finds it verified', async () => {
  await using _server = await serveWebroot(join(lab.world.directory, 'webroot'), lab.world.http01Port);
  const args = ['--check-port', String(lab.world.http01Port), '--csr', await request(P256, ['localhost'])];
  assert.match(await certificate(args), /localhost verified!/);
  await assertAccepted(lab.world, { chain: file('chain.pem'), key: file('site.key'), names: ['DNS:localhost'], keyKind: 'ec P-256' });
  assert.match(await certificate(args), /Already verified: localhost, skipping/);
});

test('a name that no policy allows is refused in words that acme-tiny shows, and nothing is left of the order', async () => {
  const csr = await request(P256, ['www.example.com']);
  const before = await leftBehind(lab.world);
  const shown = await acmeTiny(['--csr', csr], { exit: 1 });
  assert.match(shown, /rejectedIdentifier.*www\.example\.com is not allowed by policy "private-names"/);
  assert.deepEqual(await leftBehind(lab.world), before);
});

test('the invariants hold', () => checkInvariants(lab.world, { status: true }));
