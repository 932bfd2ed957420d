/** SQL of renewal: what is known of a certificate that may be due, and the windows that operators pulled forward. */
import type { Database, Write } from '../../database/database.ts';
import { rawStatement, statement } from '../../database/statement.ts';
import { readSerial } from '../../x509/serial.ts';

/** One row of renewal_pull; see migration 0008. */
export interface PullRow {
  readonly id: string;
  readonly realm: string;
  readonly scope: string;
  readonly issued_from: number;
  readonly issued_to: number;
  readonly at: number;
  readonly over_ms: number;
  readonly explanation: string | null;
  readonly pulled_by: string;
  readonly expires: number;
}

const PULL = ['id', 'realm', 'scope', 'issued_from', 'issued_to', 'at', 'over_ms', 'explanation', 'pulled_by', 'expires'] as const satisfies readonly (keyof PullRow)[];

export interface RenewableRow {
  readonly issuer_key: string;
  readonly serial: string;
  readonly not_before: number;
  readonly not_after: number;
  readonly profile: string;
  readonly created: number;
  readonly lineage_id: string;
  readonly replaced: number;
  /** When it was revoked for good; null while it is not. */
  readonly revoked: number | null;
  readonly at: number | null;
  readonly over_ms: number | null;
  readonly explanation: string | null;
}

// One row for each pull that speaks about the certificate; several are rare, and the newest twenty are enough to find the earliest window.
const findRenewable = rawStatement(`
  select c.issuer_key, c.serial, c.not_before, c.not_after, c.profile, c.created, c.lineage_id, p.at, p.over_ms, p.explanation, r.recorded_at as revoked,
    case when exists (select 1 from intent i
      where i.realm = c.realm and i.replaces = c.issuer_key || ':' || c.serial and i.state = 'signed') then 1 else 0 end as replaced
  from certificate c
  left join revocation r on r.issuer_key = c.issuer_key and r.serial = c.serial and r.reason <> 6
  left join renewal_pull p on p.realm = c.realm and p.released is null
    and p.scope in ('serial:' || c.issuer_key || ':' || c.serial, 'profile:' || c.profile, 'all')
    and c.created >= p.issued_from and c.created < p.issued_to
  where c.issuer_key = :issuer_key and c.serial = :serial and c.day = :day and c.realm = :realm
  order by p.at desc limit 20`);

const insertPull = statement((k, p) =>
  k('renewal_pull').insert(Object.fromEntries(PULL.map((column) => [column, p(column)]))));

const forgetExpired = statement((k, p) => k('renewal_pull').where('expires', '<', p('now')).delete());

const releaseOne = statement((k, p) => k('renewal_pull').where({ id: p('id') }).whereNull('released').update({ released: p('now') }));

const activeOfScope = statement((k, p) =>
  k('renewal_pull').select(...PULL).where({ realm: p('realm'), scope: p('scope') }).whereNull('released').orderBy('id').limit(100));

const activePage = statement((k, p) =>
  k('renewal_pull').select(...PULL).where({ realm: p('realm') }).whereNull('released').where('id', '>', p('after')).orderBy('id').limit(100));

// The `|| ''` keeps SQLite from taking the index that begins with the realm, and sorting the whole table for each page.
const certificatePage = rawStatement(`
  select issuer_key, serial, profile, created, not_after from certificate
  where realm || '' = :realm and (issuer_key, serial) > (:issuer_key, :serial) order by issuer_key, serial limit 5000`);

/** The certificate, once for each pull that speaks about it; none when there is no such certificate. */
export const renewable = (database: Database, realm: string, issuerKey: string, serial: string): Promise<RenewableRow[]> =>
  database.many<RenewableRow>(findRenewable, { realm, issuer_key: issuerKey, serial, day: readSerial(serial)?.day ?? -1 });

const findReplacement = statement((k, p) =>
  k('intent').select('issuer_key', 'serial').where({ realm: p('realm'), replaces: p('replaces'), state: 'signed' }).orderBy('created').limit(1));

/** What was issued with `replaces` (`ISSUERKEY:SERIAL`), the first if several doors did. */
export const replacement = (database: Database, realm: string, replaces: string): Promise<{ issuer_key: string; serial: string } | undefined> =>
  database.one(findReplacement, { realm, replaces });

/** A pull, and in passing the end of those that nobody can ask about any more. */
export const recordPull = (row: PullRow, now: number): Write[] => [
  { statement: forgetExpired, values: { now }, rows: 'any' },
  { statement: insertPull, values: { ...row } },
];

/** Compare-and-swap: the commit does nothing when it was released already. */
export const releasePull = (id: string, now: number): Write => ({ statement: releaseOne, values: { id, now } });

/** Up to 100 that are in force for exactly this scope. */
export const activePulls = (database: Database, realm: string, scope: string): Promise<PullRow[]> =>
  database.many<PullRow>(activeOfScope, { realm, scope });

/** A page of 100 of all that are in force, by their ids. */
export const pullsAfter = (database: Database, realm: string, after: string): Promise<PullRow[]> =>
  database.many<PullRow>(activePage, { realm, after });

export interface CertificateKey {
  readonly issuer_key: string;
  readonly serial: string;
  readonly profile: string;
  readonly created: number;
  readonly not_after: number;
}

/** All certificates of the realm that are stored, a page at a time. */
export async function* certificatePages(database: Database, realm: string): AsyncGenerator<readonly CertificateKey[]> {
  let last = { issuer_key: '', serial: '' };
  for (;;) {
    const page = await database.many<CertificateKey>(certificatePage, { realm, ...last });
    const end = page.at(-1);
    if (end === undefined) return;
    yield page;
    last = { issuer_key: end.issuer_key, serial: end.serial };
  }
}

