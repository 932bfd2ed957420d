/**
 * SQL of the ACME door. Each read brings the account that signed together with what its request is about, in one statement,
 * and only when that belongs to the account: another's is as if it did not exist. Each change is one commit.
 */
import type { ChallengeType } from '../../config/generation.ts';
import type { Database, Write } from '../../database/database.ts';
import { isPublicId } from '../../database/public-id.ts';
import { rawStatement, statement } from '../../database/statement.ts';
import { spkiSha256 } from '../../x509/public-key.ts';
import { readSerial } from '../../x509/serial.ts';
import type { Account, Binding } from './account.ts';
import { flightsIn } from './attempts/store.ts';
import type { Authorization } from './authorization.ts';
import type { Attempt } from './challenge.ts';
import { holdKey } from './issuance/store.ts';
import type { AccountKey } from './jwk.ts';
import type { Order } from './order.ts';
import type { Problem } from './problem.ts';
import type { Renews } from './renewal/replaces.ts';
import type { Site } from './site.ts';
import type { AutoRenewal } from './star/auto-renewal.ts';

/** What a request may be about, by the word that its row in routes.ts uses. */
export interface About {
  nothing: undefined;
  orders: OrdersPage;
  order: Order;
  authorization: Authorization;
  certificate: StoredCertificate;
}

export interface StoredCertificate {
  readonly issuerKey: string;
  readonly serial: string;
  readonly der: Uint8Array;
}

/** Ids of an account's orders, and the one after which the next page begins. */
export interface OrdersPage {
  readonly orders: readonly string[];
  readonly next: string | undefined;
}

/** The account, and what was asked for if it is the account's. */
export interface Loaded<T> {
  readonly account: Account;
  readonly about: T | undefined;
}

export const REQUESTER_KIND = 'acme-account';

// ── accounts ──

const ACCOUNT = [
  'a.id as account_id', 'a.thumbprint', 'a.jwk', 'a.contact', 'a.terms', 'a.state as account_state', 'a.revoked as account_revoked', 'a.eab', 'a.eab_jws', 'a.restriction',
  'a.paused as account_paused',
];
const accountOf = { 'a.id': 'account', 'a.realm': 'realm', 'a.directory': 'directory' } as const;

const findAccount = statement((k, p) =>
  k('acme_account as a').select(ACCOUNT).where(mapValues(accountOf, p)));

const findAccountByKey = statement((k, p) =>
  k('acme_account as a').select(ACCOUNT)
    .where({ 'a.realm': p('realm'), 'a.directory': p('directory'), 'a.thumbprint': p('thumbprint') }));

// Of a certificate that is stored, or of one that is being signed. The `|| ''` is as in insertIntent in ca/issuance. PostgreSQL would have to
// look into every partition of certificates; their intents, which are there as long, are not partitioned.
const certified = {
  sqlite: `select 1 from certificate where spki_sha256 = :spki_sha256 || '' and realm = :realm || ''
    union all select 1 from intent where spki_sha256 = :spki_sha256 || '' and realm = :realm || '' and state = 'open'`,
  postgres: `select 1 from intent where spki_sha256 = :spki_sha256 and realm = :realm and state <> 'closed'`,
} as const;
const aboutCertified = (sql: (certified: string) => string) => rawStatement({ sqlite: sql(certified.sqlite), postgres: sql(certified.postgres) });

const findCertifiedKey = aboutCertified((found) => `${found} limit 1`);

const NEW_ACCOUNT = [
  'id', 'realm', 'directory', 'thumbprint', 'jwk', 'contact', 'terms', 'terms_agreed', 'spki_sha256', 'created', 'eab', 'eab_jws', 'restriction',
];

const insertAccount = aboutCertified((found) =>
  `insert into acme_account (${NEW_ACCOUNT.join(', ')}, state) select ${NEW_ACCOUNT.map((column) => `:${column}`).join(', ')}, 'valid'
   where not exists (${found})`);

