/** lego (Debian): its own http-01 and tls-alpn-01 servers, dns-01 through its httpreq provider, renewal with the same key, revocation. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkInvariants } from '../support/invariants.ts';
import { type ClientProgram, clientProgram } from './client-program.ts';
import { type Lab, openLab } from './lab.ts';
import { leftBehind } from './left-behind.ts';
import { assertAccepted } from './relying-party.ts';
import { assertRevoked } from './revoked.ts';

let lab: Lab;
before(async () => {
  lab = await openLab();
});
after(() => lab?.[Symbol.asyncDispose]());

interface Lego {
  readonly lego: ClientProgram;
  /** The files that lego keeps for a certificate, by its first name. */
  files(name: string): { chain: string; key: string };
}

/** A lego with an account of its own; `keyType` is that of the account key and of the certificates. */
function legoWith(keyType: string, names: readonly string[], proof: readonly string[]): Lego {
  const home = lab.folder(`lego-${keyType}-${names[0]}`);
  const program = clientProgram('lego', {
    home,
    environment: { LEGO_CA_CERTIFICATES: lab.world.rootFile, HTTPREQ_ENDPOINT: lab.deskUrl, HTTPREQ_POLLING_INTERVAL: '1' },
  });
  const always = [
    '--server', lab.world.directoryUrl, '--accept-tos', '--email', 'admin@home.arpa', '--path', home, '--key-type', keyType,
    ...proof, ...names.flatMap((name) => ['--domains', name]),
  ];
  return {
    lego: (args, expected) => program([...always, ...args], expected),
    files: (name) => ({
      chain: join(home, 'certificates', `${name.replace('*', '_')}.crt`), key: join(home, 'certificates', `${name.replace('*', '_')}.key`),
    }),
  };
}
const http01 = () => ['--http', '--http.port', `127.0.0.1:${lab.world.http01Port}`];
const tlsAlpn01 = () => ['--tls', '--tls.port', `127.0.0.1:${lab.world.tlsAlpn01Port}`];
const dns01 = () => ['--dns', 'httpreq', '--dns.disable-cp', '--dns.resolvers', `127.0.0.1:${lab.dns.port}`];

test('http-01: two names, renewed with the same key, and revoked', async () => {
  lab.dns.set('www.lego.test', 'A', '127.0.0.1');
  const names = ['lego.localhost', 'www.lego.test'];
  const { lego, files } = legoWith('ec256', names, http01());
  await lego(['run']);
  const wanted = { ...files('lego.localhost'), names: ['DNS:lego.localhost', 'DNS:www.lego.test'], keyKind: 'ec P-256' };
  const first = await assertAccepted(lab.world, wanted);
  await lego(['renew', '--days', '365', '--reuse-key', '--no-random-sleep']);
  const second = await assertAccepted(lab.world, wanted);
  assert.notEqual(second.serialNumber, first.serialNumber);
  assert.deepEqual(second.publicKey.export({ type: 'spki', format: 'der' }), first.publicKey.export({ type: 'spki', format: 'der' }));
  await lego(['revoke', '--keep', '--reason', '4']);
  await assertRevoked(lab.world, readFileSync(wanted.chain, 'utf8'), 'superseded');
});

test('tls-alpn-01: two names, RSA keys for account and certificate', async () => {
  lab.dns.set('alpn.lego.test', 'A', '127.0.0.1');
  const { lego, files } = legoWith('rsa2048', ['alpn.localhost', 'alpn.lego.test'], tlsAlpn01());
  await lego(['run']);
  await assertAccepted(lab.world, { ...files('alpn.localhost'), names: ['DNS:alpn.localhost', 'DNS:alpn.lego.test'], keyKind: 'rsa 2048' });
});

test('dns-01: a wildcard beside its parent, P-384 keys for account and certificate', async () => {
  const { lego, files } = legoWith('ec384', ['*.zone.home.arpa', 'zone.home.arpa'], dns01());
  await lego(['run']);
  await assertAccepted(lab.world, { ...files('*.zone.home.arpa'), names: ['DNS:*.zone.home.arpa', 'DNS:zone.home.arpa'], keyKind: 'ec P-384' });
  assert.deepEqual(lab.txtRecords(), [], 'lego took its records away');
});

test('a name that no policy allows is refused in words that lego shows, and nothing is left of the order', async () => {
  const { lego } = legoWith('ec256', ['www.example.com'], http01());
  const before = await leftBehind(lab.world);
  const shown = await lego(['run'], { exit: 1 });
  assert.match(shown, /rejectedIdentifier :: www\.example\.com is not allowed by policy "private-names"/);
  assert.deepEqual(await leftBehind(lab.world), before);
});

test('the invariants hold', () => checkInvariants(lab.world, { status: true }));
