// Every import rule catches what it forbids, and lets pass what the architecture needs: a small tree with one violation
// per rule is built in a temporary directory, and dependency-cruiser is run on it with the project's own rules.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');

/** What may be imported in the small tree; each file exports one type and one value. */
const TARGETS = [
  'src/clock.ts', 'src/main.ts', 'src/wiring.ts', 'src/x509/der.ts', 'src/lint/lint.ts', 'src/ca/index.ts', 'src/ca/issuance/decide.ts',
  'src/ca/ct/submit.ts', 'src/doors/acme/order.ts', 'src/doors/est/enroll.ts', 'src/http/listener.ts', 'src/identity/token.ts',
  'src/validation/http-01.ts', 'src/dial/dial.ts', 'src/signing/client.ts', 'src/signing/worker.ts', 'src/keys/lane.ts',
  'src/database/database.ts', 'src/config/generation.ts', 'src/telemetry/events.ts', 'src/jobs/table.ts', 'src/cli/start.ts',
  'ceremony/development.ts', 'migrations/0001-core.ts', 'test/support/world.ts', 'scripts/bench.ts',
];

/** Rule → the file that breaks it → what that file imports; `type:` imports a type only. */
const VIOLATIONS: Record<string, readonly [file: string, imports: string]> = {
  'no-cycles': ['src/http/back.ts', 'src/http/there.ts'],
  'imports-resolve': ['src/http/lost.ts', './nowhere.ts'],
  'pure-stays-pure': ['src/x509/told-the-time.ts', 'src/clock.ts'],
  'pure-does-no-io': ['src/lint/reader.ts', 'node:fs'],
  'clock-is-a-leaf': ['src/clock.ts', 'node:timers'],
  'doors-are-strangers': ['src/doors/est/neighbour.ts', 'src/doors/acme/order.ts'],
  'doors-ask-at-the-counter': ['src/doors/acme/backstage.ts', 'src/ca/issuance/decide.ts'],
  'doors-see-little': ['src/doors/acme/signer.ts', 'src/signing/client.ts'],
  'only-acme-validates': ['src/doors/est/validate.ts', 'src/validation/http-01.ts'],
  'ca-knows-no-door': ['src/ca/issuance/for-acme.ts', 'src/doors/acme/order.ts'],
  'ca-sees-little': ['src/ca/issuance/keys.ts', 'src/keys/lane.ts'],
  'jobs-ask-at-the-counter': ['src/jobs/issue.ts', 'src/ca/issuance/decide.ts'],
  'only-signing-and-ceremony-hold-keys': ['src/cli/sign.ts', 'src/keys/lane.ts'],
  'signing-is-asked-through-its-client': ['src/ca/issuance/short-cut.ts', 'src/signing/worker.ts'],
  'only-the-ca-asks-for-signatures': ['src/http/sign.ts', 'src/signing/client.ts'],
  'signing-sees-little': ['src/signing/records.ts', 'src/database/database.ts'],
  'only-these-dial': ['src/ca/issuance/call.ts', 'src/dial/dial.ts'],
  'sockets-in-few-places': ['src/validation/own-socket.ts', 'node:net'],
  'resources-never-look-up': ['src/database/ask.ts', 'src/ca/index.ts'],
  'resources-stand-alone': ['src/identity/keep.ts', 'src/database/database.ts'],
  'sql-only-in-stores': ['src/ca/issuance/query.ts', 'src/database/database.ts'],
  'configuration-is-handed-over': ['src/doors/acme/load.ts', 'src/config/generation.ts'],
  'migrations-see-little': ['migrations/0002-clever.ts', 'src/ca/index.ts'],
  'only-the-database-migrates': ['src/cli/migrate.ts', 'migrations/0001-core.ts'],
  'koa-only-in-http': ['src/doors/acme/koa.ts', 'koa'],
  'sql-packages-only-in-database': ['src/ca/issuance/knex.ts', 'knex'],
  'asn1-only-in-x509': ['src/lint/pki.ts', 'pkijs'],
  'pkcs11-only-in-keys': ['src/signing/token.ts', 'pkcs11js'],
  'logs-and-metrics-only-in-telemetry': ['src/ca/issuance/log.ts', 'pino'],
  'ships-without-development-packages': ['src/http/supertest.ts', 'supertest'],
  'only-wiring-wires': ['src/jobs/wire.ts', 'src/wiring.ts'],
  'only-main-and-wiring-use-the-command-line': ['src/jobs/command.ts', 'src/cli/start.ts'],
  'ceremony-reaches-no-network': ['ceremony/upload.ts', 'ceremony/upload-step.ts'],
  'ceremony-sees-little': ['ceremony/record.ts', 'src/telemetry/events.ts'],
  'only-setup-holds-ceremonies': ['src/jobs/ceremony.ts', 'ceremony/development.ts'],
  'nothing-imports-tests': ['src/jobs/world.ts', 'test/support/world.ts'],
};

