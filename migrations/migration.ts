/** What a migration is. */

import type { Knex } from 'knex';
import type { Engine } from '../src/database/statement.ts';

export interface Migration {
  /** As in its file name, without the extension. Never changed once released. */
  readonly name: string;
  /** The steps for one engine, built offline: schema builders, or SQL where these cannot say it. No parameters. */
  up(k: Knex, engine: Engine): readonly (Knex.SchemaBuilder | string)[];
}
