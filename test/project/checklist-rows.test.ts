/** Rows of checklists that documents speak of have tests whose names begin with the row's id. docs/incidents.md says of a row without that it is not built. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

test('each incident of docs/incidents.md has a test, or its reason', () => {
  const rows = [...readFileSync('docs/incidents.md', 'utf8').matchAll(/^\| (T-INC-\d+) \|.*\| (.*) \|$/gm)].map(([, id = '', here = '']) => ({ id, built: !here.startsWith('not built: ') }));
  assert.deepEqual(rows.map(({ id }) => id), Array.from({ length: 22 }, (_, index) => `T-INC-${index + 1}`));
  assert.deepEqual(tested('T-INC'), rows.filter(({ built }) => built).map(({ id }) => id).toSorted());
});

test('each row about CRLs and OCSP has a test', () => {
  for (const rows of ['T-CRL', 'T-OCS']) {
    const found = tested(rows);
    for (let row = 1; row <= 13; row += 1) assert.ok(found.includes(`${rows}-${row}`), `${rows}-${row}`);
  }
});

/** The ids of such rows with which names of tests begin, before their first word. */
function tested(rows: string): string[] {
  const ids = globSync('test/**/*.test.ts').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(?:test\(|onBothEngines\(|\[)\s*['"`]((?:[A-Z]+(?:-[A-Z]+)*-\d+[a-z]?[,: ]+)+)/g)].flatMap(([, begin = '']) => begin.split(/[,: ]+/)));
  return [...new Set(ids)].filter((id) => id.startsWith(`${rows}-`)).toSorted();
}
