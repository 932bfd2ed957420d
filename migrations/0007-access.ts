/**
 * Who gets an account, and how much: external account bindings, rate limits, pauses. An account holds what its binding allows it and when the
 * operator took it back, so that a request reads no other row for it.
 */
import type { Knex } from 'knex';
import type { Engine } from '../src/database/statement.ts';
import { text } from './0001-core.ts';
import type { Migration } from './migration.ts';

export const access: Migration = {
  name: '0007-access',
  up: (k, engine) => [
    k.schema.alterTable('acme_account', (t) => {
      text(t, engine, 'eab'); // the credential that made it
      for (const name of ['eab_jws', 'restriction']) t.text(name); // JSON: the binding as it was given, and what it allows
      for (const name of ['revoked', 'paused']) t.bigInteger(name); // by the operator, ms UTC
      t.index(['realm', 'id'], 'acme_account_listed');
      t.index(['eab'], 'acme_account_eab', { predicate: k.whereRaw('eab is not null') });
    }),
    credential(k, engine),
    limit(k, engine),
    // Emptied by a crash, which forgives everybody: a limit is no record.
    ...(engine === 'postgres' ? ['alter table acme_limit set unlogged'] : []),
    pause(k, engine),
  ],
};

/** `secret` is the HMAC key, sealed; `restriction` JSON, as accounts get it; `uses` null for any number; `expires`, `revoked` ms UTC. */
function credential(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_eab', (t) => {
    text(t, engine, 'id').primary();
    for (const name of ['realm', 'directory', 'description']) text(t, engine, name).notNullable();
    t.binary('secret').notNullable();
    t.text('restriction');
    t.integer('uses');
    t.integer('used').notNullable();
    t.bigInteger('created').notNullable();
    for (const name of ['expires', 'revoked']) t.bigInteger(name);
    t.index(['realm', 'id'], 'acme_eab_listed');
  });
}

/** One row per bucket (GCRA): `tat` is its theoretical arrival time, ms UTC, and a request is in time until that minus `slack` ms. */
function limit(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_limit', (t) => {
    for (const name of ['realm', 'key']) text(t, engine, name).notNullable();
    for (const name of ['tat', 'slack']) t.bigInteger(name).notNullable();
    t.primary(['realm', 'key']);
    t.index(['tat'], 'acme_limit_tat');
  });
}

/** How often in a row an account failed to prove a name, and since when it is not let try any more. A success takes the row away. */
function pause(k: Knex, engine: Engine): Knex.SchemaBuilder {
  return k.schema.createTable('acme_pause', (t) => {
    for (const name of ['realm', 'account', 'name']) text(t, engine, name).notNullable();
    t.integer('failures').notNullable();
    t.bigInteger('changed').notNullable();
    t.bigInteger('paused');
    t.primary(['account', 'name']);
    t.index(['changed'], 'acme_pause_changed');
  });
}
