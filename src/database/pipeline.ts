/**
 * One commit on PostgreSQL as one pipeline: all statements and a single Sync, sent without waiting in between.
 *
 * Up to the Sync they are one implicit transaction (PostgreSQL documentation, "Pipelining" in the extended query
 * protocol): the first error ends it, skips what follows and rolls back all. So a commit costs one round trip, and no
 * lock is held across one. This is a query object of our own for pg's queue, for pg itself sends a Sync after each.
 */

import type pg from 'pg';

/** One statement of the pipeline, its values already as PostgreSQL reads them. */
export interface Step {
  readonly name: string;
  readonly text: string;
  readonly values: readonly (string | Buffer | null)[];
}

/** The statements that a connection has prepared. They outlive a transaction that was rolled back. */
const preparedBy = new WeakMap<pg.Connection, Set<string>>();

export class Pipeline implements pg.Submittable {
  readonly #steps: readonly Step[];
  readonly #done = Promise.withResolvers<void>();
  #sent = false;
  #refusedByServer = false;
  #completed = 0;
  /** What pg calls when the query is over; it is how its own timeout reaches us. */
  callback = (error?: Error | null): void => (error ? this.#done.reject(error) : this.#done.resolve());

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** Resolves when all is committed. */
  async run(client: pg.ClientBase): Promise<void> {
    client.query(this);
    return this.#done.promise;
  }

  /**
   * After a failure: whether it is certain that nothing was committed. The server commits after the last statement has
   * completed, and answers in order, so it is if the server itself reported the error before that. A connection that
   * broke says nothing.
   */
  get cameToNothing(): boolean {
    return !this.#sent || (this.#refusedByServer && this.#completed < this.#steps.length);
  }

  submit(connection: pg.Connection): void {
    this.#sent = true;
    const prepared = preparedBy.get(connection) ?? new Set<string>();
    preparedBy.set(connection, prepared);
    const parsing: string[] = [];
    connection.stream.cork();
    for (const { name, text, values } of this.#steps) {
      if (!prepared.has(name) && !parsing.includes(name)) {
        connection.parse({ name, text, types: [] }, true);
        parsing.push(name);
      }
      connection.bind({ statement: name, portal: '', binary: 'false', values: values as unknown[] } as never, true);
      connection.execute({ portal: '', rows: '' }, true);
    }
    connection.sync();
    connection.stream.uncork();
    if (parsing.length > 0) this.#notePrepared(connection, prepared, parsing);
  }

  // What pg's client tells the query at the head of its queue.
  handleCommandComplete(): void {
    this.#completed += 1;
  }
  handleDataRow(): void {} // the row of a guard, or of a `returning`: nobody asked for it
  handleRowDescription(): void {}
  handleEmptyQuery(): void {}
  handleReadyForQuery(): void {
    this.callback();
  }
  handleError(error: Error & { readonly severity?: string }): void {
    this.#refusedByServer = error.severity !== undefined;
    this.callback(error);
  }

  /** The server confirms in order what it parsed; what came after an error it skipped. */
  #notePrepared(connection: pg.Connection, prepared: Set<string>, parsing: string[]): void {
    const note = (): void => {
      const name = parsing.shift();
      if (name !== undefined) prepared.add(name);
    };
    connection.on('parseComplete', note);
    this.#done.promise.catch(() => {}).finally(() => connection.removeListener('parseComplete', note));
  }
}