/** What the architecture lives from: none of these may be reported. */
const ALLOWED: readonly (readonly [file: string, imports: string])[] = [
  ['src/doors/acme/new-order.ts', 'src/ca/index.ts'],
  ['src/doors/acme/routes.ts', 'src/http/listener.ts'],
  ['src/doors/acme/challenge.ts', 'src/validation/http-01.ts'],
  ['src/doors/acme/store.ts', 'src/database/database.ts'],
  ['src/doors/acme/door.ts', 'type:src/config/generation.ts'],
  ['src/ca/issuance/store.ts', 'src/database/database.ts'],
  ['src/ca/issuance/sign.ts', 'src/signing/client.ts'],
  ['src/ca/issuance/facts.ts', 'type:src/database/database.ts'],
  ['src/ca/ct/post.ts', 'src/dial/dial.ts'],
  ['src/signing/lanes.ts', 'src/keys/lane.ts'],
  ['src/signing/socket.ts', 'node:net'],
  ['src/validation/tls-alpn-01.ts', 'src/dial/dial.ts'],
  ['src/database/sqlite.ts', 'better-sqlite3'],
  ['src/wiring/signer.ts', 'src/signing/worker.ts'],
  ['src/cli/bench.ts', 'src/wiring.ts'],
  ['src/jobs/publish.ts', 'src/ca/index.ts'],
  ['src/x509/digest.ts', 'node:crypto'],
  ['ceremony/keys.ts', 'src/keys/lane.ts'],
  ['src/http/types.ts', 'type:koa'],
];

const importLine = (file: string, imports: string): string => {
  const isType = imports.startsWith('type:');
  const target = isType ? imports.slice('type:'.length) : imports;
  const local = /^(src|ceremony|migrations|test|scripts)\//.test(target);
  const path = local ? relative(dirname(file), target).replace(/^(?![.])/, './') : target;
  return isType ? `import type * as part from '${path}';\nexport type Part = typeof part;\n` : `import * as part from '${path}';\nexport { part };\n`;
};

async function plant(tree: string): Promise<void> {
  const files = new Map(TARGETS.map((file) => [file, `export interface Shape { readonly name: '${file}' }\nexport const name = '${file}';\n`]));
  for (const [file, imports] of [...Object.values(VIOLATIONS), ...ALLOWED]) files.set(file, (files.get(file) ?? '') + importLine(file, imports));
  files.set('src/http/there.ts', importLine('src/http/there.ts', 'src/http/back.ts'));
  files.set('ceremony/upload-step.ts', importLine('ceremony/upload-step.ts', 'node:https'));
  for (const [file, text] of files) {
    await mkdir(join(tree, dirname(file)), { recursive: true });
    await writeFile(join(tree, file), text);
  }
  for (const name of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) await cp(join(ROOT, name), join(tree, name));
  await symlink(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
}

interface Report { readonly summary: { readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[] } }

async function cruise(tree: string): Promise<Report> {
  const tool = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const folders = ['src', 'ceremony', 'migrations', 'test', 'scripts'];
  const run = promisify(execFile)(process.execPath, [tool, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', ...folders],
    { cwd: tree, maxBuffer: 64 * 1024 * 1024 });
  const { stdout } = await run.catch((error: { stdout: string }) => error); // it exits with the number of violations
  return JSON.parse(stdout) as Report;
}

test('every import rule catches a planted violation, and what the architecture needs is allowed', { timeout: 60_000 }, async () => {
  const { default: config } = (await import(join(ROOT, '.dependency-cruiser.mjs'))) as { default: { forbidden: { name: string; comment: string }[] } };
  assert.deepEqual(config.forbidden.map(({ name }) => name).sort(), Object.keys(VIOLATIONS).sort(), 'one planted violation per rule');
  for (const { name, comment } of config.forbidden) assert.match(comment, /^[A-Z].*[.]$/, `${name} is said as a sentence`);

  const tree = await mkdtemp(join(tmpdir(), 'import-rules-'));
  try {
    await plant(tree);
    const { summary: { violations } } = await cruise(tree);
    const found = new Set(violations.map(({ from, rule }) => `${rule.name}: ${from}`));
    const unseen = Object.entries(VIOLATIONS).filter(([name, [file]]) => !found.has(`${name}: ${file}`));
    assert.deepEqual(unseen, [], `found: ${[...found].join("\n")}`);
    const allowed = new Set(ALLOWED.map(([file]) => file));
    assert.deepEqual(violations.filter(({ from }) => allowed.has(from)).map(({ from, rule }) => `${rule.name}: ${from}`), []);
  } finally {
    await rm(tree, { recursive: true });
  }
});