const changeAccount = statement((k, p) =>
  k('acme_account').where({ id: p('id'), state: 'valid' }).whereNull('revoked').update({ contact: p('contact'), state: p('state') }));

const agreeToTerms = statement((k, p) =>
  k('acme_account').where({ id: p('id') }).update({ terms: p('terms'), terms_agreed: p('now') }));

const changeAccountKey = aboutCertified((found) => `
  update acme_account set thumbprint = :thumbprint, jwk = :jwk, spki_sha256 = :spki_sha256
  where id = :id and thumbprint = :old and state = 'valid' and revoked is null and not exists (${found})`);

const findAccountBySpki = statement((k, p) => k('acme_account').select('id').where({ spki_sha256: p('spki_sha256'), realm: p('realm') }).limit(1));

interface AccountRow {
  account_id: string; thumbprint: string; jwk: string; contact: string; terms: string | null; account_state: 'valid' | 'deactivated'; account_revoked: number | null;
  eab: string | null; eab_jws: string; restriction: string | null; account_paused: number | null;
}

const toAccount = (row: AccountRow): Account => ({
  id: row.account_id, thumbprint: row.thumbprint, jwk: row.jwk, contact: JSON.parse(row.contact) as string[], terms: row.terms ?? undefined,
  state: row.account_state === 'valid' && row.account_revoked !== null ? 'revoked' : row.account_state,
  paused: row.account_paused ?? undefined,
  binding: row.eab === null ? undefined : {
    credential: row.eab, jws: JSON.parse(row.eab_jws) as Binding['jws'],
    restriction: row.restriction === null ? undefined : (JSON.parse(row.restriction) as Binding['restriction']),
  },
});

export async function accountByKey(database: Database, site: Site, thumbprint: string): Promise<Account | undefined> {
  const row = await database.one<AccountRow>(findAccountByKey, { ...scope(site), thumbprint });
  return row && toAccount(row);
}

/** True when this call made it; false when the key has an account or a certificate already, or something of `together` does not hold. */
export const createAccount = (
  database: Database, site: Site, account: Account, keyDigest: string, termsAgreed: number | undefined, now: number, together: readonly Write[],
): Promise<boolean> =>
  database.commit([...together, ...holdKey(database.engine, keyDigest), {
    statement: insertAccount,
    values: {
      ...scope(site), id: account.id, thumbprint: account.thumbprint, jwk: account.jwk, contact: JSON.stringify(account.contact),
      spki_sha256: keyDigest, terms: account.terms ?? null, terms_agreed: termsAgreed ?? null, created: now, eab: account.binding?.credential ?? null,
      eab_jws: account.binding === undefined ? null : JSON.stringify(account.binding.jws),
      restriction: account.binding?.restriction === undefined ? null : JSON.stringify(account.binding.restriction),
    },
    rows: 1,
  }]);

/** True when this call made the change; false when the account is not valid any more. */
export const updateAccount = (database: Database, before: Account, { id, contact, state, terms }: Account, now: number): Promise<boolean> =>
  database.commit([
    { statement: changeAccount, values: { id, contact: JSON.stringify(contact), state }, rows: 1 },
    ...(terms === undefined || terms === before.terms ? [] : [{ statement: agreeToTerms, values: { id, terms, now }, rows: 1 }]),
  ]);

/** True when this call did it; false when another account or a certificate has the key, or this account has changed meanwhile. */
export function changeKey(database: Database, realm: string, { id, thumbprint }: Account, key: AccountKey): Promise<boolean> {
  const digest = spkiSha256(key.spki);
  return database.commit([...holdKey(database.engine, digest), {
    statement: changeAccountKey, rows: 1,
    values: { realm, id, old: thumbprint, thumbprint: key.thumbprint, jwk: key.jwk, spki_sha256: digest },
  }]);
}

