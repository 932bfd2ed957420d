/** SQL of accounts as operators see them. */
import { auditEntry } from '../../../ca/index.ts';
import type { Database, Write } from '../../../database/database.ts';
import { isPublicId, publicId, type Random } from '../../../database/public-id.ts';
import { rawStatement, statement } from '../../../database/statement.ts';
import type { Account } from '../account.ts';
import type { Change } from './operate.ts';

/** An account, and how it stands. Times are ms UTC. */
export interface Standing {
  readonly id: string;
  readonly directory: string;
  readonly state: Account['state'];
  readonly contact: readonly string[];
  readonly thumbprint: string;
  readonly created: number;
  /** The credential that made it. */
  readonly credential: string | undefined;
  /** Since when the operator has it paused. */
  readonly paused: number | undefined;
  /** Names that it has lately failed to prove; of a listing, none are told. */
  readonly names: readonly NameStanding[];
}

export interface NameStanding {
  readonly name: string;
  /** In a row. */
  readonly failures: number;
  readonly paused: number | undefined;
}

const STANDING = ['id', 'directory', 'state', 'revoked', 'paused', 'contact', 'thumbprint', 'created', 'eab'];

interface StandingRow {
  id: string; directory: string; state: 'valid' | 'deactivated'; revoked: number | null; paused: number | null; contact: string; thumbprint: string;
  created: number; eab: string | null;
}

const toStanding = (row: StandingRow, names: readonly NameStanding[]): Standing => ({
  id: row.id, directory: row.directory, state: row.state === 'valid' && row.revoked !== null ? 'revoked' : row.state,
  contact: JSON.parse(row.contact) as string[], thumbprint: row.thumbprint, created: row.created, credential: row.eab ?? undefined,
  paused: row.paused ?? undefined, names,
});

const listFrom = statement((k, p) =>
  k('acme_account').select(STANDING).where({ realm: p('realm') }).where('id', '>', p('after')).orderBy('id').limit(100));

const findOne = statement((k, p) => k('acme_account').select(STANDING).where({ realm: p('realm'), id: p('id') }));

const findNames = statement((k, p) =>
  k('acme_pause').select('name', 'failures', 'paused').where({ account: p('id') }).orderBy('name').limit(100));

const CHANGE = {
  revoked: statement((k, p) => k('acme_account').where({ realm: p('realm'), id: p('id'), state: 'valid' }).whereNull('revoked').update({ revoked: p('now') })),
  paused: statement((k, p) => k('acme_account').where({ realm: p('realm'), id: p('id'), state: 'valid' }).whereNull('paused').update({ paused: p('now') })),
  unpaused: rawStatement('update acme_account set paused = null where realm = :realm and id = :id'),
} as const satisfies Record<Change, unknown>;

const forgetNames = statement((k, p) => k('acme_pause').where({ realm: p('realm'), account: p('id') }).delete());

/** Up to 100, in the order of their ids, after the one called `after` ('' for the first). */
export async function listAccounts(database: Database, realm: string, after: string): Promise<Standing[]> {
  return (await database.many<StandingRow>(listFrom, { realm, after })).map((row) => toStanding(row, []));
}

export async function findAccount(database: Database, realm: string, id: string): Promise<Standing | undefined> {
  if (!isPublicId(id)) return undefined;
  const row = await database.one<StandingRow>(findOne, { realm, id });
  if (row === undefined) return undefined;
  const names = await database.many<{ name: string; failures: number; paused: number | null }>(findNames, { id });
  return toStanding(row, names.map((each) => ({ ...each, paused: each.paused ?? undefined })));
}

/** With its audit entry; false when another change was faster. */
export function changeStanding(database: Database, realm: string, id: string, change: Change, by: string, now: number, random: Random): Promise<boolean> {
  const writes: Write[] = [
    { statement: CHANGE[change], rows: 1, values: { realm, id, now } },
    auditEntry(publicId(now, random), realm, `account.${change}`, now, { account: id, by }),
  ];
  if (change === 'unpaused') writes.push({ statement: forgetNames, rows: 'any', values: { realm, id } });
  return database.commit(writes);
}
