/** What the prober found at each URL that certificates name, so that every front can show it. */
import { text } from './0001-core.ts';
import type { Migration } from './migration.ts';

/**
 * One row per URL and issuer key, which share an OCSP URL. `good_at` is when it was last found as it should be, null for never;
 * `fault` and `bad_since` are null while it is. `number` is the highest CRL number found there, in 20 digits.
 */
export const probedUrl: Migration = {
  name: '0010-probed-url',
  up: (k, engine) => [
    k.schema.createTable('probed_url', (t) => {
      for (const name of ['issuer_key', 'url', 'realm', 'what']) text(t, engine, name).notNullable();
      for (const name of ['fault', 'number']) text(t, engine, name);
      t.bigInteger('checked_at').notNullable();
      for (const name of ['good_at', 'bad_since']) t.bigInteger(name);
      t.primary(['issuer_key', 'url']);
    }),
  ],
};
