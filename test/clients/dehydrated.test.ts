/** dehydrated (Debian): http-01 through a webroot, dns-01 with its hook, tls-alpn-01 with the certificates it makes; renewal, revocation. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { checkInvariants } from '../support/invariants.ts';
import { type ClientProgram, clientProgram } from './client-program.ts';
import { type Lab, openLab } from './lab.ts';
import { leftBehind } from './left-behind.ts';
import { assertAccepted } from './relying-party.ts';
import { assertRevoked } from './revoked.ts';
import { serveWebroot } from './webroot.ts';

let lab: Lab;
before(async () => {
  lab = await openLab();
});
after(() => lab?.[Symbol.asyncDispose]());

interface Dehydrated {
  readonly dehydrated: ClientProgram;
  files(name: string): { chain: string; key: string };
}

/** A dehydrated with a configuration and an account of its own. */
async function dehydratedWith(name: string, settings: Readonly<Record<string, string>>): Promise<Dehydrated> {
  const home = lab.folder(`dehydrated-${name}`);
  const all = { CA: lab.world.directoryUrl, CURL_OPTS: `--cacert ${lab.world.rootFile}`, BASEDIR: home, ...settings };
  const config = join(home, 'config');
  writeFileSync(config, Object.entries(all).map(([key, value]) => `${key}="${value}"\n`).join(''));
  const program = clientProgram('dehydrated', { home });
  const dehydrated: ClientProgram = (args, expected) => program(['--config', config, ...args], expected);
  await dehydrated(['--register', '--accept-terms']);
  return {
    dehydrated, files: (first) => ({ chain: join(home, 'certs', first, 'fullchain.pem'), key: join(home, 'certs', first, 'privkey.pem') }),
  };
}

const names = (...all: readonly string[]): string[] => ['--cron', ...all.flatMap((name) => ['--domain', name])];

test('http-01: two names through a webroot, RSA keys, renewed when forced, and revoked', async () => {
  const webroot = lab.folder('webroot');
  await using _server = await serveWebroot(webroot, lab.world.http01Port);
  lab.dns.set('www.dehydrated.test', 'A', '127.0.0.1');
  const { dehydrated, files } = await dehydratedWith('http', { WELLKNOWN: webroot, KEY_ALGO: 'rsa', KEYSIZE: '2048', ACCOUNT_KEYSIZE: '2048' });
  await dehydrated(names('dehydrated.localhost', 'www.dehydrated.test'));
  const wanted = { ...files('dehydrated.localhost'), names: ['DNS:dehydrated.localhost', 'DNS:www.dehydrated.test'], keyKind: 'rsa 2048' };
  const first = await assertAccepted(lab.world, wanted);
  await dehydrated([...names('dehydrated.localhost', 'www.dehydrated.test'), '--force']);
  const second = await assertAccepted(lab.world, wanted);
  assert.notEqual(second.serialNumber, first.serialNumber);
  const chain = readFileSync(wanted.chain, 'utf8');
  await dehydrated(['--revoke', join(dirname(wanted.chain), 'cert.pem')]);
  await assertRevoked(lab.world, chain);
});

test('dns-01: a wildcard beside its parent with a hook, P-256 keys for account and certificate', async () => {
  const hook = lab.hook('dns-hook', `
    case $1 in
      deploy_challenge) desk present "_acme-challenge.$2." "$4" ;;
      clean_challenge) desk cleanup "_acme-challenge.$2." "$4" ;;
    esac`);
  const settings = { CHALLENGETYPE: 'dns-01', HOOK: hook, KEY_ALGO: 'prime256v1', ACCOUNT_KEY_ALGO: 'prime256v1' };
  const { dehydrated, files } = await dehydratedWith('dns', settings);
  await dehydrated(names('zone.home.arpa', '*.zone.home.arpa'));
  await assertAccepted(lab.world, { ...files('zone.home.arpa'), names: ['DNS:zone.home.arpa', 'DNS:*.zone.home.arpa'], keyKind: 'ec P-256' });
  assert.deepEqual(lab.txtRecords(), [], 'the hook took its records away');
});

test('tls-alpn-01: with the certificate that dehydrated makes, P-384 keys for account and certificate', async () => {
  const certificates = lab.folder('alpn');
  await using _server = await serveAlpnCertificates(certificates, lab.world.tlsAlpn01Port);
  lab.dns.set('alpn.dehydrated.test', 'A', '127.0.0.1');
  const settings = { CHALLENGETYPE: 'tls-alpn-01', ALPNCERTDIR: certificates, KEY_ALGO: 'secp384r1', ACCOUNT_KEY_ALGO: 'secp384r1' };
  const { dehydrated, files } = await dehydratedWith('alpn', settings);
  await dehydrated(names('alpn.dehydrated.test'));
  await assertAccepted(lab.world, { ...files('alpn.dehydrated.test'), names: ['DNS:alpn.dehydrated.test'], keyKind: 'ec P-384' });
});

test('a name that no policy allows is refused in words that dehydrated shows, and nothing is left of the order', async () => {
  const { dehydrated } = await dehydratedWith('refused', { WELLKNOWN: lab.folder('unused'), ACCOUNT_KEY_ALGO: 'prime256v1' });
  const before = await leftBehind(lab.world);
  const shown = await dehydrated(names('www.example.com'), { exit: 1 });
  assert.match(shown, /www\.example\.com is not allowed by policy/);
  assert.deepEqual(await leftBehind(lab.world), before);
});

test('the invariants hold', () => checkInvariants(lab.world, { status: true }));

/** What a web server does that dehydrated's manual tells to hand acme-tls/1 the certificate NAME.crt.pem of the directory. */
async function serveAlpnCertificates(directory: string, port: number): Promise<AsyncDisposable> {
  const sockets = new Set<TLSSocket>();
  const server = createServer({
    ALPNProtocols: ['acme-tls/1'],
    SNICallback(name, done) {
      try {
        const [cert, key] = ['crt', 'key'].map((kind) => readFileSync(join(directory, `${name}.${kind}.pem`)));
        done(null, createSecureContext({ cert, key }));
      } catch (error) {
        done(error as Error);
      }
    },
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
