/**
 * uacme (Debian): its own http-01 and tls-alpn-01 hooks, dns-01 with a hook, addresses as identifiers. It trusts what
 * /etc/ssl/certs/ca-certificates.crt holds and has no option for more, so it runs in a mount namespace where that file is our root.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkInvariants } from '../support/invariants.ts';
import { start, until } from '../support/processes.ts';
import { type ClientProgram, clientProgram, installed } from './client-program.ts';
import { type Lab, openLab } from './lab.ts';
import { leftBehind } from './left-behind.ts';
import { assertAccepted } from './relying-party.ts';
import { assertRevoked } from './revoked.ts';
import { serveWebroot } from './webroot.ts';

const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const PACKAGED_HOOKS = '/usr/share/uacme';

let lab: Lab;
before(async () => {
  lab = await openLab();
});
after(() => lab?.[Symbol.asyncDispose]());

interface Uacme {
  readonly uacme: ClientProgram;
  files(name: string): { chain: string; key: string };
}

/** A uacme with an account of its own, whose key is of that kind. */
async function uacmeWith(name: string, accountKey: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Uacme> {
  if (!existsSync(SYSTEM_BUNDLE)) throw new Error(`${SYSTEM_BUNDLE} is not there; under Debian: apt-get install ca-certificates`);
  const home = lab.folder(`uacme-${name}`);
  const inNamespace = [
    installed('unshare', 'util-linux'), '--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
    'sh', '-c', `mount --bind "$0" ${SYSTEM_BUNDLE} && exec "$@"`, lab.world.rootFile,
  ];
  const program = clientProgram('uacme', { home, environment, through: inNamespace });
  const always = ['--verbose', '--acme-url', lab.world.directoryUrl, '--confdir', home];
  const uacme: ClientProgram = (args, expected) => program([...always, ...args], expected);
  await uacme([...accountKey, '--yes', 'new', 'admin@home.arpa']);
  return { uacme, files: (first) => ({ chain: join(home, first, 'cert.pem'), key: join(home, 'private', first, 'key.pem') }) };
}

test('http-01: two names and an address with the hook of the package, RSA keys, renewed when forced, revoked by the account', async () => {
  const webroot = lab.folder('webroot');
  await using _server = await serveWebroot(webroot, lab.world.http01Port);
  lab.dns.set('www.uacme.test', 'A', '127.0.0.1');
  const { uacme, files } = await uacmeWith('http', ['--type', 'RSA'], { UACME_CHALLENGE_PATH: webroot });
  const issue = ['--hook', join(PACKAGED_HOOKS, 'uacme.sh'), 'issue', 'uacme.localhost', 'www.uacme.test', '127.0.0.1'];
  await uacme(issue);
  const wanted = {
    ...files('uacme.localhost'), names: ['DNS:uacme.localhost', 'DNS:www.uacme.test', 'IP Address:127.0.0.1'], keyKind: 'rsa 2048',
  };
  const first = await assertAccepted(lab.world, wanted);
  assert.match(await uacme(['--days', '3', ...issue], { exit: 1 }), /skipping/);
  await uacme(['--force', ...issue]);
  const second = await assertAccepted(lab.world, wanted);
  assert.notEqual(second.serialNumber, first.serialNumber);
  const chain = readFileSync(wanted.chain, 'utf8');
  await uacme(['--reason', '4', 'revoke', wanted.chain]);
  await assertRevoked(lab.world, chain, 'superseded');
});

test('dns-01: a wildcard beside its parent with a hook, P-384 keys for account and certificate, revoked by the certificate\'s key', async () => {
  const { uacme, files } = await uacmeWith('dns', ['--type', 'EC', '--bits', '384']);
  const hook = lab.hook('dns-hook', `
    [ "$2" = dns-01 ] || exit 1 # declined: another challenge is offered
    case $1 in begin) action=present ;; *) action=cleanup ;; esac
    desk $action "_acme-challenge.$3." "$5"`);
  await uacme(['--type', 'EC', '--bits', '384', '--hook', hook, 'issue', 'zone.home.arpa', '*.zone.home.arpa']);
  await assertAccepted(lab.world, { ...files('zone.home.arpa'), names: ['DNS:zone.home.arpa', 'DNS:*.zone.home.arpa'], keyKind: 'ec P-384' });
  assert.deepEqual(lab.txtRecords(), [], 'the hook took its records away');
  const { chain, key } = files('zone.home.arpa');
  const issued = readFileSync(chain, 'utf8');
  await uacme(['--reason', '1', 'revoke', chain, key]);
  await assertRevoked(lab.world, issued, 'keyCompromise');
});

test('tls-alpn-01: a name and an address with ualpn and its hook', async () => {
  // The hook says `ualpn` and means the one at the default socket; this one's socket is its own.
  const bin = lab.folder('bin');
  const socket = join(lab.world.directory, 'ualpn.sock');
  const ualpn = installed('ualpn', 'uacme');
  writeFileSync(join(bin, 'ualpn'), `#!/bin/sh\nexec ${ualpn} --sock ${socket} "$@"\n`, { mode: 0o755 });
  await using server = start(ualpn, [
    '--bind', `127.0.0.1@${lab.world.tlsAlpn01Port}`, '--connect', '127.0.0.1@1', '--sock', socket, '--pidfile', join(bin, 'ualpn.pid'),
    '--num-workers', '1', '--verbose',
  ]);
  await until('ualpn listens', () => existsSync(socket), 10_000).catch((error: Error) => assert.fail(`${error.message}\n${server.output()}`));

  const { uacme, files } = await uacmeWith('alpn', ['--type', 'EC'], { PATH: `${bin}:${process.env['PATH']}` });
  await uacme(['--type', 'EC', '--hook', join(PACKAGED_HOOKS, 'ualpn.sh'), 'issue', 'alpn.localhost', '127.0.0.1']);
  await assertAccepted(lab.world, { ...files('alpn.localhost'), names: ['DNS:alpn.localhost', 'IP Address:127.0.0.1'], keyKind: 'ec P-256' });
});

test('a name that no policy allows is refused in words that uacme shows, and nothing is left of the order', async () => {
  const { uacme } = await uacmeWith('refused', ['--type', 'EC']);
  const before = await leftBehind(lab.world);
  const shown = await uacme(['--type', 'EC', '--hook', join(PACKAGED_HOOKS, 'uacme.sh'), 'issue', 'www.example.com'], { exit: 2 });
  assert.match(shown, /www\.example\.com is not allowed by policy/);
  assert.deepEqual(await leftBehind(lab.world), before);
});

test('the invariants hold', () => checkInvariants(lab.world, { status: true }));
