/**
 * `chancery serve --rehearsal`: certbot, lego and the test client get their certificates in spite of everything, from a server that
 * turns away every fourth good nonce and takes its time.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newKey } from '../support/acme-client.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { freePorts } from '../support/processes.ts';
import { type ClientProgram, clientProgram } from './client-program.ts';
import { type Lab, openLab } from './lab.ts';
import { assertAccepted } from './relying-party.ts';

let lab: Lab;
let management: string;
let curl: ClientProgram;
before(async () => {
  const [port = 0] = await freePorts(1);
  management = `https://localhost:${port}`;
  lab = await openLab(undefined, { frontArguments: ({ acme }) => [
    '--rehearsal', '--acme-port', String(acme), '--management-port', String(port), '--reject-nonces', '25', '--delay-validations', '4s',
  ] });
  const program = clientProgram('curl', { home: lab.world.directory });
  curl = (args) => program(['--silent', '--show-error', '--max-time', '10', '--cacert', lab.world.rootFile, ...args]);
});
after(() => lab?.[Symbol.asyncDispose]());

const directoryLikePebbles = () => new URL('/dir', lab.world.directoryUrl).href;

test('where Pebble has them: the directory at /dir; root and intermediate, and no key, at the management port', async () => {
  assert.equal(await curl([directoryLikePebbles()]), await curl([lab.world.directoryUrl]));
  const root = await curl(['--fail', `${management}/roots/0`]);
  assert.equal(root, await curl(['--fail', `file://${lab.world.rootFile}`]));
  assert.match(await curl(['--fail', `${management}/intermediates/0`]), /^-----BEGIN CERTIFICATE-----\n/);
  assert.match(await curl([`${management}/root-keys/0`]), /never given/);
  assert.match(await curl([`${management}/intermediates/9`]), /no such certificate/);
});

test('the test client, eight orders at once: nonces turned away, lists in any order, told to come back', async () => {
  await using responder = await startHttp01Responder({ port: lab.world.http01Port });
  using transport = transportTo(lab.world);
  const seen = { badNonce: 0, seconds: 0, dates: 0, orders: new Set<string>() };
  const watching: typeof transport = Object.assign(async (request: Parameters<typeof transport>[0]) => {
    const answer = await transport(request);
    if (answer.json.type === 'urn:ietf:params:acme:error:badNonce') seen.badNonce += 1;
    const retryAfter = answer.headers['retry-after'];
    if (retryAfter !== undefined && /^\d+$/.test(retryAfter)) seen.seconds += 1;
    else if (retryAfter !== undefined) {
      assert.ok(Date.parse(retryAfter) > Date.now() - 1000, retryAfter);
      seen.dates += 1;
    }
    if (Array.isArray(answer.json.challenges)) seen.orders.add(answer.json.challenges.map(({ type }: { type: string }) => type).join());
    return answer;
  }, { [Symbol.dispose]() {} });
  // Several names each, for there to be a challenge whose validation takes more than the 2 s that the server waits.
  const issued = await Promise.all(Array.from({ length: 8 }, (_, index) => {
    const client = new PersistentClient(watching, directoryLikePebbles(), responder, newKey());
    return client.certificate([1, 2, 3].map((name) => `n${name}.c${index}.localhost`));
  }));
  assert.ok(issued.every((pem) => pem.startsWith('-----BEGIN CERTIFICATE-----')));
  assert.ok(seen.badNonce > 0 && seen.seconds + seen.dates > 0 && seen.orders.size > 1, JSON.stringify({ ...seen, orders: [...seen.orders] }));
});

test('certbot gets a certificate, renews it and revokes it', async () => {
  const home = lab.folder('certbot');
  const certbot = clientProgram('certbot', { home, environment: { REQUESTS_CA_BUNDLE: lab.world.rootFile } });
  const always = ['--non-interactive', '--config-dir', join(home, 'config'), '--work-dir', join(home, 'work'), '--logs-dir', join(home, 'logs')];
  await certbot([
    'certonly', '--server', directoryLikePebbles(), '--agree-tos', '--register-unsafely-without-email', '--domain', 'certbot.localhost',
    '--standalone', '--http-01-address', '127.0.0.1', '--http-01-port', String(lab.world.http01Port), ...always,
  ]);
  const live = join(home, 'config/live/certbot.localhost');
  const kept = { chain: join(live, 'fullchain.pem'), key: join(live, 'privkey.pem'), names: ['DNS:certbot.localhost'], keyKind: 'ec P-256' };
  const first = await assertAccepted(lab.world, kept);
  await certbot(['renew', '--force-renewal', '--no-random-sleep-on-renew', ...always]);
  assert.notEqual((await assertAccepted(lab.world, kept)).serialNumber, first.serialNumber);
  await certbot(['revoke', '--server', directoryLikePebbles(), '--cert-name', 'certbot.localhost', '--reason', 'superseded', '--no-delete-after-revoke', ...always]);
});

test('lego gets a certificate for two names', async () => {
  const home = lab.folder('lego');
  const lego = clientProgram('lego', { home, environment: { LEGO_CA_CERTIFICATES: lab.world.rootFile } });
  await lego([
    '--server', directoryLikePebbles(), '--accept-tos', '--email', 'admin@home.arpa', '--path', home, '--http',
    '--http.port', `127.0.0.1:${lab.world.http01Port}`, '--domains', 'lego.localhost', '--domains', 'www.lego.localhost', 'run',
  ]);
  const file = (suffix: string): string => join(home, 'certificates', `lego.localhost.${suffix}`);
  await assertAccepted(lab.world, { chain: file('crt'), key: file('key'), names: ['DNS:lego.localhost', 'DNS:www.lego.localhost'], keyKind: 'ec P-256' });
});

test('the invariants hold', () => checkInvariants(lab.world, { status: true }));