/** Whether any account of the realm, of whatever directory and state, has the key with this digest. */
export const isAccountKey = async (database: Database, realm: string, digest: string): Promise<boolean> =>
  (await database.one(findAccountBySpki, { realm, spki_sha256: digest })) !== undefined;

/** Whether any certificate that is still stored, or is under way, is for the key with this digest. */
export const isCertified = async (database: Database, realm: string, digest: string): Promise<boolean> =>
  (await database.one(findCertifiedKey, { realm, spki_sha256: digest })) !== undefined;

// ── authorizations ──

const AUTHORIZATION = [
  'z.id as authorization_id', 'z.account as authorization_account', 'z.type', 'z.value', 'z.wildcard', 'z.subdomains', 'z.token', 'z.challenges', 'z.expires as authorization_expires',
  'z.deactivated', 't.type as attempt_type', 't.state as attempt_state', 't.tries', 't.error', 't.flights', 't.evidence', 't.finished', 't.valid_until',
];

const findAuthorization = statement((k, p) =>
  k('acme_account as a').select(ACCOUNT).select(AUTHORIZATION)
    .leftJoin('acme_authorization as z', (join) => { join.on('z.account', 'a.id').on('z.id', k.raw('?', [p('id')])); })
    .leftJoin('acme_attempt as t', 't.authorization', 'z.id')
    .where(mapValues(accountOf, p)));

const findAuthorizationAlone = statement((k, p) =>
  k('acme_authorization as z').select(AUTHORIZATION)
    .leftJoin('acme_attempt as t', 't.authorization', 'z.id')
    .where({ 'z.id': p('id'), 'z.realm': p('realm') }));

const insertAuthorization = statement((k, p) =>
  k('acme_authorization').insert({
    id: p('id'), realm: p('realm'), directory: p('directory'), account: p('account'), type: p('type'), value: p('value'),
    wildcard: p('wildcard'), subdomains: p('subdomains'), token: p('token'), challenges: p('challenges'), expires: p('expires'), created: p('created'),
  }));

const deactivateOne = statement((k, p) =>
  k('acme_authorization').where({ id: p('id') }).whereNull('deactivated').update({ deactivated: p('now') }));

interface AuthorizationRow {
  authorization_id: string; authorization_account: string; type: 'dns' | 'ip'; value: string; wildcard: number; subdomains: number; token: string; challenges: string;
  authorization_expires: number; deactivated: number | null;
  attempt_type: ChallengeType | null; attempt_state: Attempt['state']; tries: number; error: string | null; flights: string | null;
  evidence: string | null;
  finished: number | null; valid_until: number | null;
}

const toAuthorization = (row: AuthorizationRow): Authorization => ({
  id: row.authorization_id, account: row.authorization_account, identifier: { type: row.type, value: row.value },
  wildcard: row.wildcard === 1, subdomains: row.subdomains === 1, token: row.token,
  challenges: JSON.parse(row.challenges) as ChallengeType[], expires: row.authorization_expires, deactivated: row.deactivated !== null,
  attempt: row.attempt_type === null ? undefined : {
    type: row.attempt_type, state: row.attempt_state, tries: row.tries,
    error: row.error === null ? undefined : (JSON.parse(row.error) as Problem), flights: flightsIn(row.flights),
    evidence: row.evidence === null ? undefined : JSON.parse(row.evidence),
    finished: row.finished ?? undefined, validUntil: row.valid_until ?? undefined,
  },
});

/** Whoever it belongs to: for the operator. */
export async function authorizationById(database: Database, realm: string, id: string): Promise<Authorization | undefined> {
  const row = await database.one<AuthorizationRow>(findAuthorizationAlone, { realm, id });
  return row && toAuthorization(row);
}

function recordAuthorization(site: Site, authorization: Authorization, now: number): Write {
  const { id, account, identifier, wildcard, subdomains, token, challenges, expires } = authorization;
  return {
    statement: insertAuthorization, rows: 1,
    values: {
      ...scope(site), id, account, ...identifier, wildcard: wildcard ? 1 : 0, subdomains: subdomains ? 1 : 0, token,
      challenges: JSON.stringify(challenges), expires, created: now,
    },
  };
}

