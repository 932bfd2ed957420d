/** SQL of forgetting: intents go by ranges of their ids, whose first four digits are the day on which they stop mattering. */
import type { Database } from '../../database/database.ts';
import { forgetDaysBefore } from '../../database/partitions.ts';
import { rawStatement, statement } from '../../database/statement.ts';

const settled = statement((k, p) => k('intent').select('id').where('id', '<', p('bound')).where('state', '<>', 'open').limit(1));

const sweep = rawStatement(`delete from intent where id in (
  select id from intent where id < :bound and state <> 'open' order by id limit 1000)`);

/** Whether an intent that is not open has an id below `bound`. */
export const hasIntentsBelow = async (database: Database, bound: string): Promise<boolean> =>
  (await database.one(settled, { bound })) !== undefined;

/** Certificates and evidence of the days before `day`, then intents with ids below `bound`, a thousand at a time. For good. */
export async function dropRecords(database: Database, day: number, bound: string): Promise<void> {
  await forgetDaysBefore(database, day);
  while (await hasIntentsBelow(database, bound)) await database.commit([{ statement: sweep, values: { bound }, rows: 'any' }]);
}
