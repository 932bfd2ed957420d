/** How much of what was begun is not settled yet; read from the database, as an auditor would. */
import { openDatabase } from '../../src/database/database.ts';
import { rawStatement } from '../../src/database/statement.ts';

const countOpen = rawStatement("select count(*) as open from intent where state = 'open'");

export async function openIntents(url: string): Promise<number> {
  await using database = await openDatabase(url);
  return Number((await database.one<{ open: number }>(countOpen))?.open);
}
