/**
 * SQL of orders that renew themselves (RFC 8739): which certificate is the current one, and when the next is due. `period` counts the
 * certificates that were published; it only goes up, by compare-and-swap.
 */
import type { Database, Write } from '../../../database/database.ts';
import { rawStatement, statement } from '../../../database/statement.ts';
import { readSerial } from '../../../x509/serial.ts';
import type { Site } from '../site.ts';
import { type AutoRenewal, referenceOf } from './auto-renewal.ts';

/** An order whose next certificate is due. */
export interface DueOrder {
  readonly order: string;
  readonly account: string;
  readonly directory: string;
  /** DER SubjectPublicKeyInfo of the finalize request's CSR. */
  readonly spki: Uint8Array;
  /** What was proved and asked for when the order was finalized, JSON. */
  readonly evidence: string;
  /** Of the certificate that is current. */
  readonly period: number;
}

/** What the URL of a renewing certificate leads to. */
export interface CurrentCertificate {
  readonly renewal: AutoRenewal;
  readonly canceled: boolean;
  readonly issuerKey: string;
  readonly der: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
}

// Recorded with the first intent. An order that was not issued after all may be finalized again, with another key.
const begin = rawStatement(`
  insert into acme_star (order_id, realm, directory, account, spki, evidence, period, due)
  values (:order, :realm, :directory, :account, :spki, :evidence, 0, :due)
  on conflict (order_id) do update set spki = excluded.spki, evidence = excluded.evidence, due = excluded.due where acme_star.period = 0`);

const findDue = statement((k, p) =>
  k('acme_star').select('order_id as order', 'account', 'directory', 'spki', 'evidence', 'period')
    .where({ realm: p('realm') }).where('due', '<=', p('now')).orderBy('due').limit(100));

const touch = rawStatement(`
  update acme_star set period = period where order_id = :order and period = :period and due is not null
    and exists (select 1 from acme_account a where a.id = acme_star.account and a.state = 'valid' and a.revoked is null
      and not exists (select 1 from blocked_key b where b.realm = a.realm and b.spki_sha256 = a.spki_sha256))`);

const advance = statement((k, p) =>
  k('acme_star').where({ order_id: p('order'), period: p('from') }).whereNotNull('due').update({ period: p('period'), due: p('due') }));

const setCurrent = statement((k, p) => k('acme_order').where({ id: p('order') }).update({ current_ref: p('ref') }));

const cancelOrder = statement((k, p) => k('acme_order').where({ id: p('order') }).whereNull('canceled').update({ canceled: p('now') }));

const stop = statement((k, p) => k('acme_star').where({ order_id: p('order') }).update({ due: null }));

const findCurrent = rawStatement(`
  select o.auto_renewal, o.canceled, i.issuer_key, i.serial
  from acme_order o
  join intent i on i.realm = o.realm and i.request_ref = coalesce(o.current_ref, o.id)
    and i.state <> 'closed' and i.request_ref is not null and i.state = 'signed'
  where o.id = :order and o.realm = :realm and o.directory = :directory and o.auto_renewal is not null`);

const findCertificate = statement((k, p) =>
  k('certificate').select('der', 'not_before', 'not_after').where({ issuer_key: p('issuer_key'), serial: p('serial'), day: p('day') }));

const findOrderOf = statement((k, p) => k('acme_star').select('order_id').where({ order_id: p('order') }));

/** For the commit of an order's first intent. `evidence` is JSON; `due` in ms UTC, undefined when one certificate is all. */
export const beginRenewing = (
  site: Site, { order, account, spki, evidence }: Pick<DueOrder, 'order' | 'account' | 'spki' | 'evidence'>, due: number | undefined,
): Write =>
  ({ statement: begin, values: { order, realm: site.realm, directory: site.directory.name, account, spki, evidence, due: due ?? null } });

/** Up to 100, those first that have waited longest. */
export const dueOrders = (database: Database, realm: string, now: number): Promise<DueOrder[]> =>
  database.many<DueOrder>(findDue, { realm, now });

/** For the commit of a next intent: nothing happens if order or account were given up meanwhile, the account's key is blocked, or another front was faster. */
export const stillDue = ({ order, period }: Pick<DueOrder, 'order' | 'period'>): Write => ({ statement: touch, values: { order, period } });

/** Publishes the certificate of the next period; `due` undefined: it was the last. False when the order was canceled, or another front was faster. */
export const publishNext = (database: Database, { order, period }: DueOrder, due: number | undefined): Promise<boolean> =>
  database.commit([
    { statement: advance, values: { order, from: period, period: period + 1, due: due ?? null } },
    { statement: setCurrent, values: { order, ref: referenceOf(order, period + 1) } },
  ]);

/** Looks again at `due`, or never; harmless when something else came first. Nothing is published. */
export async function putOff(database: Database, { order, period }: DueOrder, due: number | undefined): Promise<false> {
  await database.commit([{ statement: advance, values: { order, from: period, period, due: due ?? null }, rows: 'any' }]);
  return false;
}

/** False when it was canceled already. */
export const cancel = (database: Database, order: string, now: number): Promise<boolean> =>
  database.commit([{ statement: cancelOrder, values: { order, now } }, { statement: stop, values: { order }, rows: 'any' }]);

/** Undefined when the directory has no such order, or nothing has been issued for it. */
export async function currentCertificate(database: Database, site: Site, order: string): Promise<CurrentCertificate | undefined> {
  interface Row { auto_renewal: string; canceled: number | null; issuer_key: string; serial: string }
  const row = await database.one<Row>(findCurrent, { order, realm: site.realm, directory: site.directory.name });
  if (row === undefined) return undefined;
  const { issuer_key, serial } = row;
  const found = await database.one<{ der: Uint8Array; not_before: number; not_after: number }>(
    findCertificate, { issuer_key, serial, day: readSerial(serial)?.day ?? -1 });
  return found && {
    renewal: JSON.parse(row.auto_renewal) as AutoRenewal, canceled: row.canceled !== null, issuerKey: issuer_key, der: found.der,
    notBefore: found.not_before, notAfter: found.not_after,
  };
}

/** Whether a certificate, by the reference under which it was issued, is one of an order that renews itself (RFC 8739 §3.1.3). */
export const isOfRenewingOrder = async (database: Database, requestRef: string): Promise<boolean> =>
  (await database.one(findOrderOf, { order: requestRef.replace(/\/\d+$/, '') })) !== undefined;