/** False when something of `together` does not hold. */
export const createAuthorization = (
  database: Database, site: Site, authorization: Authorization, now: number, together: readonly Write[],
): Promise<boolean> => database.commit([...together, recordAuthorization(site, authorization, now)]);

// Of each key the latest proof, by the index that holds proofs alone; if that one was deactivated, no older one is dug up.
const proofsSql = (keys: string) => `
  select k.value as proves, ${AUTHORIZATION.join(', ')} from ${keys}
  join acme_attempt t on t."authorization" = (select p."authorization" from acme_attempt p
    where p.proves = k.value and p.state = 'valid' and p.finished > :proven_after order by p.finished desc limit 1)
  join acme_authorization z on z.id = t."authorization"
  where z.deactivated is null and t.valid_until > :valid_after`;

const findProofsOf = rawStatement({
  sqlite: proofsSql('json_each(:keys) k'),
  postgres: proofsSql('jsonb_array_elements_text(:keys::jsonb) k(value)'),
});

/** The valid authorization with each of these keys (see proofKey), where there is one. Times in ms UTC. */
export async function findProofs(
  database: Database, keys: readonly string[], { provenAfter, validAfter }: { provenAfter: number; validAfter: number },
): Promise<{ proves: string; authorization: Authorization }[]> {
  const rows = await database.many<AuthorizationRow & { proves: string }>(findProofsOf, { keys: JSON.stringify(keys), proven_after: provenAfter, valid_after: validAfter });
  return rows.map((row) => ({ proves: row.proves, authorization: toAuthorization(row) }));
}

/** True when this call did it. */
export const deactivateAuthorization = (database: Database, id: string, now: number): Promise<boolean> =>
  database.commit([{ statement: deactivateOne, values: { id, now }, rows: 1 }]);

// ── orders ──

const ORDER_COLUMNS = [
  'id', 'realm', 'directory', 'account', 'profile', 'identifiers', 'authorizations', 'not_before', 'not_after', 'renews', 'auto_renewal',
  'config_digest', 'expires', 'created',
];

// An account whose key is blocked orders nothing, and asking costs no statement of its own; `|| ''`: see insertIntent in ca/issuance.
const insertOrder = rawStatement(
  `insert into acme_order (${ORDER_COLUMNS.join(', ')}) select ${ORDER_COLUMNS.map((column) => `:${column}`).join(', ')}
   where not exists (select 1 from blocked_key where realm = :realm || '' and spki_sha256 = :spki_sha256 || '')`);

// A certificate is only ever recorded together with its intent's step from 'open' to 'signed' (migration 0001), and intents, unlike
// certificates, are not spread over partitions: so this one join says both whether the order is processing and whether it is valid.
const orderSql = (elements: string) => `
  select ${ACCOUNT.join(', ')}, o.id as order_id, o.profile, o.identifiers, o.not_before, o.not_after, o.expires, o.renews, o.auto_renewal, o.canceled,
    i.state as intent_state, i.issuer_key, i.serial, ${AUTHORIZATION.join(', ')}
  from acme_account a
  left join acme_order o on o.account = a.id and o.id = :id
  left join intent i on i.realm = o.realm and i.request_ref = coalesce(o.current_ref, o.id) and i.state <> 'closed' and i.request_ref is not null
  left join ${elements}
  left join acme_authorization z on z.id = e.value
  left join acme_attempt t on t."authorization" = z.id
  where a.id = :account and a.realm = :realm and a.directory = :directory
  order by e.key`;

const findOrder = rawStatement({
  sqlite: orderSql('json_each(o.authorizations) e on true'),
  postgres: orderSql('lateral jsonb_array_elements_text(o.authorizations::jsonb) with ordinality as e(value, key) on true'),
});

