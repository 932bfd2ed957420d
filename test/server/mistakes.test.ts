/** What an operator can get wrong at a start: one clear sentence, the right exit code, no stack trace, nothing half-written. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { type CaYaml, REPOSITORY, World } from '../support/world.ts';
import { run, start, until } from '../support/processes.ts';

const MAIN = join(REPOSITORY, 'src/main.ts');
const NO_TRACE = /^ {4}at |node:internal|Error:/m;

const chancery = (world: World, args: string[], more: { exit?: number; env?: NodeJS.ProcessEnv } = {}) =>
  run(process.execPath, [MAIN, ...args], { env: { ...world.environment(), ...more.env }, ...(more.exit === undefined ? {} : { exit: more.exit }) });

function edit(file: string, change: (content: CaYaml) => void): void {
  const content = parse(readFileSync(file, 'utf8'));
  change(content);
  writeFileSync(file, stringify(content));
}

test('a port that is taken', async () => {
  await using world = await World.open({ started: false });
  const taken = createServer().listen(world.ports[0]?.status, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const output = await chancery(world, ['serve'], { exit: 2 });
  taken.close();
  assert.match(output, /listener status: 127\.0\.0\.1 port \d+ is already in use: stop what listens there, or change the port/);
  assert.doesNotMatch(output, NO_TRACE);
});

test('configuration faults come all at once, with file, key and remedy', async () => {
  await using world = await World.open({ started: false });
  edit(join(world.configuration(), 'profiles/server.yaml'), (profile) => { profile.validity = '90'; profile.colour = 'blue'; });
  edit(join(world.configuration(), 'ca.yaml'), (ca) => { ca.directories.default.profiles = ['sevrer']; });
  for (const command of [['serve'], ['start'], ['signer'], ['config', 'check']]) {
    const output = await chancery(world, command, { exit: 2 });
    assert.match(output, /profiles\/server\.yaml: validity: /);
    assert.match(output, /profiles\/server\.yaml: colour: /);
    assert.match(output, /ca\.yaml: directories\.default\.profiles\[0\]: .*did you mean "server"/);
    assert.match(output, /\d faults, /);
    assert.doesNotMatch(output, NO_TRACE);
  }
  assert.deepEqual(readdirSync(world.state).filter((name) => name.startsWith('chancery.db')), []);
});

test('PostgreSQL that nobody answers for', async () => {
  await using world = await World.open({ started: false, database: 'postgres://nobody:hunter2@127.0.0.1:1/nothing' });
  const output = await chancery(world, ['serve'], { exit: 2 });
  assert.match(output, /127\.0\.0\.1/);
  assert.doesNotMatch(output, /hunter2/);
  assert.doesNotMatch(output, NO_TRACE);
});

const KEYS_OUT_OF_REACH: readonly { what: string; spoil(world: World): void; said: RegExp }[] = [
  { what: 'a missing PKCS#11 module', said: /there is no PKCS#11 module at \/nowhere\/module\.so/,
    spoil: (world) => edit(join(world.configuration(), 'ca.yaml'), (ca) => { ca.signer.module = '/nowhere/module.so'; }) },
  { what: 'a token that is not there', said: /there is no token chancery-intermediate in any slot/,
    spoil: (world) => { rmSync(join(world.state, 'tokens'), { recursive: true }); mkdirSync(join(world.state, 'tokens')); } },
  { what: 'a module that cannot read its tokens', said: /C_Initialize of \S+ failed: CKR_GENERAL_ERROR; see that .*SOFTHSM2_CONF/,
    spoil: (world) => rmSync(join(world.state, 'tokens'), { recursive: true }) },
  { what: 'a PIN file that is not there', said: /the PIN file \S+intermediate\.pin cannot be read/,
    spoil: (world) => rmSync(join(world.state, 'pins/intermediate.pin')) },
];

for (const { what, spoil, said } of KEYS_OUT_OF_REACH) {
  test(`${what} is said by the signer, which goes on waiting`, async () => {
    await using world = await World.open({ started: false });
    spoil(world);
    await using signer = start(process.execPath, [MAIN, 'signer'], { env: world.environment() });
    await until('it says so', () => said.test(signer.output()));
    assert.doesNotMatch(signer.output(), NO_TRACE);
    assert.equal(await Promise.race([signer.ended, Promise.resolve('runs')]), 'runs');
  });
}

test('a second server on the same state is refused, and the first one is not disturbed', async () => {
  await using world = await World.open();
  const output = await chancery(world, ['serve'], { exit: 2 });
  assert.match(output, /another server runs on .*: stop it first, or set CHANCERY_STATE/);
  assert.match(await chancery(world, ['signer'], { exit: 2 }), /a signer already runs on /);
  assert.equal(await world.statusOf('/readyz'), 200);
});

test('a state directory that cannot be written', async () => {
  await using world = await World.open({ started: false });
  chmodSync(world.directory, 0o755);
  chmodSync(world.state, 0o555);
  // Root may write anywhere, so as root this runs as nobody.
  const nobody = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : ['env'];
  const [command = '', ...args] = [...nobody, process.execPath, MAIN, 'serve'];
  const output = await run(command, args, { env: world.environment(), exit: 2 });
  chmodSync(world.state, 0o755);
  assert.match(output, /make the state directory writable for this user, or set CHANCERY_STATE|make it writable/);
  assert.doesNotMatch(output, NO_TRACE);
});

test('a full disk', async () => {
  await using world = await World.open({ started: false });
  const full = join(world.directory, 'full');
  mkdirSync(full);
  const namespace = process.getuid?.() === 0 ? ['--mount'] : ['--map-root-user', '--mount'];
  const script = `mount -t tmpfs -o size=64k tmpfs ${full} && exec ${process.execPath} ${MAIN} serve`;
  const output = await run('unshare', [...namespace, 'sh', '-c', script], {
    env: { ...world.environment(), CHANCERY_DATABASE: `sqlite:${join(full, 'chancery.db')}` }, exit: 2,
  });
  assert.match(output, /full/);
  assert.doesNotMatch(output, NO_TRACE);
});

test('production mode refuses what is for development, with the reasons', async () => {
  await using world = await World.open({ started: false, configure: (ca) => { ca.mode = 'production'; } });
  const output = await chancery(world, ['start'], { exit: 2 });
  assert.match(output, /loopback/);
  assert.match(output, /development/);
  assert.doesNotMatch(output, NO_TRACE);
});

test('explain, config diff and config apply against a running server', async () => {
  await using world = await World.open();
  assert.match(await chancery(world, ['explain', 'demo.localhost']), /^allowed/);
  assert.match(await chancery(world, ['explain', 'www.example.com', '10.0.0.1'], { exit: 1 }), /www\.example\.com[^]+to allow it/);
  edit(join(world.configuration(), 'policy/private-names.yaml'), (policy) => { policy.allow.suffixes.push('example.com'); });
  assert.match(await chancery(world, ['config', 'apply', '--dry-run']), /example\.com/);
  assert.match(await chancery(world, ['explain', 'www.example.com'], { exit: 1 }), /refused/);
  await chancery(world, ['config', 'apply']);
  assert.match(await chancery(world, ['explain', 'www.example.com']), /^allowed/);
  edit(join(world.configuration(), 'policy/private-names.yaml'), (policy) => { policy.allow.suffixes = 'all'; });
  assert.match(await chancery(world, ['config', 'apply'], { exit: 2 }), /suffixes/);
  assert.match(await chancery(world, ['explain', 'www.example.com']), /^allowed/, 'the configuration in force stays');
  assert.match(await chancery(world, ['no-such-command'], { exit: 2 }), /there is no command "no-such-command"/);
  assert.match(await chancery(world, ['eab', 'create', '--uses', '-3'], { exit: 2 }), /'--uses' needs a value, and one that begins with a dash is written with =/);
  assert.match(await chancery(world, ['eab', 'create', '--name='], { exit: 2 }), /"" is no DNS name: it is empty/);
  await world.stop();
  for (const state of [MAIN, join(MAIN, 'below')]) {
    const said = await run(process.execPath, [MAIN, 'start'], { env: { ...world.environment(), CHANCERY_STATE: state }, exit: 2 });
    assert.match(said, /the state directory \S+ is a file, or below one: set CHANCERY_STATE to a directory/);
  }
  assert.match(await chancery(world, ['--version']), /^chancery \d+\.\d+\.\d+$/m);
  assert.match(await chancery(world, ['explain', 'demo.localhost'], { exit: 2 }), /no server answers/);
});
