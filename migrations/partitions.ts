/** Partitioning by `day` on PostgreSQL: how a table gets it, and the two functions that make and drop partitions. */

import type { Knex } from 'knex';
import type { Engine } from '../src/database/statement.ts';

/** The tables made by `builder`, partitioned where the engine can; the default partition takes every other day. */
export function partitioned(engine: Engine, builder: Knex.SchemaBuilder): readonly (Knex.SchemaBuilder | string)[] {
  if (engine === 'sqlite') return [builder];
  const [create, ...rest] = (builder.toSQL() as unknown as readonly { sql: string }[]).map(({ sql }) => sql);
  const name = /^create table "(\w+)"/.exec(create ?? '')?.[1];
  if (create === undefined || name === undefined) throw new Error('no table to partition');
  return [`${create} partition by list (day)`, ...rest, `create table ${name}_rest partition of ${name} default`];
}

const tables = "array['evidence', 'certificate', 'certificate_name']";

/**
 * Partitions for all days from `first` to `last`; answers how many were made. Rows that went to the default partition
 * meanwhile (certificates valid for longer than partitions are made ahead) move to their own. A long reader must not
 * make every writer queue behind us: better no partition today than that, hence the lock timeout.
 */
export const ensurePartitions = `
create function ensure_partitions(first integer, last integer) returns integer
language plpgsql set lock_timeout = '2s' as $$
declare
  parent text; part text; made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  foreach parent in array ${tables} loop
    for day in first..last loop
      part := parent || '_' || day;
      continue when to_regclass(part) is not null;
      execute format('create table %I (like %I including all)', part, parent);
      execute format('lock table %I in access exclusive mode', parent || '_rest');
      execute format('with moved as (delete from %I where day = %s returning *) insert into %I select * from moved',
                     parent || '_rest', day, part);
      execute format('alter table %I attach partition %I for values in (%s)', parent, part, day);
      made := made + 1;
    end loop;
  end loop;
  return made;
end $$`;

/** Drops all days before `first_kept`; answers how many partitions went. */
export const dropPartitions = `
create function drop_partitions(first_kept integer) returns integer
language plpgsql set lock_timeout = '2s' as $$
declare
  parent text; part regclass; dropped integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  foreach parent in array ${tables} loop
    for part in
      select inhrelid from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = to_regclass(parent) and substring(relname from '_(\\d+)$')::integer < first_kept
    loop
      execute format('drop table %s', part);
      dropped := dropped + 1;
    end loop;
    execute format('delete from %I where day < %s', parent || '_rest', first_kept);
  end loop;
  return dropped;
end $$`;
