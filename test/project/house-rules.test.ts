// Each house rule finds a planted fault and is silent on a tree that keeps it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { houseFaults, LONG_FILES, type RULES } from '../../scripts/checks/house-rules.ts';

const comment = '// What this is for.\n';

/** Rule → a tree that breaks it. Words that the rules look for are split, since this file is checked too. */
const BROKEN: Record<keyof typeof RULES, Record<string, string>> = {
  names: { 'src/http/string-utils.ts': comment },
  lengths: { 'src/ca/all.ts': comment + 'export {};\n'.repeat(300) },
  'first-comments': { 'src/ca/order.ts': 'export {};\n' },
  unfinished: { 'src/ca/order.ts': `${comment}// TO${'DO'}: later\n` },
  suppressions: { 'src/ca/order.ts': `${comment}// @ts-ignore\n` },
  'only-tests': { 'test/ca/order.test.ts': `${comment}test.${'only'}('x', () => {});\n` },
  'forbidden-text': { 'docs/setup.md': `Look into "/${'root'}/secret".\n` },
  'exact-versions': { 'package.json': '{ "dependencies": { "koa": "^3.0.0" } }' },
  links: { 'README.md': 'See [the design](docs/nowhere.md).\n' },
};

const KEPT: Record<string, string> = {
  'src/http/base64.ts': `${comment}// TO${'DO'}(#7): sooner\n// @ts-expect-error a table of foreign words\n`,
  'scripts/run': '#!/bin/sh\n# Runs.\n',
  'ca-config/ca.yaml': '# What an operator edits.\n',
  'package.json': '{ "dependencies": { "koa": "3.3.0", "typescript": "npm:@typescript/typescript6@6.0.2" } }',
  'README.md': '# Chancery\n## A first certificate!\n[code](src/http/) [here](#a-first-certificate) [x](docs/a.md#b-c) [web](https://example.org)\n```\n[no](link)\n```\n',
  'docs/a.md': '# B C\n[back](../README.md) `[no](link)`\n',
};

const filesOf = (tree: Record<string, string>) => Object.entries(tree).map(([path, text]) => ({ path, text }));
/** Faults of a tree, without those about the real tree's list of long files. */
const faultsOf = (tree: Record<string, string>) => houseFaults(filesOf(tree)).filter(({ where }) => LONG_FILES[where] === undefined);

for (const [rule, tree] of Object.entries(BROKEN))
  test(`house rule ${rule} finds its fault`, () => {
    assert.deepEqual(faultsOf(tree).map((fault) => fault.rule), [rule]);
  });

test('a tree that keeps the house rules has no faults', () => {
  assert.deepEqual(faultsOf(KEPT), []);
});
