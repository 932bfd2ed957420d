/**
 * SQL of `replaces` (RFC 9773 §5): the predecessor that an order names, and the claim that at most one living order has on it.
 * Whether a claim still binds is not stored: it is what its order's state says.
 */
import type { Database, Write } from '../../../database/database.ts';
import { rawStatement, statement } from '../../../database/statement.ts';
import { readSerial } from '../../../x509/serial.ts';

/** A certificate that an order wants to replace, as recorded. */
export interface Predecessor {
  readonly requesterKind: string;
  readonly requesterId: string;
  readonly lineage: string;
  /** `type:value` of each of its names. */
  readonly names: readonly string[];
  /** A certificate was issued in its place. */
  readonly replaced: boolean;
  /** The order that has claimed it, dead or alive. */
  readonly claimedBy: string | undefined;
}

const REPLACED = `exists (select 1 from intent i
  where i.realm = c.realm and i.replaces = c.issuer_key || ':' || c.serial and i.state = 'signed') as replaced`;

const findPredecessor = statement((k, p) =>
  k('certificate as c')
    .select('c.requester_kind', 'c.requester_id', 'c.lineage_id', 'r.order_id', 'n.type', 'n.value', k.raw(REPLACED))
    .leftJoin('certificate_name as n', (join) => { join.on('n.issuer_key', 'c.issuer_key').on('n.serial', 'c.serial').on('n.day', 'c.day'); })
    .leftJoin('acme_replacement as r', (join) => { join.on('r.issuer_key', 'c.issuer_key').on('r.serial', 'c.serial'); })
    .where({ 'c.issuer_key': p('issuer_key'), 'c.serial': p('serial'), 'c.day': p('day'), 'c.realm': p('realm') })
    .limit(1000));

const insertClaim = statement((k, p) =>
  k('acme_replacement').insert({
    issuer_key: p('issuer_key'), serial: p('serial'), realm: p('realm'), order_id: p('order_id'), created: p('created'),
  }));

const moveClaim = statement((k, p) =>
  k('acme_replacement').where({ issuer_key: p('issuer_key'), serial: p('serial'), order_id: p('from') })
    .update({ order_id: p('order_id'), created: p('created') }));

const touchClaim = rawStatement('update acme_replacement set created = created where order_id = :order');

export async function predecessorAt(database: Database, realm: string, issuerKey: string, serial: string): Promise<Predecessor | undefined> {
  interface Row { requester_kind: string; requester_id: string; lineage_id: string; replaced: number | boolean; order_id: string | null; type: string | null; value: string | null }
  const day = readSerial(serial)?.day;
  if (day === undefined) return undefined;
  const rows = await database.many<Row>(findPredecessor, { realm, issuer_key: issuerKey, serial, day });
  const [row] = rows;
  return row && {
    requesterKind: row.requester_kind, requesterId: row.requester_id, lineage: row.lineage_id, replaced: Boolean(row.replaced), claimedBy: row.order_id ?? undefined,
    names: rows.flatMap(({ type, value }) => (type === null || value === null ? [] : [`${type}:${value}`])),
  };
}

/** For the commit of a new order: it claims the predecessor (`ISSUERKEY:SERIAL`), in the place of `from` if that is given. */
export function claim(predecessor: string, realm: string, order: string, from: string | undefined, now: number): Write {
  const values = { ...keyOf(predecessor), order_id: order, created: now };
  return from === undefined
    ? { statement: insertClaim, values: { ...values, realm } }
    : { statement: moveClaim, values: { ...values, from } };
}

/** For the commit of an order's intent: nobody takes its claim, if it has one, before that is done. */
export const holdClaim = (order: string): Write => ({ statement: touchClaim, values: { order }, rows: 'any' });

function keyOf(predecessor: string): { issuer_key: string; serial: string } {
  const [issuer_key = '', serial = ''] = predecessor.split(':');
  return { issuer_key, serial };
}
