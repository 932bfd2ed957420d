// scripts/setup against stubs of npm, apt-get and id: what it asks of them, when, and what it says. Nothing is installed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
/** What the script may use of the real machine. */
const REAL = ['sh', 'dirname', 'uname', 'tr', 'cmp', 'cp', 'mv', 'mkdir', 'mktemp', 'rm', 'tail', 'flock', 'cat', 'sleep'];
/** Programs whose presence stands for their packages. */
const PRESENT = ['softhsm2-util', 'gcc', 'certtool', 'pkcs11-tool', 'openssl', 'curl', 'certbot', 'lego', 'dehydrated', 'uacme', 'acme-tiny', 'caddy'];

interface Machine {
  readonly checkout: string;
  /** What was called, one line each. */
  calls(): string[];
  run(...args: string[]): { status: number | null; stderr: string; stdout: string };
  add(name: string, script: string): void;
  remove(name: string): void;
}

/** A machine as root with everything but npm packages; the stub of npm leaves what npm would. */
function machine(t: TestContext): Machine {
  const directory = mkdtempSync(join(tmpdir(), 'setup-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [checkout, bin, log] = [join(directory, 'checkout'), join(directory, 'bin'), join(directory, 'calls')];
  for (const folder of [checkout, bin]) mkdirSync(folder);
  cpSync(join(ROOT, 'scripts/setup'), join(checkout, 'scripts/setup'));
  cpSync(join(ROOT, 'package-lock.json'), join(checkout, 'package-lock.json'));
  const add = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  for (const name of REAL) symlinkSync(spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(), join(bin, name));
  for (const name of PRESENT) add(name, '');
  add('id', 'echo 0');
  add('g++', `echo "g++ $*" >> ${log}`);
  add('npm', `echo "npm $*" >> ${log}; mkdir -p node_modules/pkcs11js`);
  for (const name of ['apt-get', 'dpkg']) add(name, `echo "${name} $*" >> ${log}`);
  writeFileSync(join(checkout, 'scripts/node'), '#!/bin/sh\necho /stub/bin/node\n', { mode: 0o755 });
  return {
    checkout, add,
    remove: (name) => rmSync(join(bin, name)),
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
    run: (...args) => spawnSync(join(checkout, 'scripts/setup'), args, { encoding: 'utf8', env: { PATH: bin } }),
  };
}

test('setup installs npm packages once, and is silent when there is nothing to do', (t) => {
  const { run, calls } = machine(t);
  assert.equal(run('start').status, 0);
  assert.match(calls()[0] ?? '', /^npm ci --ignore-scripts --omit=dev /);
  assert.match(calls()[1] ?? '', /^g[+][+] .*src\/main[.]cpp/);
  const again = run('start');
  assert.deepEqual([again.status, again.stdout, again.stderr, calls().length], [0, '', '', 2]);
});

test('setup for tests adds the development packages, and a start afterwards keeps them', (t) => {
  const { checkout, run, calls } = machine(t);
  run('start');
  assert.equal(run('test').status, 0);
  assert.match(calls()[2] ?? '', /^npm ci --ignore-scripts --include=dev /);
  assert.equal(run('start').status, 0);
  assert.equal(calls().length, 4, 'nothing more is asked of npm');
  mkdirSync(join(checkout, 'node_modules/typescript'));
  writeFileSync(join(checkout, 'package-lock.json'), '{}');
  run('start');
  assert.match(calls()[4] ?? '', /--include=dev/, 'a changed lockfile brings everything that was there');
});

test('setup that was interrupted is repaired by the next', (t) => {
  const { add, run, calls } = machine(t);
  add('npm', 'mkdir -p node_modules; exit 1');
  const broken = run('start');
  assert.equal(broken.status, 2);
  assert.match(broken.stderr, /npm ci failed/);
  add('npm', 'mkdir -p node_modules/pkcs11js');
  assert.equal(run('start').status, 0);
  assert.deepEqual(calls().map((call) => call.split(' ')[0]), ['g++']);
});

test('several setups at once do the work once', (t) => {
  const { checkout, add, calls } = machine(t);
  add('npm', `echo "npm $*" >> ${join(checkout, '..', 'calls')}; mkdir -p node_modules/pkcs11js; sleep 0.2`);
  const both = spawnSync('sh', ['-c', 'scripts/setup & scripts/setup & wait'], { cwd: checkout, env: { PATH: join(checkout, '..', 'bin') } });
  assert.equal(both.status, 0);
  assert.equal(calls().length, 2);
});

test('setup without root names every missing package and the command, and changes nothing', (t) => {
  const { add, remove, run, calls } = machine(t);
  add('id', 'echo 1000');
  for (const name of ['certbot', 'g++', 'softhsm2-util']) remove(name);
  const { status, stderr } = run('test');
  assert.equal(status, 2);
  assert.deepEqual(stderr.split('\n'), ['chancery: these packages are missing: softhsm2 g++ certbot. Install them with: ' +
    'sudo apt-get update && sudo apt-get install -y --no-install-recommends softhsm2 g++ certbot', '']);
  assert.deepEqual(calls(), []);
});

test('setup as root installs what is missing, with no questions asked', (t) => {
  const { remove, run, calls } = machine(t);
  for (const name of ['certbot', 'softhsm2-util']) remove(name);
  assert.equal(run('test').status, 0);
  assert.deepEqual(calls().filter((call) => /^(dpkg|apt-get update)/.test(call)), ['dpkg --configure -a --force-confold', 'apt-get update -q']);
  assert.ok(calls().some((call) => call.startsWith('apt-get install -y --no-install-recommends softhsm2 certbot ')));
});

test('setup refuses a purpose that it does not know', (t) => {
  const { status, stderr } = machine(t).run('everything');
  assert.deepEqual([status, stderr], [2, 'chancery: usage: scripts/setup [start|test]\n']);
});
