/** A running server, whole: a certificate over http-01, what relying parties fetch, what operators see, and a clean stop. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { World } from '../support/world.ts';

let world: World;
let responder: Awaited<ReturnType<typeof startHttp01Responder>>;
before(async () => {
  world = await World.open();
  responder = await startHttp01Responder({ port: world.http01Port });
});
after(async () => {
  await world[Symbol.asyncDispose]();
  await responder.close();
});

test('S#555, S#815: over TLS that a client with the root alone accepts, a certificate that openssl and certtool accept', async () => {
  using transport = transportTo(world);
  const pem = await new PersistentClient(transport, world.directoryUrl, responder).certificate(['one.localhost', 'two.localhost']);
  const [leaf = '', intermediate = ''] = pem.match(/-----BEGIN[^]+?-----END CERTIFICATE-----\n/g) ?? [];
  const file = (name: string, text: string): string => {
    writeFileSync(join(world.directory, name), text);
    return join(world.directory, name);
  };
  const verified = execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', world.rootFile, '-untrusted', file('i.pem', intermediate), file('l.pem', leaf)]);
  assert.match(verified.toString(), /: OK/);
  execFileSync('certtool', ['--verify', '--load-ca-certificate', world.rootFile, '--infile', file('chain.pem', pem)], { stdio: 'pipe' });
  const certificate = new X509Certificate(leaf);
  assert.equal(certificate.subjectAltName, 'DNS:one.localhost, DNS:two.localhost');
  const { crl, issuer } = pointers(leaf);
  const shard = await world.fetchFrom('status', new URL(crl).pathname);
  assert.equal(shard.status, 200);
  const crlFile = join(world.directory, 'shard.crl');
  writeFileSync(crlFile, shard.body);
  const checked = execFileSync('openssl', ['verify', '-crl_check', '-CAfile', world.rootFile, '-untrusted', file('i.pem', intermediate), '-CRLfile', crlFile, file('l.pem', leaf)]);
  assert.match(checked.toString(), /: OK/);
  const served = await world.fetchFrom('status', new URL(issuer).pathname);
  assert.deepEqual(served.body, new X509Certificate(intermediate).raw);
});

test('metrics and logs name no certificate and no account', async () => {
  const { body } = await world.fetchFrom('metrics', '/metrics');
  const text = body.toString();
  assert.match(text, /chancery_certificates_issued_total\{profile="server",door="acme",issuer_key="development-1"\} [1-9]/);
  const labels = [...text.matchAll(/="([^"]*)"/g)].map(([, value]) => value);
  for (const value of labels) assert.doesNotMatch(value ?? '', /localhost|^[0-9a-f]{36,38}$|127\.0\.0\.1/);
});

test('no PIN in arguments, environment, configuration, journal or logs', () => {
  const pin = readFileSync(join(world.state, 'pins/intermediate.pin'), 'utf8').trim();
  assert.ok(pin.length >= 6);
  const pids = [world.signer?.pid, world.fronts[0]?.pid].filter((pid) => pid !== undefined);
  for (const pid of pids) {
    for (const what of ['cmdline', 'environ']) assert.ok(!readFileSync(`/proc/${pid}/${what}`, 'utf8').includes(pin), `${what} of ${pid}`);
  }
  assert.ok(!`${world.signer?.output()}${world.fronts[0]?.output()}`.includes(pin));
  assert.throws(() => execFileSync('grep', ['-rqF', pin, join(world.state, 'signer'), world.configuration(0), join(world.state, 'chancery.db')]), { status: 1 } as object);
  assert.equal(statSync(join(world.state, 'pins/intermediate.pin')).mode & 0o077, 0);
});

test('SIGTERM drains and stops within 5 s, and what was issued holds', async () => {
  await checkInvariants(world, { status: true });
  const front = world.fronts[0];
  const started = Date.now();
  front?.kill('SIGTERM');
  assert.equal(await front?.ended, 0, front?.output());
  assert.ok(Date.now() - started < 5000);
  assert.doesNotMatch(front?.output() ?? '', /    at /);
});

function pointers(leaf: string): { crl: string; issuer: string } {
  const text = execFileSync('openssl', ['x509', '-noout', '-text'], { input: leaf }).toString();
  return { crl: /URI:(\S+\.crl)/.exec(text)?.[1] ?? '', issuer: /CA Issuers - URI:(\S+)/.exec(text)?.[1] ?? '' };
}
