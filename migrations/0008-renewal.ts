/**
 * What renewal stores: windows that an operator pulled forward, which order replaces which certificate (RFC 9773), and orders that renew
 * themselves (RFC 8739).
 *
 * `acme_order.renews` is JSON: the predecessor as the client named it, and as the CA knows it. The claim on a predecessor is a row of its
 * own, because its key makes a second one impossible; whether it still binds is computed from the order that holds it.
 */
import type { Knex } from 'knex';
import type { Engine } from '../src/database/statement.ts';
import { text } from './0001-core.ts';
import type { Migration } from './migration.ts';

export const renewal: Migration = {
  name: '0008-renewal',
  up: (k, engine) => [
    order(k, engine),
    replacement(k, engine),
    star(k, engine),
    pull(k, engine),
    // Whether a certificate was replaced. Intents, unlike certificates, are not spread over partitions.
    'create index intent_replaces on intent (realm, replaces) where replaces is not null',
  ],
};

/** `current_ref` is the reference of the certificate that is current, once it is another than the first, whose reference is the order's id. */
function order(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.alterTable('acme_order', (t) => {
    for (const name of ['renews', 'auto_renewal', 'current_ref']) text(t, engine, name);
    t.bigInteger('canceled');
  });
}

/** Which order replaces a certificate; another may take the place of one that failed. */
function replacement(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_replacement', (t) => {
    for (const name of ['issuer_key', 'serial', 'realm', 'order_id']) text(t, engine, name).notNullable();
    t.bigInteger('created').notNullable();
    t.primary(['issuer_key', 'serial']);
    t.index(['order_id'], 'acme_replacement_order');
  });
}

/**
 * Orders that renew themselves, once they were finalized: the key and the evidence that all their certificates have in common (JSON), how
 * many came after the first, and when the next is due; without `due`, there is none.
 */
function star(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_star', (t) => {
    text(t, engine, 'order_id').primary();
    for (const name of ['realm', 'directory', 'account', 'evidence']) text(t, engine, name).notNullable();
    t.binary('spki').notNullable();
    t.integer('period').notNullable();
    t.bigInteger('due');
    t.index(['realm', 'due'], 'acme_star_due', { predicate: k.whereRaw('due is not null') });
  });
}

/**
 * Windows pulled forward. `scope` is `serial:ISSUERKEY:SERIAL`, `profile:NAME` or `all`; of a set, the certificates recorded from
 * `issued_from` until before `issued_to`, which is never later than `at`: what was renewed is not pulled again.
 */
function pull(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('renewal_pull', (t) => {
    text(t, engine, 'id').primary();
    for (const name of ['realm', 'scope', 'pulled_by']) text(t, engine, name).notNullable();
    text(t, engine, 'explanation');
    for (const name of ['issued_from', 'issued_to', 'at', 'over_ms', 'expires']) t.bigInteger(name).notNullable();
    t.bigInteger('released');
    t.index(['realm', 'scope'], 'renewal_pull_active', { predicate: k.whereRaw('released is null') });
    t.index(['expires'], 'renewal_pull_expires');
  });
}
