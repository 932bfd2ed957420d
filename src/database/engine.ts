/**
 * What the stores see of a database: single statements that read, and commits that are all or nothing.
 *
 * There is no interactive transaction. A store function returns `Write`s, and each transition is a compare-and-swap
 * (`where state = from`, with the number of rows that must change), so two processes, a retry or a double click need
 * no lock, and no transaction is ever open across a signature or a network call.
 */

import type { Engine, Statement, Values } from './statement.ts';

/** One statement of a commit. */
export interface Write {
  readonly statement: Statement;
  readonly values: Values;
  /** How many rows it must change; 1 unless said otherwise. 'any' is for sweeps and `on conflict do nothing`. */
  readonly rows?: number | 'any';
}

export interface Database extends AsyncDisposable {
  readonly engine: Engine;

  /** The first row, or undefined. Reads see all that was committed before, and nothing half done. */
  one<T>(statement: Statement, values?: Values): Promise<T | undefined>;

  /** All rows. The statement bounds them with a limit. */
  many<T>(statement: Statement, values?: Values): Promise<T[]>;

  /**
   * Does all of the writes, durably, or none.
   *
   * True: each write changed as many rows as it had to. False: one changed another number of rows or met a unique key
   * that is taken, and nothing was done. Throws DatabaseUnavailable when the engine is at fault, and any other error
   * for a statement that can never work (then nothing was done either).
   */
  commit(writes: readonly Write[]): Promise<boolean>;

  /**
   * Does one write to an UNLOGGED table at once and without waiting for the disk; answers as `commit` does. A crash of
   * the database empties such tables. Absent on SQLite, where process memory is as volatile and nearer.
   */
  readonly volatile?: (write: Write) => Promise<boolean>;

  /** The database's clock, ms since the epoch. Leases are judged by it, so that fronts need not agree on the time. */
  now(): Promise<number>;

  /** Since the start: durable commits asked for, and statements run (those in commits included). */
  readonly counters: { readonly commits: number; readonly statements: number };

  /**
   * For the migrator alone: under an exclusive lock, ask which migrations were applied and run, in one transaction,
   * the SQL that `plan` makes of the answer.
   */
  upgrade(plan: (applied: readonly string[]) => readonly string[]): Promise<void>;
}
