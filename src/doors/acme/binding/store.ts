/** SQL of external account bindings. A use is counted in the commit that makes the account, by compare-and-swap. */
import { auditEntry } from '../../../ca/index.ts';
import type { Database, Write } from '../../../database/database.ts';
import { isPublicId, publicId, type Random } from '../../../database/public-id.ts';
import { rawStatement, statement } from '../../../database/statement.ts';
import type { Account } from '../account.ts';
import type { Site } from '../site.ts';
import type { Bounds, Credential } from './credential.ts';

const CREDENTIAL = ['id', 'directory', 'description', 'restriction', 'uses', 'used', 'created', 'expires', 'revoked'];

interface CredentialRow {
  id: string; directory: string; description: string; restriction: string | null; uses: number | null; used: number; created: number;
  expires: number | null; revoked: number | null;
}

const toCredential = (row: CredentialRow): Credential => ({
  id: row.id, directory: row.directory, description: row.description,
  restriction: row.restriction === null ? undefined : (JSON.parse(row.restriction) as Bounds),
  uses: row.uses ?? undefined, used: row.used, created: row.created, expires: row.expires ?? undefined, revoked: row.revoked ?? undefined,
});

const findOne = statement((k, p) =>
  k('acme_eab').select(CREDENTIAL).select('secret').where({ id: p('id'), realm: p('realm'), directory: p('directory') }));

const insertOne = statement((k, p) =>
  k('acme_eab').insert({
    id: p('id'), realm: p('realm'), directory: p('directory'), description: p('description'), secret: p('secret'), restriction: p('restriction'),
    uses: p('uses'), used: 0, created: p('created'), expires: p('expires'),
  }));

/** Of two that want the last use, one changes a row. */
const countUse = rawStatement(
  `update acme_eab set used = used + 1 where id = :id and revoked is null
   and (uses is null or used < uses) and (expires is null or expires > :now)`);

// The credential's row first, and an account's making touches it too: so no account is made behind the back of a revocation.
const revokeOne = statement((k, p) => k('acme_eab').where({ id: p('id'), realm: p('realm') }).whereNull('revoked').update({ revoked: p('now') }));
const revokeAccounts = statement((k, p) => k('acme_account').where({ eab: p('id') }).whereNull('revoked').update({ revoked: p('now') }));

const countAccounts = statement((k, p) => k('acme_account').where({ eab: p('id') }).whereNull('revoked').count({ accounts: '*' }));

const listFrom = statement((k, p) =>
  k('acme_eab').select(CREDENTIAL).where({ realm: p('realm') }).where('id', '>', p('after')).orderBy('id').limit(100));

/** A credential of this directory, and its HMAC key as it is sealed. */
export async function findCredential(database: Database, site: Site, id: string): Promise<{ credential: Credential; secret: Uint8Array } | undefined> {
  if (!isPublicId(id)) return undefined;
  const row = await database.one<CredentialRow & { secret: Uint8Array }>(findOne, { id, realm: site.realm, directory: site.directory.name });
  return row && { credential: toCredential(row), secret: row.secret };
}

/** Up to 100, in the order of their ids, after the one called `after` ('' for the first). */
export async function listCredentials(database: Database, realm: string, after: string): Promise<Credential[]> {
  return (await database.many<CredentialRow>(listFrom, { realm, after })).map(toCredential);
}

/** Adds it, with its audit entry. */
export async function insertCredential(
  database: Database, realm: string, credential: Credential, secret: Uint8Array, by: string, random: Random,
): Promise<void> {
  const { id, directory, description, restriction, uses = null, created, expires = null } = credential;
  const added = await database.commit([
    {
      statement: insertOne, rows: 1,
      values: { id, realm, directory, description, secret, uses, created, expires, restriction: restriction === undefined ? null : JSON.stringify(restriction) },
    },
    auditEntry(publicId(created, random), realm, 'credential.created', created, {
      credential: id, directory, description, uses, expires, by, profiles: restriction?.profiles ?? null, names: restriction?.names ?? null,
    }),
  ]);
  if (!added) throw new Error('a random id came up twice');
}

/** What has to hold, and to be told, for an account to be made with a binding. */
export function useOf({ realm, directory }: Site, { id, thumbprint, binding }: Account, now: number, random: Random): Write[] {
  if (binding === undefined) return [];
  return [
    { statement: countUse, rows: 1, values: { id: binding.credential, now } },
    auditEntry(publicId(now, random), realm, 'credential.used', now, { credential: binding.credential, account: id, directory: directory.name, thumbprint }),
  ];
}

/** Ends it and the accounts that it made, in one commit; false when it is not there or was revoked before. */
export const revokeCredential = (database: Database, realm: string, id: string, by: string, now: number, random: Random): Promise<boolean> =>
  database.commit([
    { statement: revokeOne, rows: 1, values: { id, realm, now } },
    { statement: revokeAccounts, rows: 'any', values: { id, now } },
    auditEntry(publicId(now, random), realm, 'credential.revoked', now, { credential: id, by }),
  ]);

/** How many accounts it made that are not revoked. */
export async function accountsMadeBy(database: Database, id: string): Promise<number> {
  return Number((await database.one<{ accounts: number }>(countAccounts, { id }))?.accounts ?? 0);
}