interface OrderRow extends AuthorizationRow {
  order_id: string | null; profile: string; identifiers: string; not_before: number | null; not_after: number | null; expires: number;
  renews: string | null; auto_renewal: string | null; canceled: number | null; intent_state: 'open' | 'signed' | null; issuer_key: string; serial: string;
}

const toOrder = (rows: readonly OrderRow[], row: OrderRow): Order => ({
  id: row.order_id as string, profile: row.profile, identifiers: JSON.parse(row.identifiers) as Order['identifiers'],
  authorizations: rows.map(toAuthorization), notBefore: row.not_before ?? undefined, notAfter: row.not_after ?? undefined,
  expires: row.expires, issuing: row.intent_state === 'open',
  certificate: row.intent_state === 'signed' ? { issuerKey: row.issuer_key, serial: row.serial } : undefined,
  ...(row.renews === null ? {} : { renews: JSON.parse(row.renews) as Renews }),
  ...(row.auto_renewal === null ? {} : { autoRenewal: JSON.parse(row.auto_renewal) as AutoRenewal }),
  ...(row.canceled === null ? {} : { canceled: row.canceled }),
});

/** A page costs no more than this many orders with their authorizations, invalid ones included. */
const ORDERS_PER_PAGE = 25;

// What makes an order invalid is said a second time here, and differently: order.ts has the last word, and a test holds the two together.
const ordersSql = (elements: string) => `
  select ${ACCOUNT.join(', ')}, o.id as order_id,
    case when i.state is not null then 1 when o.expires <= :now then 0 when exists (
      select 1 from ${elements} join acme_authorization z on z.id = e.value left join acme_attempt t on t."authorization" = z.id
      where z.deactivated is not null or t.state = 'invalid' or coalesce(t.valid_until, z.expires) <= :now) then 0 else 1 end as listed
  from acme_account a
  left join (select id, realm, account, expires, authorizations, current_ref from acme_order where account = :account and id > :after
    order by id limit ${ORDERS_PER_PAGE + 1}) o on o.account = a.id
  left join intent i on i.realm = o.realm and i.request_ref = coalesce(o.current_ref, o.id) and i.state <> 'closed' and i.request_ref is not null
  where a.id = :account and a.realm = :realm and a.directory = :directory
  order by o.id`;

const findOrders = rawStatement({
  sqlite: ordersSql('json_each(o.authorizations) e'),
  postgres: ordersSql('jsonb_array_elements_text(o.authorizations::jsonb) e(value)'),
});

const findBlockedKey = statement((k, p) => k('blocked_key').select('blocked_at').where({ realm: p('realm'), spki_sha256: p('spki_sha256') }));

export const isKeyBlocked = async (database: Database, realm: string, spkiSha256: string): Promise<boolean> =>
  (await database.one(findBlockedKey, { realm, spki_sha256: spkiSha256 })) !== undefined;

/**
 * The order and those of its authorizations that are new, in one commit with `together`; false when one of those no longer held, or when
 * the account's key (SHA-256 of its SubjectPublicKeyInfo) is blocked.
 */
export async function createOrder(
  database: Database, site: Site, account: Account, spkiSha256: string, order: Order, now: number, together: readonly Write[] = [],
): Promise<boolean> {
  const common = { ...scope(site), account: account.id, created: now };
  const writes: Write[] = [...together, {
    statement: insertOrder, rows: 1,
    values: {
      ...common, spki_sha256: spkiSha256, id: order.id, profile: order.profile, identifiers: JSON.stringify(order.identifiers),
      authorizations: JSON.stringify(order.authorizations.map(({ id }) => id)), not_before: order.notBefore ?? null,
      not_after: order.notAfter ?? null, renews: order.renews === undefined ? null : JSON.stringify(order.renews),
      auto_renewal: order.autoRenewal === undefined ? null : JSON.stringify(order.autoRenewal), config_digest: site.generation, expires: order.expires,
    },
  }];
  for (const authorization of order.authorizations) {
    if (authorization.attempt === undefined) writes.push(recordAuthorization(site, authorization, now)); // the others are there
  }
  return database.commit(writes);
}

