/** SQL of the audit log: entries go in unnumbered, the sequencer numbers them, nothing is ever changed after that. */
import type { Database } from '../../database/database.ts';
import { rawStatement, statement } from '../../database/statement.ts';

export const insertEntry = statement((k, p) =>
  k('audit_entry').insert({
    id: p('id'), realm: p('realm'), type: p('type'), at: p('at'), body: p('body'), hash: p('hash'),
  }));

// One statement on both engines: the waiting entries, oldest first, get the numbers after the highest one given.
// Two sequencers at once would collide on the unique number, and one of them would change nothing.
const numberWaiting = rawStatement(
  `update audit_entry set seq = numbered.seq from (
     select id, (select coalesce(max(seq), 0) from audit_entry) + row_number() over (order by at, id) as seq
     from (select id, at from audit_entry where seq is null order by at, id limit 2000) as waiting
   ) as numbered where audit_entry.id = numbered.id and audit_entry.seq is null`);

const oneWaiting = statement((k) => k('audit_entry').select('id').whereNull('seq').limit(1));

/** Numbers up to 2,000 waiting entries; true when there may be more. */
export async function sequenceEntries(database: Database): Promise<boolean> {
  if ((await database.one(oneWaiting)) === undefined) return false;
  return database.commit([{ statement: numberWaiting, values: {}, rows: 'any' }]);
}
