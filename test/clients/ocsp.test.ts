/** OCSP as relying parties ask it: OpenSSL, GnuTLS and curl, at the URL that a certificate names. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { revoke } from '../../src/ca/revocation/revoke.ts';
import { loadConfig } from '../../src/config/load.ts';
import { openDatabase } from '../../src/database/database.ts';
import { loadAuthority } from '../../src/wiring/authority.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { until } from '../support/processes.ts';
import { World } from '../support/world.ts';
import { type ClientProgram, clientProgram } from './client-program.ts';

let world: World;
let curl: ClientProgram;
let openssl: ClientProgram;
let ocsptool: ClientProgram;
const file = (name: string): string => join(world.directory, name);

before(async () => {
  world = await World.open();
  const home = { home: world.directory };
  curl = clientProgram('curl', home);
  openssl = clientProgram('openssl', home);
  ocsptool = clientProgram('ocsptool', { ...home, debianPackage: 'gnutls-bin' });
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const client = new PersistentClient(transport, world.directoryUrl, responder);
  for (const name of ['good', 'revoked']) {
    const [leaf = '', issuer = ''] = (await client.certificate([`${name}.localhost`])).match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
    writeFileSync(file(`${name}.pem`), leaf);
    writeFileSync(file('issuer.pem'), issuer);
  }
  await revokeByOperator('revoked');
});
after(() => world?.[Symbol.asyncDispose]());

/** As the command line will do over the admin socket. */
async function revokeByOperator(name: string): Promise<void> {
  const [der] = decodePem('CERTIFICATE', readFileSync(file(`${name}.pem`), 'utf8'));
  const loaded = loadConfig(world.configuration(), world.state, process.env);
  assert.ok('generation' in loaded);
  await using database = await openDatabase(world.database);
  const parts = { clock: { now: () => Date.now() }, database, random: (n: number) => randomBytes(n), authority: () => loadAuthority(loaded.generation) };
  const outcome = await revoke(parts, {
    realm: 'default', issuerKey: 'development-1', serial: parseCertificate(der as Uint8Array).tbs.serial, reason: 'keyCompromise', door: 'test',
    requester: { kind: 'operator', id: 'test' }, authority: 'operator',
  });
  assert.equal(outcome.kind, 'revoked');
}

const urlIn = async (name: string): Promise<string> => (await openssl(['x509', '-noout', '-ocsp_uri', '-in', file(`${name}.pem`)])).trim();
const ask = async (name: string, ...more: string[]): Promise<string> =>
  openssl(['ocsp', ...more, '-issuer', file('issuer.pem'), '-cert', file(`${name}.pem`), '-url', await urlIn(name), '-CAfile', world.rootFile]);

test('T-OCS-1 OpenSSL: good and revoked, with reason and time, with and without a nonce', async () => {
  assert.equal(await urlIn('good'), `http://localhost:${world.ports[0]?.status}/ocsp`);
  for (const more of [['-no_nonce'], []]) {
    const good = await ask('good', ...more);
    assert.match(good, /Response verify OK/);
    assert.match(good, /good\.pem: good\n/);
    assert.doesNotMatch(good, /no nonce in response/);
    const revoked = await ask('revoked', ...more);
    assert.match(revoked, /Response verify OK/);
    assert.match(revoked, /revoked\.pem: revoked\n[\s\S]*Reason: keyCompromise\n\s*Revocation Time: /);
  }
});

test('T-OCS-1 the staging issuer has a responder of its own: same policy, and nothing that the real one vouches for', async () => {
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const client = new PersistentClient(transport, world.stagingUrl, responder);
  const [leaf = '', issuer = ''] = (await client.certificate(['staging.localhost'])).match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
  writeFileSync(file('staging.pem'), leaf);
  writeFileSync(file('staging-issuer.pem'), issuer);
  const asked = ['ocsp', '-issuer', file('staging-issuer.pem'), '-cert', file('staging.pem'), '-url', await urlIn('staging')];
  const answer = await openssl([...asked, '-CAfile', join(world.state, 'public/staging-root.pem')]);
  assert.match(answer, /Response verify OK[\s\S]*staging\.pem: good\n/);
  await assert.rejects(openssl([...asked, '-CAfile', world.rootFile]), /Response Verify Failure/);
});

