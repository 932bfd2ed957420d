/** External account bindings as people use them: handed out by the command line, used by certbot and lego, and taken back. B-01 to B-08. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkInvariants } from '../support/invariants.ts';
import { run } from '../support/processes.ts';
import { REPOSITORY } from '../support/world.ts';
import { clientProgram } from './client-program.ts';
import { type Lab, openLab } from './lab.ts';
import { assertAccepted } from './relying-party.ts';

let lab: Lab;
before(async () => {
  lab = await openLab((ca) => { ca.directories.default.externalAccountRequired = true; });
});
after(() => lab?.[Symbol.asyncDispose]());

const MAIN = join(REPOSITORY, 'src/main.ts');
const chancery = (args: readonly string[], more: { exit?: number } = {}): Promise<string> => run(process.execPath, [MAIN, ...args], { env: lab.world.environment(), ...more });
const secrets = new Map<string, string>();

async function handOut(...options: readonly string[]): Promise<{ kid: string; hmacKey: string }> {
  const made = JSON.parse(await chancery(['eab', 'create', '--json', ...options])) as { credential: { id: string }; hmacKey: string };
  secrets.set(`the HMAC key of ${made.credential.id}`, made.hmacKey);
  return { kid: made.credential.id, hmacKey: made.hmacKey };
}

test('certbot: refused without a binding, certified with one, within its names, and not after it was revoked', async () => {
  const home = lab.folder('certbot');
  const certbot = clientProgram('certbot', { home, environment: { REQUESTS_CA_BUNDLE: lab.world.rootFile } });
  const certonly = (name: string, ...more: readonly string[]): string[] => [
    'certonly', '--non-interactive', '--server', lab.world.directoryUrl, '--agree-tos', '--register-unsafely-without-email', '--domain', name,
    '--standalone', '--http-01-address', '127.0.0.1', '--http-01-port', String(lab.world.http01Port),
    '--config-dir', join(home, 'config'), '--work-dir', join(home, 'work'), '--logs-dir', join(home, 'logs'), ...more,
  ];
  assert.match(await certbot(certonly('bound.localhost'), { exit: 1 }), /requires external account binding/i);
  const { kid, hmacKey } = await handOut('--suffix', 'localhost', '--description', 'for certbot');
  await certbot(certonly('bound.localhost', '--eab-kid', kid, '--eab-hmac-key', hmacKey));
  const live = join(home, 'config/live/bound.localhost');
  await assertAccepted(lab.world, { chain: join(live, 'fullchain.pem'), key: join(live, 'privkey.pem'), names: ['DNS:bound.localhost'], keyKind: 'ec P-256' });
  await certbot(certonly('www.internal'), { exit: 1 });

  assert.match(await chancery(['eab', 'revoke', kid, '--dry-run']), /^would revoke it, and 1 account with it; nothing was changed$/m);
  assert.match(await chancery(['eab', 'revoke', kid]), /^revoked, and 1 account with it$/m);
  await certbot(certonly('again.localhost'), { exit: 1 });
});

test('lego: refused without a binding, certified with one', async () => {
  const home = lab.folder('lego');
  const lego = clientProgram('lego', { home, environment: { LEGO_CA_CERTIFICATES: lab.world.rootFile } });
  const args = [
    '--server', lab.world.directoryUrl, '--accept-tos', '--email', 'admin@home.arpa', '--path', home, '--http',
    '--http.port', `127.0.0.1:${lab.world.http01Port}`, '--domains', 'lego.localhost',
  ];
  assert.match(await lego([...args, 'run'], { exit: 1 }), /external account/i);
  const { kid, hmacKey } = await handOut('--profile', 'server', '--name', 'lego.localhost');
  await lego([...args, '--eab', '--kid', kid, '--hmac', hmacKey, 'run']);
  await assertAccepted(lab.world, {
    chain: join(home, 'certificates/lego.localhost.crt'), key: join(home, 'certificates/lego.localhost.key'), names: ['DNS:lego.localhost'], keyKind: 'ec P-256',
  });
});

test('chancery eab: what is handed out is listed, its key shown once, mistakes told', async () => {
  const told = await chancery(['eab', 'create', '--address', '10.0.0.0/8', '--wildcard', 'dev.internal', '--uses', 'unlimited', '--expires', 'never']);
  const [, kid = '', hmacKey = ''] = /^key id +(\w+)\nHMAC key +([\w-]{43}) /m.exec(told) ?? [];
  assert.match(told, /any number of accounts in directory default, for ever; any profile; \*\.dev\.internal and below, 10\.0\.0\.0\/8/);
  secrets.set('the HMAC key that was shown', hmacKey);
  const listed = JSON.parse(await chancery(['eab', 'list', '--json'])) as { credentials: { id: string; status: string; used: number }[] };
  assert.ok(!JSON.stringify(listed).includes(hmacKey));
  assert.deepEqual(listed.credentials.find(({ id }) => id === kid), { ...listed.credentials.find(({ id }) => id === kid), status: 'usable', used: 0 });
  assert.deepEqual(listed.credentials.map(({ status }) => status).sort(), ['revoked', 'usable', 'used-up']);
  assert.match(await chancery(['eab', 'list']), /revoked, used 1 times {2}for certbot/);
  assert.match(await chancery(['eab', 'create', '--dry-run']), /^would make: 1 account in directory default, until 2.*nothing was made$/ms);
  assert.equal((JSON.parse(await chancery(['eab', 'list', '--json'])) as typeof listed).credentials.length, 3);

  const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
    [['eab'], /say what to do: create, list or revoke/], [['eab', 'make'], /there is no "make"/], [['eab', 'create', '--uses', '0'], /--uses: a number/],
    [['eab', 'create', '--expires', '90'], /--expires: "90" is not like 90d or 12h, nor never/], [['eab', 'create', '--directory', 'nowhere'], /there is no directory "nowhere": it is one of default, staging/],
    [['eab', 'create', '--profile', 'self'], /directory "default" does not offer profile "self"/], [['eab', 'create', '--suffix', '*.x'], /--suffix: "\*\.x" has a wildcard/],
    [['eab', 'create', '--address', '10.0.0.1/8'], /--address: "10\.0\.0\.1\/8" has bits beyond/], [['eab', 'revoke'], /say which one/], [['eab', 'revoke', 'x'], /there is no credential x/],
    [['accounts', 'show', 'x'], /there is no account x: chancery accounts list shows them/], [['accounts', 'pause'], /say which one/],
  ];
  for (const [args, expected] of mistakes) {
    const output = await chancery(args, { exit: 2 });
    assert.match(output, expected);
    assert.equal(output.trimEnd().split('\n').length, 1, output);
  }
});

test('chancery accounts: listed, shown by id and by URL, deactivated', async () => {
  const { accounts } = JSON.parse(await chancery(['accounts', 'list', '--json'])) as { accounts: { id: string; status: string; credential: string }[] };
  assert.deepEqual(accounts.map(({ status }) => status).sort(), ['revoked', 'valid']);
  const { id, credential } = accounts.find(({ status }) => status === 'valid') as (typeof accounts)[number];
  assert.match(await chancery(['accounts', 'show', `https://localhost/acme/account/${id}`]), new RegExp(`^status +valid\\n[^]*^by binding +${credential}$`, 'm'));
  assert.match(await chancery(['accounts', 'deactivate', id, '--dry-run']), /would be revoked/);
  assert.match(await chancery(['accounts', 'deactivate', id]), /^revoked: /);
  assert.match(await chancery(['accounts', 'deactivate', id]), /nothing to deactivate: the account is revoked/);
  assert.match(await chancery(['accounts', 'list']), new RegExp(`${id} {2}default {2}revoked`));
});

test('the invariants hold, and no HMAC key stands where it could be read', () => checkInvariants(lab.world, { status: true, secrets }));
