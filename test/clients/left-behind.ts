/** What requests leave in the database, counted, so that a test can say of a refused one: nothing. */
import { openDatabase } from '../../src/database/database.ts';
import { rawStatement } from '../../src/database/statement.ts';
import type { World } from '../support/world.ts';

const COUNTED = {
  orders: 'select count(*) as n from acme_order',
  authorizations: 'select count(*) as n from acme_authorization',
  attempts: 'select count(*) as n from acme_attempt',
  intents: "select count(*) as n from intent where purpose = 'certificate'",
  certificates: 'select count(*) as n from certificate',
};
export type LeftBehind = Record<keyof typeof COUNTED, number>;

export async function leftBehind(world: World): Promise<LeftBehind> {
  await using database = await openDatabase(world.database);
  const counts = Object.entries(COUNTED).map(async ([what, sql]) => [what, (await database.one<{ n: number }>(rawStatement(sql), {}))?.n]);
  return Object.fromEntries(await Promise.all(counts)) as LeftBehind;
}
