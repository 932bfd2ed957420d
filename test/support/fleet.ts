/** Two fronts and a signer on one PostgreSQL, with an http-01 host for their clients: what runs at a site that wants no single front. */
import { openDatabase } from '../../src/database/database.ts';
import { rawStatement } from '../../src/database/statement.ts';
import { type Http01Responder, startHttp01Responder } from './http-01-responder.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';
import { World, type WorldOptions } from './world.ts';

export interface Fleet extends AsyncDisposable {
  readonly world: World;
  readonly postgres: TestPostgres;
  readonly responder: Http01Responder;
}

export const FRONTS = 2;

/** Validations give up soon, so that an attempt whose front was killed is free for another before clients lose patience. */
export async function openFleet(options: WorldOptions = {}): Promise<Fleet> {
  await using opened = new AsyncDisposableStack();
  const postgres = await startPostgres();
  opened.defer(() => postgres.stop());
  const database = await postgres.createDatabase();
  const world = opened.use(await World.open({
    fronts: FRONTS, ...options, database,
    configure(ca) {
      impatient(ca);
      options.configure?.(ca);
    },
  }));
  const responder = opened.use(await startHttp01Responder({ port: world.http01Port, forget: true }));
  const all = opened.move();
  return { world, postgres, responder, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** For `configure` of a world. */
export function impatient(ca: { validation: Record<string, unknown> }): void {
  Object.assign(ca.validation, { connectTimeout: '1s', totalTimeout: '3s' });
}

/** The number that one SQL statement selects, read on a connection of its own. */
export async function count(url: string, sql: string): Promise<number> {
  await using database = await openDatabase(url);
  const row = await database.one<Record<string, number>>(rawStatement(sql));
  return Number(Object.values(row ?? {})[0]);
}
