/**
 * What validation adds: authorizations that stand for all names below theirs (RFC 9444), and the tries of an attempt that failed
 * (JSON, at most 8 KiB: src/doors/acme/flight.ts).
 */
import type { Migration } from './migration.ts';

export const validation: Migration = {
  name: '0006-validation',
  up: (k) => [
    k.schema.alterTable('acme_authorization', (t) => { t.integer('subdomains').notNullable().defaultTo(0); }),
    k.schema.alterTable('acme_attempt', (t) => { t.text('flights'); }),
  ],
};
