/**
 * What the rest of RFC 8555 stores: which terms an account agreed to, its key as certificates have theirs, and three indexes. One lists an
 * account's orders by key; one finds the account of a certificate's key; and one the proofs of control that an account already has, for later
 * orders. That one holds valid attempts alone, so it costs an index entry per proof and nothing for what is pending or failed.
 */
import type { Migration } from './migration.ts';

export const acmeFull: Migration = {
  name: '0005-acme-full',
  up: (k, engine) => {
    const text = engine === 'postgres' ? 'text collate "C"' : 'text';
    return [
      `alter table acme_account add column terms ${text}`, // the URL as it was when they were agreed to
      `alter table acme_account add column spki_sha256 ${text} not null default ''`,
      k.schema.alterTable('acme_account', (t) => { t.index(['spki_sha256'], 'acme_account_spki'); }),
      k.schema.alterTable('acme_order', (t) => { t.index(['account', 'id'], 'acme_order_account'); }),
      `alter table acme_attempt add column proves ${text}`, // account, identifier and wildcard in one: see proofKey in the door's store.ts
      "create index acme_attempt_proof on acme_attempt (proves, finished) where state = 'valid'",
    ];
  },
};
