/** The URL that a published CRL says of itself, so that one is made anew as soon as the configuration has another. Null: made before this was kept. */
import { text } from './0001-core.ts';
import type { Migration } from './migration.ts';

export const crlUrl: Migration = {
  name: '0012-crl-url',
  up: (k, engine) => [k.schema.alterTable('crl', (t) => { text(t, engine, 'url'); })],
};
