/** Our statements in the form in which PostgreSQL gets them. */

import type { Write } from './engine.ts';
import type { Step } from './pipeline.ts';
import { bind, type Statement, type Value, type Values } from './statement.ts';

/** Raised by a guard. No statement of ours divides otherwise. */
export const guardFailed = '22012'; // division_by_zero

export function namedQuery(statement: Statement, values: Values): { name: string; text: string; values: unknown[] } {
  const compiled = statement.compiled('postgres');
  return { name: compiled.name, text: compiled.sql, values: bind(compiled, values).map(onTheWire) };
}

/**
 * A write that fails by itself when it changes another number of rows than it has to. Nobody can look at the count
 * before the commit, for the commit is sent along with it: the statement must raise the error, which ends all.
 */
export function guarded({ statement, values, rows = 1 }: Write): Step {
  const { name, sql, slots } = statement.compiled('postgres');
  const bound = bind(statement.compiled('postgres'), values).map(onTheWire);
  if (rows === 'any' || (rows === 1 && insertsOneRow.test(sql))) return { name: `${name}w`, text: sql, values: bound };
  const text =
    `with change as (${sql} returning 1) ` +
    `select 1 / (count(*) = $${slots.length + 1}::bigint)::integer from change`;
  return { name: `${name}g`, text, values: [...bound, String(rows)] };
}

/** Such an insert changes one row or raises an error: it needs no guard. */
const insertsOneRow = /^insert into "\w+" \([^()]*\) values \([^()]*\)$/;

function onTheWire(value: Value): string | Buffer | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
