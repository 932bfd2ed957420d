/** What each issuance asks of the database is found by index, also on PostgreSQL before it has statistics. */
import assert from 'node:assert/strict';
import type { Write } from '../../../src/database/database.ts';
import { rawStatement } from '../../../src/database/statement.ts';
import { nothingAgainst } from '../../../src/doors/acme/issuance/store.ts';
import { stillDue } from '../../../src/doors/acme/star/store.ts';
import type { DoorLab } from '../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../support/acme-engines.ts';

withPostgres();

async function planOf({ database }: DoorLab, { statement, values = {} }: Write): Promise<string> {
  const { sql, slots } = statement.compiled(database.engine);
  let slot = 0;
  const named = sql.replaceAll(/\?|\$\d+/g, () => `:${(slots[slot++] as { name: string }).name}`);
  const explain = database.engine === 'sqlite' ? 'explain query plan' : 'explain';
  return (await database.many<Record<string, unknown>>(rawStatement(`${explain} ${named}`), values)).map((row) => Object.values(row).findLast((value) => typeof value === 'string')).join('\n');
}

onBothEngines('the conditions of an intent look into no table as a whole', async (lab) => {
  const order = '0'.repeat(36);
  for (const write of [...nothingAgainst(lab.database.engine, 'default', order, Buffer.of(1)).slice(-1), stillDue({ order, period: 0 })]) {
    const plan = await planOf(lab, write);
    assert.match(plan, /blocked_key/);
    assert.doesNotMatch(plan, /Seq Scan|hashed SubPlan|acme_account_listed|SCAN (?!e )/, plan);
  }
});
