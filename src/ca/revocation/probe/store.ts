/** SQL of the prober: what was found at each URL the last time, and a few certificates whose URLs are compared with those that are probed. */
import type { Database, Write } from '../../../database/database.ts';
import { rawStatement } from '../../../database/statement.ts';

/** What was found at one URL; times are ms. */
export interface ProbeRow {
  readonly realm: string;
  readonly issuer_key: string;
  readonly url: string;
  readonly what: string;
  readonly checked_at: number;
  /** When it was last as it should be; null: never. */
  readonly good_at: number | null;
  /** Null while it is as it should be, as `fault`. */
  readonly bad_since: number | null;
  readonly fault: string | null;
  /** The highest CRL number that was found, in 20 digits. */
  readonly number: string | null;
}

const COLUMNS = ['realm', 'issuer_key', 'url', 'what', 'checked_at', 'good_at', 'bad_since', 'fault', 'number'] as const satisfies readonly (keyof ProbeRow)[];

const findProbes = rawStatement(`select ${COLUMNS.join(', ')} from probed_url where issuer_key = :issuer_key order by url limit 2048`);

// The later look counts, whichever front is slower to tell.
const putProbe = rawStatement(
  `insert into probed_url (${COLUMNS.join(', ')}) values (${COLUMNS.map((column) => `:${column}`).join(', ')})
   on conflict (issuer_key, url) do update set ${COLUMNS.slice(3).map((column) => `${column} = excluded.${column}`).join(', ')}
   where probed_url.checked_at <= excluded.checked_at`);

const dropProbe = rawStatement('delete from probed_url where issuer_key = :issuer_key and url = :url');

const findOldest = rawStatement(
  `select shard, der from certificate
   where issuer_key = :issuer_key and serial >= :from_serial and serial < :to_serial and day >= :today order by serial limit 32`);

export async function probesOf(database: Database, issuerKey: string): Promise<ProbeRow[]> {
  const rows = await database.many<ProbeRow>(findProbes, { issuer_key: issuerKey });
  const number = (value: number | null): number | null => (value === null ? null : Number(value));
  return rows.map((row) => ({ ...row, checked_at: Number(row.checked_at), good_at: number(row.good_at), bad_since: number(row.bad_since) }));
}

export const recordProbe = (row: ProbeRow): Write => ({ statement: putProbe, values: { ...row }, rows: 'any' });

export const forgetProbe = (issuerKey: string, url: string): Write => ({ statement: dropProbe, values: { issuer_key: issuerKey, url }, rows: 'any' });

/** Of the certificates of one signer that are valid still, those that end first; days as in serials. */
export const oldestCertificates = (database: Database, issuerKey: string, signerId: number, today: number): Promise<{ shard: number; der: Uint8Array }[]> =>
  database.many(findOldest, { issuer_key: issuerKey, from_serial: hex(signerId, 2) + hex(today, 4), to_serial: hex(signerId + 1, 2), today });

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
