/**
 * SQL of what must hold for an order's certificate in the commit of its intent: facts that were right when the finalize request, or
 * recovery, looked at them may have changed while CAA was asked, or a signer was away.
 */
import type { Database, Write } from '../../../database/database.ts';
import { isPublicId } from '../../../database/public-id.ts';
import { rawStatement } from '../../../database/statement.ts';
import { spkiSha256 } from '../../../x509/public-key.ts';
import { holdClaim } from '../renewal/store.ts';
import { orderAndPeriod } from '../star/auto-renewal.ts';
import { stillDue } from '../star/store.ts';

// It changes nothing: an order that it finds ends the commit. One statement for all, for every issuance pays for it. PostgreSQL, while it does not know
// yet how large its tables are, would hash all accounts for an `exists` and read all of a realm by its index: a count it cannot hash, and `|| ''` has no index.
const againstSql = (elements: string) => `
  update acme_order set canceled = canceled where id = :order and realm = :realm and (
    1 = (select count(*) from acme_account a left join blocked_key b on b.realm = a.realm and b.spki_sha256 = a.spki_sha256
      where a.id = acme_order.account and (a.state <> 'valid' or a.revoked is not null or b.blocked_at is not null))
    or exists (select 1 from ${elements} join acme_authorization z on z.id = e.value where z.deactivated is not null)
    or exists (select 1 from acme_account k where k.spki_sha256 = :spki_sha256 and k.realm || '' = :realm)
    or (renews is not null and not exists (select 1 from acme_replacement r where r.order_id = acme_order.id)))`;

const findAgainst = rawStatement({
  sqlite: againstSql('json_each(acme_order.authorizations) e'),
  postgres: againstSql('jsonb_array_elements_text(acme_order.authorizations::jsonb) e(value)'),
});

const lockKey = rawStatement('select pg_advisory_xact_lock(hashtextextended(:spki_sha256, 0))');

/**
 * That no account has a certificate's key (§11.1) hangs on two conditions, each about rows that the other side adds. On PostgreSQL, whose
 * statements see what was committed before they began, two commits at once would both find nothing; so each first holds the key, given as
 * SHA-256 of its SubjectPublicKeyInfo in hex, to its end. On SQLite one commit is always before the other.
 */
export const holdKey = (engine: Database['engine'], spkiSha256: string): Write[] =>
  (engine === 'sqlite' ? [] : [{ statement: lockKey, values: { spki_sha256: spkiSha256 }, rows: 'any' }]);

/**
 * For the commit of an order's first intent: the account is valid (RFC 8555 §7.3.6) and its key not blocked, none of the order's authorizations was deactivated
 * (§7.5.2), the certificate's key is no account's (§11.1), and a renewal still has its claim (RFC 9773 §5).
 */
export function nothingAgainst(engine: Database['engine'], realm: string, order: string, publicKey: Uint8Array): Write[] {
  const digest = spkiSha256(publicKey);
  return [...holdKey(engine, digest), { statement: findAgainst, values: { order, realm, spki_sha256: digest }, rows: 0 }];
}

/** The same for recovery, which knows requests by their references only; nothing for one that is not ours. `publicKey` is DER. */
export function conditionsFor(
  { realm, requestRef, publicKey }: { realm: string; requestRef: string; publicKey: Uint8Array }, engine: Database['engine'],
): readonly Write[] {
  const { order, period } = orderAndPeriod(requestRef);
  if (!isPublicId(order)) return [];
  return period === 0 ? [holdClaim(order), ...nothingAgainst(engine, realm, order, publicKey)] : [stillDue({ order, period: period - 1 })];
}
