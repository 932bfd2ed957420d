/** What day it was when retention last ran, so that a clock that jumped ahead cannot have everything forgotten at once. */
import { text } from './0001-core.ts';
import type { Migration } from './migration.ts';

/** One row: `day` since 2020-01-01, see database/reckoned-day.ts. */
export const reckonedDay: Migration = {
  name: '0011-reckoned-day',
  up: (k, engine) => [
    k.schema.createTable('reckoned_day', (t) => {
      text(t, engine, 'realm').notNullable().primary();
      t.integer('day').notNullable();
    }),
  ],
};
