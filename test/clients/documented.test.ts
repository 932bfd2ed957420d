/**
 * What docs/acme.md and the start banner tell people to paste is pasted here, as it stands but for URLs and ports, against a server that
 * `chancery start` runs. A client whose block is missing, or does not work, is a failed test.
 */
import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkInvariants } from '../support/invariants.ts';
import { run, type Started, start, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';
import { installed } from './client-program.ts';
import { assertAccepted } from './relying-party.ts';
import { assertRevoked } from './revoked.ts';
import { servedCertificate } from './served.ts';

const PAGE = readFileSync(join(REPOSITORY, 'docs/acme.md'), 'utf8');
const ENVIRONMENT = { LC_ALL: 'C.UTF-8', no_proxy: '*', NO_PROXY: '*' };

let world: World;
let server: Started;
before(async () => {
  world = await World.open({ started: false });
  symlinkSync(world.state, join(world.directory, 'var'));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(world.directory, 'node_modules'));
  server = start(process.execPath, [join(REPOSITORY, 'src/main.ts'), 'start'], { env: { ...world.environment(), INIT_CWD: world.directory }, cwd: world.directory });
  await until('the banner is printed', () => server.output().includes('Ctrl-C stops it.'), 60_000).catch((error: Error) => assert.fail(`${error.message}\n${server.output()}`));
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

/** The fenced blocks of a client's section on the page, for this world's ports. */
function blocks(client: string, language = 'sh'): string[] {
  const clients = PAGE.slice(PAGE.indexOf('\n## Clients\n'));
  const [, section = ''] = new RegExp(`\\n### ${client}\\n([\\s\\S]*?)(?=\\n##)`).exec(clients) ?? assert.fail(`docs/acme.md has no section for ${client}`);
  const found = [...section.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => adapted(block));
  assert.ok(found.length > 0, `docs/acme.md has no ${language} block for ${client}`);
  return found;
}
const adapted = (block: string): string => {
  const { http01Port, tlsAlpn01Port, ports: [ports] } = world;
  return block.replaceAll('localhost:8443', `localhost:${ports?.acme}`).replaceAll(/\b5002\b/g, String(http01Port)).replaceAll(/\b5001\b/g, String(tlsAlpn01Port));
};

const shell = (script: string, through: readonly string[] = []): Promise<string> => {
  const [first = '', ...rest] = [...through, 'sh', '-euc', script];
  return run(first, rest, { cwd: world.directory, env: { ...ENVIRONMENT, HOME: world.directory }, timeoutMs: 60_000 });
};
const made = (path: string): string => join(world.directory, path);
const accepted = (name: string, chain: string, key: string, keyKind = 'ec P-256') =>
  assertAccepted(world, { chain: made(chain), key: made(key), names: [`DNS:${name}`], keyKind });
const contents = (path: string): string => readFileSync(made(path), 'utf8');

test('the banner: certbot, lego and curl', async () => {
  const commands = server.output().split('\n\n').filter((part) => /^ {2}[A-Z_]*=?\S* ?(certbot|lego|curl)\b|^ {2}curl /.test(part));
  assert.equal(commands.length, 3, server.output());
  for (const command of commands) await shell(command);
  await accepted('demo.localhost', 'var/try/certbot/live/demo.localhost/fullchain.pem', 'var/try/certbot/live/demo.localhost/privkey.pem');
  await accepted('lego.localhost', 'var/try/lego/certificates/lego.localhost.crt', 'var/try/lego/certificates/lego.localhost.key');
});

test('certbot', async () => {
  const [issue = '', renewAndRevoke = ''] = blocks('certbot');
  const live = 'var/try/certbot/live/certbot.localhost';
  await shell(issue);
  const first = await accepted('certbot.localhost', `${live}/fullchain.pem`, `${live}/privkey.pem`);
  await shell(renewAndRevoke);
  assert.notEqual((await accepted('certbot.localhost', `${live}/fullchain.pem`, `${live}/privkey.pem`)).serialNumber, first.serialNumber);
  await assertRevoked(world, contents(`${live}/fullchain.pem`), 'superseded');
});

test('lego', async () => {
  for (const block of blocks('lego')) await shell(block);
  const file = (suffix: string): string => `var/try/lego/certificates/lego.localhost.${suffix}`;
  await accepted('lego.localhost', file('crt'), file('key'));
  await assertRevoked(world, contents(file('crt')), 'superseded');
});

test('dehydrated', async () => {
  for (const block of blocks('dehydrated')) await shell(block);
  const file = (name: string): string => `var/try/dehydrated/certs/dehydrated.localhost/${name}.pem`;
  await assertRevoked(world, contents(file('fullchain')));
});

test('uacme, where the system trusts the root', async () => {
  const trusting = [
    installed('unshare', 'util-linux'), '--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
    'sh', '-c', 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"', world.rootFile,
  ];
  for (const block of blocks('uacme')) await shell(block, trusting);
  const [revoked = ''] = (await shell('ls -d var/try/uacme/uacme.localhost/revoked-*')).trim().split('\n');
  await assertRevoked(world, contents(revoked));
});

test('acme-tiny', async () => {
  for (const block of blocks('acme-tiny')) await shell(block);
  await accepted('tiny.localhost', 'var/try/tiny/chain.pem', 'var/try/tiny/site.key', 'rsa 2048');
});

/** Runs a block that does not end by itself until its site is served. */
async function servedBy(block: string, name: string, meanwhile: (running: Started) => Promise<void> = async () => {}): Promise<void> {
  const lines = block.trimEnd().split('\n');
  const command = [...lines.slice(0, -1), `exec ${lines.at(-1)}`].join('\n'); // so that what is ended is the server, not the shell
  const apart = process.getuid?.() === 0 ? [installed('unshare', 'util-linux'), '--map-user', '1000', '--map-group', '1000'] : [];
  const [first = '', ...rest] = [...apart, 'sh', '-euc', command];
  await using running = start(first, rest, { cwd: world.directory, env: { ...ENVIRONMENT, HOME: world.directory } });
  await meanwhile(running);
  await until(`${name} is served`, async () => (await servedCertificate(world, world.tlsAlpn01Port, name)) !== undefined, 30_000)
    .catch((error: Error) => assert.fail(`${error.message}\n${running.output()}`));
}

test('Caddy', async () => {
  const [block = ''] = blocks('Caddy');
  await servedBy(block, 'caddy.localhost');
});

test('Apache with mod_md', async () => {
  const [block = ''] = blocks('Apache with mod_md');
  await servedBy(block, 'apache.localhost', async (running) => {
    const ready = (): Promise<boolean> => shell('grep -s "activated on next" var/try/apache/error.log').then(() => true, () => false);
    await until('mod_md asks for a restart', ready, 30_000).catch((error: Error) => assert.fail(`${error.message}\n${running.output()}`));
    await shell(/`(kill -USR1 [^`]+)`/.exec(PAGE)?.[1] ?? assert.fail('the page does not say how'));
  });
});

test('acme-client: issue, renew by running again, revoke', async () => {
  const [script = ''] = blocks('acme-client', 'js');
  const [command = ''] = blocks('acme-client');
  writeFileSync(made('certificate.mjs'), script);
  const node = command.replace(' node ', ` ${process.execPath} `);
  await shell(node);
  const first = await accepted('node.localhost', 'node.localhost.pem', 'node.localhost.key');
  await shell(`${node.trimEnd()} revoke`);
  assert.notEqual((await accepted('node.localhost', 'node.localhost.pem', 'node.localhost.key')).serialNumber, first.serialNumber);
  await assertRevoked(world, contents('node.localhost.pem'), 'superseded');
});

test('the invariants hold', () => checkInvariants(world, { status: true }));
