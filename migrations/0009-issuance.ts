/**
 * What issuance adds: intents are found by the key that they are for, so that no account gets it (RFC 8555 §11.1). On PostgreSQL those of
 * certificates as well, which are spread over partitions.
 */
import type { Migration } from './migration.ts';

export const issuance: Migration = {
  name: '0009-issuance',
  up: (k, engine) => [
    k.schema.alterTable('intent', (t) => {
      const predicate = k.whereRaw(engine === 'postgres' ? "state <> 'closed' and spki_sha256 is not null" : "state = 'open'");
      t.index(['spki_sha256'], 'intent_key', { predicate });
    }),
  ],
};
