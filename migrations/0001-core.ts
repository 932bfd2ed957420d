/**
 * What the CA itself stores, whichever doors are open.
 *
 * Conventions, for all migrations: times are integer milliseconds UTC; serials and digests lower-case hex; DER as blob;
 * text compares byte by byte on both engines; every table has `realm`, the tenant.
 *
 * `day` is the certificate's notAfter in days since 2020-01-01, as in bytes 2–3 of its serial. On PostgreSQL the tables
 * that grow (evidence, certificate, certificate_name) are partitioned by it, and dropped a day at a time; see
 * src/database/partitions.ts. A partitioned table can only hold unique what includes `day`, hence:
 *
 * - `day` is in the primary keys. As a check ties it to the serial, (issuer_key, serial) is still unique.
 * - That a request gets one certificate is held by `intent`, which is not partitioned: a certificate is only ever
 *   recorded together with its intent's step from 'open' to 'signed'.
 */

import type { Knex } from 'knex';
import type { Engine } from '../src/database/statement.ts';
import type { Migration } from './migration.ts';
import { dropPartitions, ensurePartitions, partitioned } from './partitions.ts';

export const core: Migration = {
  name: '0001-core',
  up(k, engine) {
    const tables = [
      ...(engine === 'postgres' ? [ensurePartitions, dropPartitions] : []),
      ...partitioned(engine, evidence(k, engine)),
      intent(k, engine),
      ...partitioned(engine, certificate(k, engine)),
      ...partitioned(engine, certificateName(k, engine)),
      auditEntry(k, engine),
      crl(k, engine),
      ...configuration(k, engine),
      lease(k, engine),
      ...(engine === 'postgres' ? nonces : []),
    ];
    return tables;
  },
};

/** Text that compares as bytes: on SQLite that is the default, and on PostgreSQL it is also the fastest. */
export function text(table: Knex.CreateTableBuilder, engine: Engine, name: string): Knex.ColumnBuilder {
  return table.specificType(name, engine === 'postgres' ? 'text collate "C"' : 'text');
}

function evidence(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('evidence', (t) => {
    for (const name of ['realm', 'digest', 'body']) text(t, engine, name).notNullable();
    t.integer('day').notNullable();
    t.bigInteger('created').notNullable();
    t.primary(['realm', 'digest', 'day']);
    if (engine === 'sqlite') t.index(['day'], 'evidence_day');
  });
}

/** What is about to be signed, durable before the signer is asked (I1). Serial of a CRL: `crl:SHARD:NUMBER`. */
function intent(k: Knex, engine: Engine): Knex.SchemaBuilder {
  const required = ['realm', 'purpose', 'issuer_key', 'serial', 'state', 'door', 'config_digest', 'front_id'];
  const optional = ['request_ref', 'requester_kind', 'requester_id', 'profile', 'evidence_digest', 'spki_sha256', 'correlation'];
  return k.schema.createTable('intent', (t) => {
    text(t, engine, 'id').primary();
    for (const name of required) text(t, engine, name).notNullable();
    for (const name of [...optional, 'lineage_id', 'replaces', 'reason']) text(t, engine, name);
    t.integer('shard');
    t.integer('signer_id').notNullable();
    t.binary('tbs').notNullable();
    for (const name of ['not_before', 'not_after', 'deadline', 'created']) t.bigInteger(name).notNullable();
    t.check("state in ('open', 'signed', 'closed')");
    t.unique(['issuer_key', 'serial'], { indexName: 'intent_serial' });
    const live = k.whereRaw("state <> 'closed' and request_ref is not null");
    t.unique(['realm', 'request_ref'], { indexName: 'intent_request', predicate: live });
    t.index(['deadline'], 'intent_open', { predicate: k.whereRaw("state = 'open'") });
  });
}

