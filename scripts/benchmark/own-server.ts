// Our own server as a user starts it (scripts/start), in a temporary directory, on free ports, with keys of its own.
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { start, type Started, until } from '../../test/support/processes.ts';
import { type CaYaml, REPOSITORY, World } from '../../test/support/world.ts';
import { commandOf, familyOf, listenerOn, type Watched } from './processes.ts';

const START_MS = 90_000;

export class OwnServer implements AsyncDisposable {
  readonly world: World;
  /** From the start of the command until it says that it is ready, in ms. */
  readonly startMs: number;
  readonly #server: Started;
  readonly #postgres: TestPostgres | undefined;

  private constructor(world: World, server: Started, startMs: number, postgres: TestPostgres | undefined) {
    this.world = world;
    this.startMs = startMs;
    this.#server = server;
    this.#postgres = postgres;
  }

  /** `database` is sqlite, postgres (a cluster of its own), or the URL of an empty PostgreSQL database. */
  static async open(database: string, configure: (ca: CaYaml) => void = () => {}): Promise<OwnServer> {
    await using opening = new AsyncDisposableStack();
    const postgres = database === 'postgres' ? await startPostgres() : undefined;
    opening.defer(() => postgres?.stop());
    const url = postgres === undefined ? database : await postgres.createDatabase();
    const world = opening.use(await World.open({
      started: false, ...(database === 'sqlite' ? {} : { database: url }), configure: (ca) => { ca.fronts = 1; configure(ca); },
    }));
    const begun = performance.now();
    const server = opening.use(start(join(REPOSITORY, 'scripts/start'), [], { env: world.environment() }));
    let ended: number | string | undefined;
    void server.ended.then((code) => { ended = code; });
    await until('the server is ready', async () => {
      if (ended !== undefined) throw new Error(`the server ended with ${ended}:\n${server.output()}`);
      return (await world.statusOf('/readyz')) === 200;
    }, START_MS);
    opening.move(); // from here on, disposing of the server disposes of all
    return new OwnServer(world, server, performance.now() - begun, postgres);
  }

  /** Its processes, as the tables name them. */
  processes(): readonly Watched[] {
    const own = familyOf(this.#server.pid).map((pid) => ({ name: nameOf(commandOf(pid)), pid }));
    const cluster = this.#postgres === undefined ? undefined : listenerOn(Number(new URL(this.#postgres.url).port));
    return cluster === undefined ? own : [...own, ...familyOf(cluster).map((pid) => ({ name: 'postgres', pid }))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.world[Symbol.asyncDispose]();
    await this.#postgres?.stop();
  }
}

function nameOf(command: string): string {
  if (/ signer-worker\b/.test(command)) return 'signer worker';
  return / signer\b/.test(command) ? 'signer supervisor' : 'front';
}
