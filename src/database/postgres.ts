/**
 * PostgreSQL, the engine for more than one front: a bounded pool, statements prepared on each connection, and every
 * commit in one round trip (pipeline.ts). A lost connection, a restart or a failover is waited out, for some seconds;
 * but a commit is sent a second time only when it is certain that the first one came to nothing.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Database, Write } from './engine.ts';
import { DatabaseUnavailable, DatabaseUnusable } from './errors.ts';
import { Pipeline } from './pipeline.ts';
import { faultOf, isLost } from './postgres-faults.ts';
import { guarded, namedQuery } from './postgres-sql.ts';
import { rawStatement, type Statement, type Values } from './statement.ts';

/** Connections per front. Eight fronts of one machine still fit into PostgreSQL's default of 100. */
const poolSize = 10;
/** For connecting, and for a free connection of the pool. */
const connectTimeoutMs = 3000;
const statementTimeoutMs = 10_000;
/** A little more, for a server that went away without a word. */
const answerTimeoutMs = 12_000;
/** A front that falls off the network in the middle of a commit leaves its locks behind: the server is to notice within half a minute. */
const keepAlive = '-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3';
/** How long faults that pass are waited out. */
const patienceMs = 5000;
const longestPauseMs = 400;
/** How long a start waits for a server that says that it is starting up or recovering. */
const recoveryMs = 30_000;
/** Any number, the same in every version: migrations of two programs must exclude each other. */
const migrationLock = 6_348_411;

const clock = rawStatement('select (extract(epoch from clock_timestamp()) * 1000)::bigint as now');
const settings = rawStatement(`select current_setting('server_version_num')::integer as version, current_setting('fsync') as fsync,
  current_setting('synchronous_commit') as synchronous_commit`);

