/** Statements, as each engine gets them. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';
import { bind, rawStatement, statement } from '../../src/database/statement.ts';

it('compiles a builder to native SQL once, and puts named values where they belong', () => {
  let built = 0;
  const find = statement((k, p) => {
    built += 1;
    return k('t')
      .select('a')
      .where({ b: p('first'), c: 'fixed' })
      .whereIn('d', [p('second'), p('first')])
      .limit(5);
  });
  const values = { first: 1, second: new Uint8Array([2]) };
  const postgres = find.compiled('postgres');
  assert.equal(postgres.sql, 'select "a" from "t" where "b" = $1 and "c" = $2 and "d" in ($3, $4) limit $5');
  assert.deepEqual(bind(postgres, values), [1, 'fixed', values.second, 1, 5]);
  assert.equal(find.compiled('postgres'), postgres);
  assert.equal(built, 1);
  assert.equal(find.compiled('sqlite').sql, 'select `a` from `t` where `b` = ? and `c` = ? and `d` in (?, ?) limit ?');
  assert.equal(built, 2);
});

it('compiles raw SQL, and leaves casts alone', () => {
  const raw = rawStatement('select :a::text, :b, :a from t');
  assert.equal(raw.compiled('postgres').sql, 'select $1::text, $2, $3 from t');
  assert.deepEqual(bind(raw.compiled('postgres'), { a: 'x', b: 2 }), ['x', 2, 'x']);
  assert.equal(rawStatement({ sqlite: 'one', postgres: 'two' }).compiled('sqlite').sql, 'one');
});

it('names a statement after its SQL, so that two processes never mean two things by one name', () => {
  const nameOf = (sql: string): string => rawStatement(sql).compiled('postgres').name;
  assert.equal(nameOf('select :a from t'), nameOf('select :b from t'));
  assert.notEqual(nameOf('select :a from t'), nameOf('delete from t where a = :a'));
  // Whatever was compiled before: another process has another history.
  const history = [1, 2].map((count) => execFileSync(process.execPath, ['--input-type=module', '-e', `
    import { rawStatement } from ${JSON.stringify(new URL('../../src/database/statement.ts', import.meta.url).href)};
    for (let i = 0; i < ${count}; i += 1) rawStatement('select ' + i).compiled('postgres');
    console.log(rawStatement('select 7 from t').compiled('postgres').name);`], { encoding: 'utf8' }));
  assert.equal(history[0], history[1]);
});

it('throws where knex would leave a part of the query out', () => {
  const unbounded = statement((k, p) =>
    k('t')
      .select()
      .limit(p('limit') as unknown as number),
  );
  assert.throws(() => unbounded.compiled('sqlite'), /limit/);
});

it('misses a value loudly', () => {
  assert.throws(() => bind(rawStatement('select :a').compiled('sqlite'), { b: 1 }), /no value for :a/);
});
