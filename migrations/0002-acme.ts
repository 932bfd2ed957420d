/**
 * What the ACME door stores. Nothing here is a status: those are computed from these rows and from `intent`.
 *
 * Orders and authorizations never change once made (but for `deactivated`), so a row is written once. What happened to an authorization
 * is its one row in acme_attempt: its key is the authorization, so there is one validation at a time, and one outcome.
 * An order names its authorizations, in a JSON array, and not they it: later orders may share them.
 */
import type { Knex } from 'knex';
import type { Engine } from '../src/database/statement.ts';
import { text } from './0001-core.ts';
import type { Migration } from './migration.ts';

export const acme: Migration = {
  name: '0002-acme',
  up: (k, engine) => [account(k, engine), order(k, engine), authorization(k, engine), attempt(k, engine)],
};

/** `contact` is a JSON array; `jwk` the required members of the key alone (RFC 7638). One key, one account per directory. */
function account(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_account', (t) => {
    text(t, engine, 'id').primary();
    for (const name of ['realm', 'directory', 'thumbprint', 'jwk', 'contact', 'state']) text(t, engine, name).notNullable();
    t.bigInteger('terms_agreed');
    t.bigInteger('created').notNullable();
    t.check("state in ('valid', 'deactivated')");
    t.unique(['realm', 'directory', 'thumbprint'], { indexName: 'acme_account_key' });
  });
}

/** `identifiers` and `authorizations` are JSON arrays; an authorization may stand for several identifiers (RFC 9444). */
function order(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_order', (t) => {
    text(t, engine, 'id').primary();
    for (const name of ['realm', 'directory', 'account', 'profile', 'identifiers', 'authorizations', 'config_digest']) {
      text(t, engine, name).notNullable();
    }
    for (const name of ['not_before', 'not_after']) t.bigInteger(name);
    for (const name of ['expires', 'created']) t.bigInteger(name).notNullable();
  });
}

/** `type` and `value` are the identifier, `*.` taken off and said by `wildcard`; `challenges` is a JSON array. */
function authorization(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_authorization', (t) => {
    text(t, engine, 'id').primary();
    for (const name of ['realm', 'directory', 'account', 'type', 'value', 'token', 'challenges']) text(t, engine, name).notNullable();
    t.integer('wildcard').notNullable();
    for (const name of ['expires', 'created']) t.bigInteger(name).notNullable();
    t.bigInteger('deactivated');
  });
}

/**
 * `thumbprint` is that of the account key when the client answered (RFC 8555 §8.1). While it runs, `holder` is the front that is at it,
 * until `lease_expires`; without a holder, that is when the next try is due. `error` and `evidence` are JSON.
 */
function attempt(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_attempt', (t) => {
    text(t, engine, 'authorization').primary();
    for (const name of ['realm', 'type', 'thumbprint', 'state']) text(t, engine, name).notNullable();
    for (const name of ['holder', 'error', 'evidence']) text(t, engine, name);
    t.integer('tries').notNullable();
    for (const name of ['lease_expires', 'created']) t.bigInteger(name).notNullable();
    for (const name of ['finished', 'valid_until']) t.bigInteger(name);
    t.check("state in ('running', 'valid', 'invalid')");
    t.index(['lease_expires'], 'acme_attempt_due', { predicate: k.whereRaw("state = 'running'") });
  });
}