test('T-OCS-4 OpenSSL by SHA-256', async () => {
  assert.match(await ask('good', '-sha256', '-no_nonce'), /Response verify OK[\s\S]*good\.pem: good\n/);
});

test('T-OCS-1 GnuTLS', async () => {
  const against = ['--load-issuer', file('issuer.pem'), '--load-trust', file('issuer.pem')];
  const good = await ocsptool([`--ask=${await urlIn('good')}`, '--load-cert', file('good.pem'), ...against, '--nonce']);
  assert.match(good, /Certificate Status: good/);
  assert.match(good, /Verifying OCSP Response: Success/);
  const revoked = await ocsptool([`--ask=${await urlIn('revoked')}`, '--load-cert', file('revoked.pem'), ...against]);
  assert.match(revoked, /Certificate Status: revoked/);
});

test('T-OCS-2 curl: GET as RFC 5019 has it, verified by OpenSSL', async () => {
  await openssl(['ocsp', '-issuer', file('issuer.pem'), '-cert', file('good.pem'), '-no_nonce', '-reqout', file('request.der')]);
  const path = encodeURIComponent(readFileSync(file('request.der')).toString('base64'));
  const wrote = await curl(['--silent', '--fail', '--output', file('response.der'), '--write-out', '%{content_type}', `${await urlIn('good')}/${path}`]);
  assert.equal(wrote, 'application/ocsp-response');
  const printed = await openssl(['ocsp', '-respin', file('response.der'), '-issuer', file('issuer.pem'), '-cert', file('good.pem'), '-CAfile', world.rootFile, '-no_nonce']);
  assert.match(printed, /Response verify OK[\s\S]*good\.pem: good\n/);
});

test("the responder's certificate: OCSPSigning alone, nocheck, digitalSignature, no CRL, thirty days; OpenSSL holds it a responder", async () => {
  await openssl(['ocsp', '-respin', file('response.der'), '-noverify', '-resp_text', '-no_nonce']).then((text) => {
    const [pem] = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(text) ?? assert.fail(text);
    writeFileSync(file('responder.pem'), `${pem}\n`);
  });
  const text = await openssl(['x509', '-noout', '-text', '-in', file('responder.pem')]);
  assert.match(text, /Extended Key Usage: ?\n\s+OCSP Signing\n/);
  assert.match(text, /OCSP No Check: ?\n/);
  assert.match(text, /Key Usage: critical\n\s+Digital Signature\n/);
  assert.doesNotMatch(text, /CRL Distribution Points|Authority Information Access|Subject Alternative Name/);
  const verify = ['verify', '-x509_strict', '-purpose', 'ocsphelper', '-CAfile', world.rootFile, '-untrusted', file('issuer.pem'), file('responder.pem')];
  assert.match(await openssl(verify), /: OK$/m);
});

test('T-OCS-10 a restart of the signer, and of the front, makes no other responder', async () => {
  const serial = await openssl(['x509', '-noout', '-serial', '-in', file('responder.pem')]);
  await world.stop();
  await world.startSigner();
  await world.startFront();
  const text = await ask('good', '-no_nonce', '-resp_text');
  const [pem] = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(text) ?? assert.fail(text);
  writeFileSync(file('again.pem'), `${pem}\n`);
  assert.equal(await openssl(['x509', '-noout', '-serial', '-in', file('again.pem')]), serial);
});

test('the invariants hold, and what was signed is in the journal and in the audit log', async () => {
  await until('the CRL has it', async () => (await world.statusOf('/readyz')) === 200);
  await checkInvariants(world, { status: true });
});
