/** What relying parties fetch, with curl and OpenSSL: the directory over TLS under our root, and what a certificate points at. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { World } from '../support/world.ts';
import { type ClientProgram, clientProgram } from './client-program.ts';

let world: World;
let curl: ClientProgram;
let openssl: ClientProgram;
before(async () => {
  world = await World.open();
  const program = clientProgram('curl', { home: world.directory });
  curl = (args, expected) => program(['--silent', '--show-error', '--max-time', '10', ...args], expected);
  openssl = clientProgram('openssl', { home: world.directory });
});
after(() => world?.[Symbol.asyncDispose]());

test('curl trusts the server by our root and by nothing else', async () => {
  const directory = JSON.parse(await curl(['--fail', '--cacert', world.rootFile, world.directoryUrl])) as Record<string, string>;
  const base = new URL('/acme/', world.directoryUrl).href;
  for (const entry of ['newNonce', 'newAccount', 'newOrder']) assert.ok(directory[entry]?.startsWith(base), entry);
  assert.match(await curl([world.directoryUrl], { exit: 60 }), /certificate/);

  const head = await curl(['--fail', '--cacert', world.rootFile, '--tls-max', '1.2', '--head', directory['newNonce'] as string]);
  assert.match(head, /^replay-nonce: [\w-]{22,}\r$/im);
  assert.match(head, /^cache-control: no-store\r$/im);
});

test('T-CRL-5, T-CRL-9, T-CRL-9b, T-CRL-13 CRL and issuer at the URLs that a certificate names', async () => {
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const pem = await new PersistentClient(transport, world.directoryUrl, responder).certificate(['curl.localhost']);
  const [leaf = '', issuer = ''] = pem.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
  const file = (name: string): string => join(world.directory, name);
  writeFileSync(file('leaf.pem'), leaf);
  writeFileSync(file('issuer.pem'), issuer);

  const printed = await openssl(['x509', '-noout', '-text', '-in', file('leaf.pem')]);
  const crlUrl = /URI:(http:\S+\.crl)/.exec(printed)?.[1] ?? assert.fail(printed);
  const issuerUrl = /CA Issuers - URI:(http:\S+)/.exec(printed)?.[1] ?? assert.fail(printed);
  const fetched = await curl(['--fail', '--output', file('shard.crl'), '--write-out', '%{content_type}', crlUrl]);
  assert.equal(fetched, 'application/pkix-crl');
  assert.match(await openssl(['crl', '-inform', 'DER', '-in', file('shard.crl'), '-noout', '-CAfile', file('issuer.pem')]), /verify OK/);
  assert.match(await openssl(['crl', '-inform', 'DER', '-in', file('shard.crl'), '-noout', '-text']), /^No Revoked Certificates\.$/m);
  const against = ['-crl_check', '-CRLfile', file('shard.crl'), '-CAfile', world.rootFile, '-untrusted', file('issuer.pem')];
  assert.match(await openssl(['verify', '-x509_strict', ...against, file('leaf.pem')]), /: OK$/m);

  assert.equal(await curl(['--fail', '--output', file('issuer.cer'), '--write-out', '%{content_type}', issuerUrl]), 'application/pkix-cert');
  assert.deepEqual(readFileSync(file('issuer.cer')), new X509Certificate(issuer).raw);
  const root = await curl(['--fail', new URL('/ca/root.pem', issuerUrl).href]);
  assert.equal(root, readFileSync(world.rootFile, 'utf8'));
});

test('the invariants hold', () => checkInvariants(world, { status: true }));
