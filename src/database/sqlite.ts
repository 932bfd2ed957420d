/**
 * SQLite, the embedded engine: one connection, WAL, every commit on disk before it is answered.
 *
 * The disk's fsync is what a commit costs, so commits that are asked for in the same turn of the event loop share one
 * transaction, each behind its own savepoint. better-sqlite3 is synchronous: no read can fall into an open transaction.
 */

import { closeSync, openSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import type { Database, Write } from './engine.ts';
import { DatabaseUnavailable, DatabaseUnusable } from './errors.ts';
import { bind, type Compiled, type Statement, type Values } from './statement.ts';

/** As many commits as may share a transaction: bounds how long the event loop stands still. */
const batchLimit = 256;
/** How long SQLite itself waits, and the event loop with it, for another process (a backup) to let go of the file. */
const busyTimeoutMs = 1000;

interface Waiting {
  readonly writes: readonly Write[];
  readonly settle: PromiseWithResolvers<boolean>;
}
/** What became of one commit of a batch. It is not told before the batch is on disk. */
type Outcome = { readonly done: boolean } | { readonly mistake: unknown };

export function openSqlite(file: string): Database {
  return new SqliteDatabase(connect(file));
}

class SqliteDatabase implements Database {
  readonly engine = 'sqlite';
  readonly counters = { commits: 0, statements: 0 };
  readonly #connection: Sqlite.Database;
  readonly #prepared = new Map<string, Sqlite.Statement<unknown[]>>();
  readonly #control: Record<'begin' | 'savepoint' | 'undo' | 'release' | 'commit', Sqlite.Statement>;
  #queue: Waiting[] = [];

  constructor(connection: Sqlite.Database) {
    this.#connection = connection;
    this.#control = {
      begin: connection.prepare('begin immediate'),
      savepoint: connection.prepare('savepoint one'),
      undo: connection.prepare('rollback to one'),
      release: connection.prepare('release one'),
      commit: connection.prepare('commit'),
    };
  }

  async one<T>(statement: Statement, values: Values = {}): Promise<T | undefined> {
    return this.#read((prepared, bound) => prepared.get(...bound) as T | undefined, statement, values);
  }

  async many<T>(statement: Statement, values: Values = {}): Promise<T[]> {
    return this.#read((prepared, bound) => prepared.all(...bound) as T[], statement, values);
  }

  commit(writes: readonly Write[]): Promise<boolean> {
    this.counters.commits += 1;
    const settle = Promise.withResolvers<boolean>();
    if (this.#queue.length === 0) setImmediate(() => this.#flush());
    this.#queue.push({ writes, settle });
    return settle.promise;
  }

  async now(): Promise<number> {
    return Date.now();
  }

  async upgrade(plan: (applied: readonly string[]) => readonly string[]): Promise<void> {
    const connection = this.#connection;
    try {
      connection.exec('begin exclusive');
      connection.exec('create table if not exists schema_version (name text primary key)');
      const applied = connection.prepare('select name from schema_version order by name').pluck().all() as string[];
      for (const sql of plan(applied)) connection.exec(sql);
      connection.exec('commit');
    } catch (error) {
      throw unavailable(error) ?? error;
    } finally {
      if (connection.inTransaction) connection.exec('rollback');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#queue.length > 0) this.#flush();
    this.#connection.close();
  }

  #read<R>(run: (prepared: Sqlite.Statement, bound: unknown[]) => R, statement: Statement, values: Values): R {
    const compiled = statement.compiled('sqlite');
    this.counters.statements += 1;
    try {
      return run(this.#prepare(compiled), bind(compiled, values));
    } catch (error) {
      throw unavailable(error) ?? error;
    }
  }

  #flush(): void {
    const batch = this.#queue.splice(0, batchLimit);
    if (batch.length === 0) return;
    if (this.#queue.length > 0) setImmediate(() => this.#flush());
    let committing = false;
    try {
      this.#control.begin.run();
      const outcomes = batch.map(({ writes }) => this.#attempt(writes));
      committing = true;
      this.#control.commit.run();
      for (const [i, { settle }] of batch.entries()) tell(settle, outcomes[i] as Outcome);
    } catch (error) {
      // SQLite rolls back by itself on some of these errors, and leaves it to us on others.
      if (this.#connection.inTransaction) this.#connection.exec('rollback');
      const failure = unavailable(error, committing) ?? error;
      for (const { settle } of batch) settle.reject(failure);
    }
  }

  /** One commit of a batch, behind its savepoint. Throws only what ends the whole batch. */
  #attempt(writes: readonly Write[]): Outcome {
    const { savepoint, undo, release } = this.#control;
    savepoint.run();
    let outcome: Outcome = { done: true };
    try {
      if (!writes.every((write) => this.#write(write))) outcome = { done: false };
    } catch (error) {
      if (unavailable(error) !== undefined || !this.#connection.inTransaction) throw error;
      outcome = isTaken(error) ? { done: false } : { mistake: error };
    }
    if (!('done' in outcome && outcome.done)) undo.run();
    release.run();
    return outcome;
  }

  #write({ statement, values, rows = 1 }: Write): boolean {
    const compiled = statement.compiled('sqlite');
    this.counters.statements += 1;
    const { changes } = this.#prepare(compiled).run(...bind(compiled, values));
    return rows === 'any' || changes === rows;
  }

  #prepare({ name, sql }: Compiled): Sqlite.Statement<unknown[]> {
    let prepared = this.#prepared.get(name);
    if (prepared === undefined) {
      prepared = this.#connection.prepare(planOnce(sql));
      this.#prepared.set(name, prepared);
    }
    return prepared;
  }
}

/**
 * SQLite built with STAT4 plans a statement anew whenever a value is bound that might have changed the plan, and every join has such
 * a parameter: 15 µs in place of 2 for three rows by their keys, 69 in place of 15 for an order. `+?` is the same value in an
 * expression, which the planner does not look into; the column's affinity applies to it all the same. Values of an insert are left
 * alone, for they have no plan. (The builder's SQL has `?` for parameters only, and raw statements may not have it in text.)
 */
const planOnce = (sql: string): string => (/^\s*insert/i.test(sql) ? sql : sql.replaceAll('?', '+?'));

function tell(settle: PromiseWithResolvers<boolean>, outcome: Outcome): void {
  if ('done' in outcome) settle.resolve(outcome.done);
  else settle.reject(outcome.mistake);
}

function connect(file: string): Sqlite.Database {
  try {
    closeSync(openSync(file, 'a', 0o600)); // made by us, so readable by us alone; SQLite gives its other files the same mode
    const connection = new Sqlite(file, { timeout: busyTimeoutMs });
    connection.pragma('journal_mode = WAL');
    connection.pragma('synchronous = FULL');
    connection.pragma('foreign_keys = ON');
    return connection;
  } catch (error) {
    const forbidden = ['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '');
    const remedy = forbidden ? 'make the state directory writable for this user, or set CHANCERY_STATE' : (error as Error).message;
    throw unavailable(error) ?? new DatabaseUnusable(`cannot open the database ${file}: ${remedy}`);
  }
}

function isTaken(error: unknown): boolean {
  return codeOf(error) === 'SQLITE_CONSTRAINT_UNIQUE' || codeOf(error) === 'SQLITE_CONSTRAINT_PRIMARYKEY';
}

/** The conditions that pass, or that an operator ends; no commit can make them or mend them. */
const passing: readonly (readonly [prefix: string, sentence: string])[] = [
  ['SQLITE_FULL', 'the disk that holds the database is full: free some space, nothing was half-written'],
  ['SQLITE_IOERR', 'the disk that holds the database fails'],
  ['SQLITE_BUSY', 'another process holds the database'],
  ['SQLITE_LOCKED', 'another process holds the database'],
  ['SQLITE_NOMEM', 'no memory is left for the database'],
  ['SQLITE_CANTOPEN', 'the database file cannot be opened: make the state directory writable for this user, or set CHANCERY_STATE'],
  ['SQLITE_READONLY', 'the database file may not be written: make it writable for this user'],
  ['SQLITE_PROTOCOL', 'another process holds the database'],
  ['SQLITE_CORRUPT', 'the database file is damaged: restore a backup'],
];

/**
 * @param committing the error came from `commit` itself. After an I/O error there the frames may have reached the
 *   write-ahead log, and a restart may find them: that is the one ambiguous case of this engine.
 */
function unavailable(error: unknown, committing = false): DatabaseUnavailable | undefined {
  const code = codeOf(error) ?? '';
  const row = passing.find(([prefix]) => code.startsWith(prefix));
  if (row === undefined) return undefined;
  const ambiguous = committing && row[0] === 'SQLITE_IOERR';
  return new DatabaseUnavailable(`${row[1]} (${code})`, { ambiguous, cause: error });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Sqlite.SqliteError ? error.code : undefined;
}
