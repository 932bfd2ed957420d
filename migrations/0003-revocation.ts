/**
 * What is revoked, which keys are blocked, and how far each CRL shard has come.
 *
 * A revocation and the mark on its shard are one commit; a builder reads the mark before the entries and says at publication up to which
 * mark its CRL goes, so nothing that is committed is ever left out for good.
 */
import type { Knex } from 'knex';
import type { Engine } from '../src/database/statement.ts';
import { text } from './0001-core.ts';
import type { Migration } from './migration.ts';

export const revocation: Migration = {
  name: '0003-revocation',
  up: (k, engine) => [
    revocations(k, engine), blockedKey(k, engine), crlShard(k, engine), certificatesByKey(k), k.schema.dropTable('crl'), crl(k, engine),
  ],
};

/**
 * `reason` is the code of RFC 5280 §5.3.1, 0 for unspecified; `revoked_at` what CRL and OCSP say, which for a compromised key may be long
 * before `recorded_at`. A row goes when its certificate's day goes (src/database/partitions.ts). The index has all that an entry says.
 */
function revocations(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('revocation', (t) => {
    for (const name of ['issuer_key', 'serial', 'realm', 'spki_sha256', 'door', 'requester_kind', 'requester_id']) text(t, engine, name).notNullable();
    for (const name of ['evidence_digest', 'correlation']) text(t, engine, name);
    for (const name of ['shard', 'reason', 'day']) t.integer(name).notNullable();
    for (const name of ['not_after', 'revoked_at', 'recorded_at']) t.bigInteger(name).notNullable();
    t.primary(['issuer_key', 'serial']);
    t.index(['issuer_key', 'shard', 'serial', 'not_after', 'revoked_at', 'reason'], 'revocation_entry');
    t.index(['day'], 'revocation_day');
  });
}

/** No certificate is issued for such a key. `swept` when every certificate that had it is revoked; until then a job looks again. */
function blockedKey(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('blocked_key', (t) => {
    for (const name of ['realm', 'spki_sha256', 'door', 'requester_kind', 'requester_id']) text(t, engine, name).notNullable();
    text(t, engine, 'correlation');
    t.bigInteger('blocked_at').notNullable();
    t.bigInteger('swept');
    t.primary(['realm', 'spki_sha256']);
    t.index(['blocked_at'], 'blocked_key_unswept', { predicate: k.whereRaw('swept is null') });
  });
}

/**
 * `changed` counts what was committed for the shard, `built` says up to which count its published CRL goes; `changed_at` is when the oldest
 * change that is not in it was made. `reserved` is the highest CRL number that a builder took, in 20 digits so that text compares as numbers:
 * it is that builder's fencing token, for only the holder of the highest may publish. `withdrawn` counts holds that were lifted.
 */
function crlShard(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('crl_shard', (t) => {
    for (const name of ['issuer_key', 'realm', 'reserved']) text(t, engine, name).notNullable();
    t.integer('shard').notNullable();
    for (const name of ['changed', 'built', 'withdrawn']) t.bigInteger(name).notNullable();
    t.bigInteger('changed_at');
    t.primary(['issuer_key', 'shard']);
  });
}

/**
 * The published CRL of each shard. Its `number` (20 digits, as in crl_shard) only goes up (I7): nanoseconds since 1970, beyond what a
 * number of JavaScript holds. It lists what expires at `listed_from` or later, `entries` in number.
 */
function crl(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('crl', (t) => {
    for (const name of ['issuer_key', 'realm', 'number', 'sha256']) text(t, engine, name).notNullable();
    for (const name of ['shard', 'entries', 'signer_id']) t.integer(name).notNullable();
    for (const name of ['this_update', 'next_update', 'listed_from', 'journal_seq']) t.bigInteger(name).notNullable();
    t.binary('der').notNullable();
    t.primary(['issuer_key', 'shard']);
    t.index(['signer_id', 'journal_seq'], 'crl_receipt');
  });
}

/** Of a compromised key, all certificates are revoked. */
const certificatesByKey = (k: Knex): Knex.SchemaBuilder =>
  k.schema.alterTable('certificate', (t) => { t.index(['spki_sha256'], 'certificate_key'); });
