/**
 * What renewal stores: windows that an operator pulled forward, and which order replaces which certificate (RFC 9773).
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
    k.schema.alterTable('acme_order', (t) => { text(t, engine, 'renews'); }),
    replacement(k, engine),
    pull(k, engine),
    // Whether a certificate was replaced. Intents, unlike certificates, are not spread over partitions.
    'create index intent_replaces on intent (realm, replaces) where replaces is not null',
  ],
};

/** Which order replaces a certificate; another may take the place of one that failed. */
function replacement(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_replacement', (t) => {
    for (const name of ['issuer_key', 'serial', 'realm', 'order_id']) text(t, engine, name).notNullable();
    t.bigInteger('created').notNullable();
    t.primary(['issuer_key', 'serial']);
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