// ── certificates ──

const findCertificate = statement((k, p) =>
  k('acme_account as a').select(ACCOUNT).select('c.issuer_key', 'c.der')
    .leftJoin('certificate as c', (join) => {
      join.on('c.requester_id', 'a.id').on('c.requester_kind', k.raw('?', [p('kind')])).on('c.issuer_key', k.raw('?', [p('issuer')]))
        .on('c.serial', k.raw('?', [p('serial')])).on('c.day', k.raw('?', [p('day')]));
    })
    .where(mapValues(accountOf, p)));

// ── what a request is about ──

type Ids = Readonly<Record<string, string | undefined>>;
type Load<T> = (database: Database, site: Site, account: string, ids: Ids, now: number) => Promise<Loaded<T> | undefined>;

/** How each kind is read, with its account; undefined when there is no such account in this directory. */
export const load: { readonly [A in keyof About]: Load<About[A]> } = {
  async nothing(database, site, account) {
    const row = await database.one<AccountRow>(findAccount, { ...scope(site), account });
    return row && { account: toAccount(row), about: undefined };
  },
  async authorization(database, site, account, ids) {
    const row = await database.one<AccountRow & AuthorizationRow & { authorization_id: string | null }>(
      findAuthorization, { ...scope(site), account, id: idIn(ids, 'authorization') });
    return row && { account: toAccount(row), about: row.authorization_id === null ? undefined : toAuthorization(row) };
  },
  async orders(database, site, account, ids, now) {
    const { account: owner, after = '' } = ids;
    const rows = await database.many<AccountRow & { order_id: string | null; listed: number }>(
      findOrders, { ...scope(site), account, after: isPublicId(after) ? after : '', now });
    const [row] = rows;
    if (row === undefined) return undefined;
    if (owner !== account || (after !== '' && !isPublicId(after))) return { account: toAccount(row), about: undefined };
    const page = rows.slice(0, ORDERS_PER_PAGE);
    return {
      account: toAccount(row),
      about: {
        orders: page.flatMap(({ order_id, listed }) => (order_id !== null && listed === 1 ? [order_id] : [])),
        next: rows.length > ORDERS_PER_PAGE ? (page.at(-1)?.order_id ?? undefined) : undefined,
      },
    };
  },
  async order(database, site, account, ids) {
    const rows = await database.many<AccountRow & OrderRow>(findOrder, { ...scope(site), account, id: idIn(ids, 'order') });
    const [row] = rows;
    return row && { account: toAccount(row), about: row.order_id === null ? undefined : toOrder(rows, row) };
  },
  async certificate(database, site, account, ids) {
    const { serial = '', issuer = '' } = ids;
    const day = readSerial(serial)?.day;
    const row = await database.one<AccountRow & { issuer_key: string | null; der: Uint8Array }>(findCertificate, {
      ...scope(site), account, kind: REQUESTER_KIND, day: day ?? -1, serial: day === undefined ? '' : serial,
      issuer: /^[\w.-]{1,64}$/.test(issuer) ? issuer : '',
    });
    return row && {
      account: toAccount(row), about: row.issuer_key === null ? undefined : { issuerKey: row.issuer_key, serial, der: row.der },
    };
  },
};

/** What cannot be an id is looked up as none: paths hold what strangers put there, NUL included, which PostgreSQL takes for a fault. */
function idIn(ids: Ids, name: string): string {
  const id = ids[name] ?? '';
  return isPublicId(id) ? id : '';
}

const scope = (site: Site) => ({ realm: site.realm, directory: site.directory.name });

const mapValues = <T>(names: Readonly<Record<string, string>>, p: (name: string) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(names).map(([column, name]) => [column, p(name)]));