/** Connects once, so that what is wrong with the URL or the server is said now. */
export async function openPostgres(url: string): Promise<Database> {
  const database = new PostgresDatabase(url);
  try {
    await database.check();
    return database;
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

class PostgresDatabase implements Database {
  readonly engine = 'postgres';
  readonly counters = { commits: 0, statements: 0 };
  readonly #pool: pg.Pool;
  /** Never connected: it knows how to read the URL. */
  readonly #target: pg.Client;

  constructor(url: string) {
    this.#target = new pg.Client({ connectionString: url });
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: 'chancery',
      max: poolSize,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: answerTimeoutMs,
      idleTimeoutMillis: 60_000,
      keepAlive: true, options: keepAlive,
      types: { getTypeParser },
    });
    // A connection that dies is noticed by whoever uses it, or leaves the pool; the event alone concerns nobody.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** Refuses what would break our promises. Waits for a server that is coming up, not for one that is not there. */
  async check(): Promise<void> {
    type Settings = { version: number; fsync: string; synchronous_commit: string };
    let found: Settings | undefined;
    for (const start = performance.now(); found === undefined; ) {
      try {
        found = (await this.#use((client) => client.query<Settings>(namedQuery(settings, {})))).rows[0];
      } catch (error) {
        const isComing = error instanceof pg.DatabaseError && error.code === '57P03';
        if (!isComing || performance.now() - start > recoveryMs) throw this.#cannotOpen(error);
        await sleep(longestPauseMs);
      }
    }
    if (found.version < 150_000) throw new DatabaseUnusable('PostgreSQL 15 or newer is needed');
    if (found.fsync === 'off' || found.synchronous_commit === 'off') {
      const why = 'a certificate could be handed out and its record lost: set both to on';
      throw new DatabaseUnusable(`PostgreSQL runs with fsync or synchronous_commit off, so ${why}`);
    }
  }

  async one<T>(statement: Statement, values: Values = {}): Promise<T | undefined> {
    return (await this.many<T>(statement, values))[0];
  }

  async many<T>(statement: Statement, values: Values = {}): Promise<T[]> {
    this.counters.statements += 1;
    const query = namedQuery(statement, values);
    // Whatever became of the first attempt, a read may be asked again.
    const { rows } = await this.#patiently(
      'a read',
      () => this.#use((client) => client.query(query)),
      () => true,
    );
    return rows as T[];
  }

  async commit(writes: readonly Write[]): Promise<boolean> {
    this.counters.commits += 1;
    return this.#run(writes, false);
  }

  // Nothing of consequence hangs on such a row: done twice, it is refused the second time.
  readonly volatile = (write: Write): Promise<boolean> => this.#run([write], true);

  async now(): Promise<number> {
    return (await this.one<{ now: number }>(clock))?.now as number;
  }

  async upgrade(plan: (applied: readonly string[]) => readonly string[]): Promise<void> {
    let refusal: unknown;
    const decide = (applied: readonly string[]): readonly string[] => {
      try {
        return plan(applied);
      } catch (error) {
        refusal = error;
        throw error;
      }
    };
    try {
      await this.#use((client) => upgradeWith(client, decide));
    } catch (error) {
      throw refusal ?? this.#cannotOpen(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }

  async #run(writes: readonly Write[], repeatable: boolean): Promise<boolean> {
    this.counters.statements += writes.length;
    const steps = writes.map(guarded);
    let pipeline: Pipeline | undefined;
    const attempt = async (): Promise<boolean> => {
      pipeline = undefined;
      try {
        await this.#use((client) => {
          pipeline = new Pipeline(steps);
          return pipeline.run(client);
        });
        return true;
      } catch (error) {
        if (faultOf(error) === 'refused') return false;
        throw error;
      }
    };
    return this.#patiently('a commit', attempt, () => repeatable || pipeline === undefined || pipeline.cameToNothing);
  }

  /**
   * Runs `attempt` until it succeeds, or fails for good, or patience ends.
   * @param mayRepeat whether, after the failure just seen, running it again cannot do the work twice
   */
  async #patiently<T>(what: string, attempt: () => Promise<T>, mayRepeat: () => boolean): Promise<T> {
    const start = performance.now();
    for (let pause = 20; ; pause = Math.min(2 * pause, longestPauseMs)) {
      try {
        return await attempt();
      } catch (error) {
        const fault = faultOf(error);
        if (fault === undefined) throw error;
        const ambiguous = !mayRepeat();
        const over = performance.now() - start > patienceMs || this.#pool.ending;
        if (ambiguous || over || fault !== 'passing') {
          const sentence = `PostgreSQL did not answer ${what}: ${reasonOf(error)}`;
          throw new DatabaseUnavailable(sentence, { ambiguous, cause: error });
        }
        await sleep(pause);
      }
    }
  }

  /** Lends a connection; one that failed is not lent again. */
  async #use<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let lost = false;
    try {
      return await work(client);
    } catch (error) {
      lost = isLost(error);
      throw error;
    } finally {
      client.release(lost);
    }
  }

  /** One sentence for the operator. The URL itself is not in it: it may hold a password. */
  #cannotOpen(error: unknown): Error {
    const { host, port, user, database } = this.#target;
    const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
    if (code.startsWith('28')) return new DatabaseUnusable(`PostgreSQL at ${host}:${port} does not let ${user} in`);
    if (code.startsWith('3D')) return new DatabaseUnusable(`PostgreSQL at ${host}:${port} has no database ${database}`);
    if (faultOf(error) === undefined) return error as Error;
    const sentence = `PostgreSQL at ${host}:${port} cannot be reached: ${reasonOf(error)}`;
    return new DatabaseUnavailable(sentence, { cause: error });
  }
}

/** A host with two addresses that both refuse yields an error without words. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || 'no reason given';
}

/** In one transaction, however long it takes and whoever holds the lock before us. */
async function upgradeWith(
  client: pg.ClientBase,
  plan: (applied: readonly string[]) => readonly string[],
): Promise<void> {
  const sql = (text: string): Promise<pg.QueryResult> =>
    client.query({ text, query_timeout: 0x7fffffff } as pg.QueryConfig);
  await sql('begin');
  try {
    await sql('set local statement_timeout = 0');
    await sql(`select pg_advisory_xact_lock(${migrationLock})`);
    await sql('create table if not exists schema_version (name text primary key)');
    const { rows } = await sql('select name from schema_version order by name');
    for (const step of plan(rows.map((row) => row.name))) await sql(step);
    await sql('commit');
  } catch (error) {
    await sql('rollback').catch(() => {}); // the connection may be what failed
    throw error;
  }
}

/** int8 as a number: times and counters stay far below 2^53, and a value that does not is a mistake of ours. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit into a number`);
  return value;
}

function getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
  if (oid === pg.types.builtins.INT8 && format !== 'binary') return parseInt8;
  return format === 'binary' ? pg.types.getTypeParser(oid, format) : pg.types.getTypeParser(oid);
}