function certificate(k: Knex, engine: Engine): Knex.SchemaBuilder {
  const required = [
    'realm',
    'issuer_key',
    'serial',
    'profile',
    'config_digest',
    'spki_sha256',
    'sha256',
    'door',
    'requester_kind',
    'requester_id',
    'request_ref',
    'lineage_id',
    'evidence_digest',
  ];
  return k.schema.createTable('certificate', (t) => {
    for (const name of required) text(t, engine, name).notNullable();
    text(t, engine, 'replaces');
    for (const name of ['day', 'shard', 'signer_id']) t.integer(name).notNullable();
    for (const name of ['not_before', 'not_after', 'journal_seq', 'created']) t.bigInteger(name).notNullable();
    t.binary('der').notNullable();
    t.index(['signer_id', 'journal_seq'], 'certificate_receipt');
    if (engine === 'postgres') {
      t.check(dayIsInSerial);
      t.primary(['issuer_key', 'serial', 'day']);
    } else {
      t.primary(['issuer_key', 'serial']);
      t.unique(['realm', 'request_ref'], { indexName: 'certificate_request' });
      t.index(['day'], 'certificate_day');
    }
  });
}

/** One row per name, `reversed` (com.example.www) for searches by suffix. */
function certificateName(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('certificate_name', (t) => {
    for (const name of ['realm', 'issuer_key', 'serial', 'type', 'value', 'reversed']) {
      text(t, engine, name).notNullable();
    }
    t.integer('day').notNullable();
    t.index(['reversed'], 'certificate_name_reversed');
    if (engine === 'postgres') {
      t.check(dayIsInSerial);
      t.primary(['issuer_key', 'serial', 'type', 'value', 'day']);
    } else {
      t.primary(['issuer_key', 'serial', 'type', 'value']);
      t.index(['day'], 'certificate_name_day');
    }
  });
}

const dayIsInSerial = "day = ('x' || substr(serial, 3, 4))::bit(16)::integer";

/** Entries go in unnumbered, so that issuances share nothing; one leased sequencer numbers them. */
function auditEntry(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('audit_entry', (t) => {
    text(t, engine, 'id').primary();
    for (const name of ['realm', 'type', 'body', 'hash']) text(t, engine, name).notNullable();
    t.bigInteger('at').notNullable();
    t.bigInteger('seq');
    t.unique(['seq'], { indexName: 'audit_entry_seq', predicate: k.whereRaw('seq is not null') });
    t.index(['at', 'id'], 'audit_entry_unnumbered', { predicate: k.whereRaw('seq is null') });
  });
}

/** The latest CRL of each shard. Its number only goes up (I7). */
function crl(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('crl', (t) => {
    for (const name of ['issuer_key', 'realm']) text(t, engine, name).notNullable();
    for (const name of ['shard', 'signer_id']) t.integer(name).notNullable();
    for (const name of ['number', 'this_update', 'next_update', 'journal_seq']) t.bigInteger(name).notNullable();
    t.binary('der').notNullable();
    t.primary(['issuer_key', 'shard']);
    t.index(['signer_id', 'journal_seq'], 'crl_receipt');
  });
}

function configuration(k: Knex, engine: Engine): Knex.SchemaBuilder[] {
  return [
    k.schema.createTable('configuration_generation', (t) => {
      for (const name of ['realm', 'digest', 'body']) text(t, engine, name).notNullable();
      t.bigInteger('created').notNullable();
      t.primary(['realm', 'digest']);
    }),
    k.schema.createTable('configuration_current', (t) => {
      text(t, engine, 'realm').primary();
      text(t, engine, 'digest').notNullable();
      t.bigInteger('changed').notNullable();
    }),
  ];
}

/** Who runs a job. A row is never deleted, so that its fencing token never goes back. */
function lease(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('lease', (t) => {
    text(t, engine, 'name').primary();
    for (const name of ['realm', 'holder']) text(t, engine, name).notNullable();
    for (const name of ['token', 'expires']) t.bigInteger(name).notNullable();
  });
}

/**
 * Redeemed nonces, and in the row with the empty id the key under which they were issued: a crash of the database
 * empties UNLOGGED tables, key and all. Three tables take turns, so that old nonces go by TRUNCATE (shared-nonces.ts).
 */
const nonces = [
  ...[0, 1, 2].map(
    (slot) =>
      `create unlogged table nonce_${slot} (id bytea primary key, key_id bytea, secret bytea, created bigint) ` +
      'with (autovacuum_enabled = off)', // emptied long before there is anything to vacuum
  ),
  'create table nonce_turn (turn bigint not null)',
  'insert into nonce_turn values (0)',
];
