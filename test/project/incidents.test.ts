/** docs/incidents.md is true: each row has a test whose name begins with its id, or says that it is not built. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

test('each incident of docs/incidents.md has a test, or its reason', () => {
  const rows = [...readFileSync('docs/incidents.md', 'utf8').matchAll(/^\| (T-INC-\d+) \|.*\| (.*) \|$/gm)].map(([, id = '', here = '']) => ({ id, built: !here.startsWith('not built: ') }));
  assert.deepEqual(rows.map(({ id }) => id), Array.from({ length: 22 }, (_, index) => `T-INC-${index + 1}`));
  const named = new Set<string>();
  for (const file of globSync('test/**/*.test.ts')) {
    // The ids at the beginning of a test's name, before its first word.
    for (const [, ids = ''] of readFileSync(file, 'utf8').matchAll(/(?:test\(|onBothEngines\(|\[)\s*['"`]((?:[A-Z]+(?:-[A-Z]+)*-\d+[a-z]?[,: ]+)+)/g)) {
      for (const [id] of ids.matchAll(/T-INC-\d+/g)) named.add(id);
    }
  }
  assert.deepEqual([...named].toSorted(), rows.filter(({ built }) => built).map(({ id }) => id).toSorted());
});
