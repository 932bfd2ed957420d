// The type-aware lints see what they are there for: above all a query builder that nobody awaits, which silently does nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');

/** One line each, with the rule that must fire on it; none: it must stay silent. */
const LINES: readonly (readonly [code: string, rule?: string])[] = [
  ["knexed('audit_entry').insert({ id: '1' });", 'no-floating-promises'],
  ["void knexed('audit_entry').insert({ id: '1' }).then();"],
  ["await knexed('audit_entry').insert({ id: '1' });"],
  ['later();', 'no-floating-promises'],
  ["unlink('x');", 'no-floating-promises'],
  ['if (later()) throw new Error();', 'no-misused-promises'],
  ['process.once("exit", async () => {});', 'no-misused-promises'],
  ['await 1;', 'await-thenable'],
  ['switch (state as State) { case "ready": break; }', 'switch-exhaustiveness-check'],
  ['switch (state as State) { case "ready": case "done": break; }'],
];

const SOURCE = `// Planted by a test.
import { unlink } from 'node:fs/promises';
import knex, { type Knex } from 'knex';
export const knexed: Knex = knex({ client: 'pg' });
type State = 'ready' | 'done';
export const later = async (): Promise<boolean> => { await unlink('y'); return true; };
export const state: string = 'ready';
`;

interface Message { readonly line: number; readonly ruleId: string }

async function lint(directory: string): Promise<Message[]> {
  const tool = join(ROOT, 'node_modules/eslint/bin/eslint.js');
  const run = promisify(execFile)(process.execPath, [tool, '--format', 'json', 'src'], { cwd: directory });
  const { stdout } = await run.catch((error: { stdout: string }) => error); // it exits with 1 when it finds something
  return (JSON.parse(stdout) as { messages: Message[] }[]).flatMap(({ messages }) => messages);
}

test('the four type-aware rules see planted faults', { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'type-aware-'));
  try {
    await mkdir(join(directory, 'src'));
    await writeFile(join(directory, 'src/planted.ts'), SOURCE + LINES.map(([code]) => code).join('\n'));
    for (const name of ['eslint.config.js', 'tsconfig.json', 'package.json']) await cp(join(ROOT, name), join(directory, name));
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    const first = SOURCE.split('\n').length;
    const found = (await lint(directory)).map(({ line, ruleId }) => [LINES[line - first]?.[0], ruleId?.replace('@typescript-eslint/', '')]);
    assert.deepEqual(found, LINES.filter(([, rule]) => rule !== undefined));
  } finally {
    await rm(directory, { recursive: true });
  }
});
