/** SQL of published CRLs: the newest of each shard, replaced only by one with a higher number. */
import type { Database, Write } from '../../../database/database.ts';
import { rawStatement, statement } from '../../../database/statement.ts';

export interface CrlRow {
  readonly realm: string;
  readonly issuer_key: string;
  readonly shard: number;
  readonly number: number;
  readonly this_update: number;
  readonly next_update: number;
  readonly der: Uint8Array;
  readonly signer_id: number;
  readonly journal_seq: number;
}

const COLUMNS = ['realm', 'issuer_key', 'shard', 'number', 'this_update', 'next_update', 'der', 'signer_id', 'journal_seq'] as const;

// I7: the condition on the number makes this a compare-and-swap; a late publisher changes nothing.
const replaceCrl = rawStatement(
  `insert into crl (${COLUMNS.join(', ')}) values (${COLUMNS.map((column) => `:${column}`).join(', ')})
   on conflict (issuer_key, shard) do update set number = excluded.number, this_update = excluded.this_update,
     next_update = excluded.next_update, der = excluded.der, signer_id = excluded.signer_id, journal_seq = excluded.journal_seq
   where crl.number < excluded.number`);

const findCrl = statement((k, p) =>
  k('crl').select(...COLUMNS).where({ issuer_key: p('issuer_key'), shard: p('shard') }));

export const publishRow = (row: CrlRow): Write => ({ statement: replaceCrl, values: { ...row }, rows: 1 });

export const latest = (database: Database, issuerKey: string, shard: number): Promise<CrlRow | undefined> =>
  database.one<CrlRow>(findCrl, { issuer_key: issuerKey, shard });
