/** The development ceremony: what it makes, that a second run changes nothing, and that it may be killed at any point and run again. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { issuerShapeOf } from '../../src/x509/ca-certificate.ts';
import { decodePem } from '../../src/x509/pem.ts';

const SCRIPT = fileURLToPath(new URL('../../ceremony/development.ts', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'chancery-ceremony-test-'));
after(() => rmSync(base, { recursive: true }));

const ceremony = (...args: string[]) => spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8' });
const paths = (state: string) =>
  readdirSync(state, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(state, path)).isFile())
    .sort();
const contents = (state: string) => paths(state).map((path) => [path, readFileSync(join(state, path), 'hex')]);

/** A chain that others accept, with names that begin with `marked`. */
function assertChain(state: string, prefix: '' | 'staging-', marked: string): void {
  const [root, intermediate] = [join(state, `public/${prefix}root.pem`), join(state, `public/${prefix}intermediate.pem`)];
  execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', root, intermediate], { stdio: 'pipe' });
  const text = execFileSync('openssl', ['x509', '-in', intermediate, '-noout', '-text'], { encoding: 'utf8' });
  assert.match(text, new RegExp(`Issuer: CN = ${marked}Chancery Development Root\n`));
  assert.match(text, new RegExp(`Subject: CN = ${marked}Chancery Development Intermediate\n`));
  assert.match(text, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  assert.match(text, /Key Usage: critical\s+Certificate Sign, CRL Sign/);
  const [der] = decodePem('CERTIFICATE', readFileSync(intermediate, 'utf8'));
  assert.ok(issuerShapeOf(der as Uint8Array, { id: 'a', shards: 1, crlUrl: 'http://a/', caIssuersUrl: 'http://a/' }));
}

/** What a finished ceremony has made: a chain that others accept, and secrets that only their owner reads. */
function assertFinished(state: string): void {
  assertChain(state, '', '');
  assertChain(state, 'staging-', 'STAGING ');
  const untrusted = spawnSync('openssl', ['verify', '-CAfile', join(state, 'public/root.pem'), join(state, 'public/staging-intermediate.pem')]);
  assert.notEqual(untrusted.status, 0, 'the real root says nothing for staging');
  for (const name of paths(state).filter((path) => path.startsWith('pins/') || path.startsWith('tokens/'))) {
    assert.equal(statSync(join(state, name)).mode & 0o077, 0, name);
  }
  const pins = paths(state)
    .filter((path) => path.endsWith('.pin'))
    .map((path) => readFileSync(join(state, path), 'utf8'));
  assert.equal(new Set(pins).size, 8);
  assert.deepEqual(
    paths(state).filter((path) => path.endsWith('.draft') || path.endsWith('.new')),
    [],
  );
}

test('the first run makes everything, the second changes nothing', () => {
  const state = join(base, 'twice');
  const first = ceremony('--state', state);
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, /Signed Chancery Development Root: .*\(SHA-256 [0-9a-f]{64}\)\n/);
  assertFinished(state);
  const before = contents(state);
  const second = ceremony('--state', state);
  assert.equal(second.stdout.split('\n').length, 2, 'one line');
  assert.deepEqual(contents(state), before);
});

test('killed at any instant and run again, it finishes', async () => {
  for (const delay of [150, 250, 300, 350, 400, 450, 550]) {
    const state = join(base, `killed-${delay}`);
    const child = spawn(process.execPath, [SCRIPT, '--state', state], { stdio: 'ignore' });
    await pause(delay);
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const again = ceremony('--state', state);
    assert.equal(again.status, 0, again.stderr);
    assertFinished(state);
  }
});

test('a mistake is one line and exit code 2', () => {
  for (const args of [[], ['--state', join(base, 'no-module'), '--module', '/nowhere.so'], ['--colour', 'red']]) {
    const { status, stderr } = ceremony(...args);
    assert.equal(status, 2);
    assert.match(stderr, /^The development ceremony failed: [^\n]+\n$/);
  }
});
