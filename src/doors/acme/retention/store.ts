/** SQL of forgetting at the ACME door: orders with what belongs to them, authorizations and attempts go by ranges of their ids, which begin with their last day. */
import type { Database } from '../../../database/database.ts';
import { rawStatement, statement } from '../../../database/statement.ts';

const TABLES = [['acme_order', 'id'], ['acme_star', 'order_id'], ['acme_replacement', 'order_id'], ['acme_attempt', 'authorization'], ['acme_authorization', 'id']] as const;

const found = TABLES.map(([table, id]) => statement((k, p) => k(table).select(id).where(id, '<', p('bound')).limit(1)));
const sweeps = TABLES.map(([table, id]) =>
  rawStatement(`delete from ${table} where "${id}" in (select "${id}" from ${table} where "${id}" < :bound order by "${id}" limit 1000)`));

/** Drops what has an id below `bound`, a thousand rows at a time. Attempts go before the authorizations that they are of. */
export async function dropOrders(database: Database, bound: string): Promise<void> {
  for (const [i, statement] of sweeps.entries()) {
    while ((await database.one(found[i] as (typeof found)[number], { bound })) !== undefined) {
      await database.commit([{ statement, values: { bound }, rows: 'any' }]);
    }
  }
}
