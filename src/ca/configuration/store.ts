/** SQL of configuration generations. */
import type { Database, Write } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';

const findCurrent = statement((k, p) => k('configuration_current').select('digest').where({ realm: p('realm') }));
const insertCurrent = statement((k, p) =>
  k('configuration_current').insert({ realm: p('realm'), digest: p('digest'), changed: p('changed') }));
const moveCurrent = statement((k, p) =>
  k('configuration_current').where({ realm: p('realm'), digest: p('previous') }).update({ digest: p('digest'), changed: p('changed') }));
const insertText = statement((k, p) =>
  k('configuration_generation').insert({ realm: p('realm'), digest: p('digest'), body: p('body'), created: p('created') })
    .onConflict(['realm', 'digest']).ignore());

export async function current(database: Database, realm: string): Promise<string | undefined> {
  return (await database.one<{ digest: string }>(findCurrent, { realm }))?.digest;
}

export const insertGeneration = (row: { realm: string; digest: string; body: string; created: number }): Write =>
  ({ statement: insertText, values: row, rows: 'any' });

/** Compare-and-swap on what was in force before. */
export const replaceCurrent = ({ previous, ...row }: { realm: string; digest: string; changed: number; previous: string | undefined }): Write =>
  previous === undefined ? { statement: insertCurrent, values: row } : { statement: moveCurrent, values: { ...row, previous } };
