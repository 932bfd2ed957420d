/** What issuance adds: open intents are found by the key that they are for, so that no account gets it (RFC 8555 §11.1). */
import type { Migration } from './migration.ts';

export const issuance: Migration = {
  name: '0009-issuance',
  up: (k) => [
    k.schema.alterTable('intent', (t) => { t.index(['spki_sha256'], 'intent_open_key', { predicate: k.whereRaw("state = 'open'") }); }),
  ],
};
