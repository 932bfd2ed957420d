/**
 * kill -9 at random instants under load. Clients ask for certificates all the time, victims are brought back at once as an init
 * system would, and all that was asked for is waited for in the end.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Http01Responder } from './http-01-responder.ts';
import { PersistentClient, transportTo } from './live-client.ts';
import { query, type TestPostgres } from './postgres.ts';
import { commandOf, killNow } from './process-tree.ts';
import { type Started, until } from './processes.ts';
import type { Dice } from './random.ts';
import type { World } from './world.ts';

export interface Storm {
  readonly world: World;
  readonly responder: Http01Responder;
  /** Absent on SQLite: then no database process is killed. */
  readonly postgres?: TestPostgres;
  readonly dice: Dice;
  readonly clients: number;
  readonly kills: number;
  /** Mean time between two kills. */
  readonly gapMs: number;
  /** The storm ends after so long even if fewer were killed. */
  readonly mostMs: number;
}

export interface Aftermath {
  /** By victim. */
  readonly kills: Readonly<Record<string, number>>;
  readonly certificates: number;
  /** The longest that a client waited for one certificate. */
  readonly slowestMs: number;
  /** Processes that ended although nobody had killed them, and were started again: how, and their last words. */
  readonly endedAlone: readonly string[];
}

/** How often each is chosen, and for how long at most it is left alone then: some die while they start, and some have come to work again. */
const VICTIMS = {
  front: { weight: 6, sparedMs: 3_500 },
  'signer worker': { weight: 3, sparedMs: 3_500 },
  'signer supervisor': { weight: 1, sparedMs: 8_000 },
  'database backend': { weight: 0.7, sparedMs: 20_000 }, // its whole cluster restarts, and every connection is lost
} as const;
type Victim = keyof typeof VICTIMS;
const WEIGHTS = Object.fromEntries(Object.entries(VICTIMS).map(([name, { weight }]) => [name, weight])) as Record<Victim, number>;

/** One client has at most so many orders at a time: some wait for recovery, and it goes on with others. */
const MOST_WAITING = 16;
/** In the storm an order may be hit again and again; after it, one recovery and what it began must do. */
const PATIENCE_AFTERWARDS_MS = 100_000;

/** Rejects when a client does not get a certificate that it asked for. All processes run when it resolves. */
export async function killStorm(storm: Storm): Promise<Aftermath> {
  const { world, dice } = storm;
  const calm = new AbortController(); // no more kills, no more orders
  const over = new AbortController(); // and all that was asked for is there
  const kills: Record<string, number> = {};
  const endedAlone: string[] = [];
  const watch = (what: string, process: Started): void => {
    void process.ended.then((how) => { if (how !== 'SIGKILL') endedAlone.push(`${what}: ${how}: ${process.output().trim().slice(-300)}`); });
  };
  const keepers = [
    ...world.ports.map((_, index) => keepRunning(over.signal, () => world.fronts[index], async () => {
      await world.startFront(index, {}, { ready: false });
      watch(`front ${index}`, world.fronts[index] as Started);
    })),
    keepRunning(over.signal, () => world.signer, async () => {
      await world.startSigner();
      watch('signer', world.signer as Started);
    }),
  ];
  const asking = Array.from({ length: storm.clients }, (_, index) => keepAsking(storm, index, calm.signal));
  const asked = Promise.all(asking);
  try {
    await Promise.race([killAtRandom(storm, kills), asked]); // a client that gives up ends it
    calm.abort();
    const granted = await asked;
    for (const [index] of world.ports.entries()) {
      await until(`front ${index} is ready`, async () => (await world.statusOf('/readyz', index)) === 200, 60_000);
    }
    return { kills, endedAlone, certificates: granted.flat().length, slowestMs: Math.max(...granted.flat()) };
  } catch (error) {
    throw new Error(`seed ${dice.seed}: ${(error as Error).message}\n${endedAlone.join('\n')}\n${lastWords(world)}`, { cause: error });
  } finally {
    calm.abort();
    over.abort();
    await Promise.allSettled(keepers);
  }
}

async function killAtRandom(storm: Storm, kills: Record<string, number>): Promise<void> {
  const { world, dice, gapMs, mostMs } = storm;
  const last = Date.now() + mostMs;
  const spared = new Map<string, number>();
  for (let count = 0; count < storm.kills && Date.now() < last; ) {
    await sleep(dice.gap(gapMs));
    for (let killed = false; !killed && Date.now() < last; ) {
      const kind = dice.pick(WEIGHTS);
      const victim = kind === 'front' ? `front ${'AB'[Math.floor(dice.next() * world.ports.length)]}` : kind;
      killed = Date.now() >= (spared.get(victim) ?? 0) && (await killOne(storm, victim));
      if (!killed) {
        await sleep(20); // it is dead already, or spared
        continue;
      }
      spared.set(victim, Date.now() + dice.next() * VICTIMS[kind].sparedMs);
      kills[victim] = (kills[victim] ?? 0) + 1;
      count += 1;
    }
  }
}

/** False when there was none to kill. */
async function killOne({ world, postgres }: Storm, victim: string): Promise<boolean> {
  switch (victim) {
    case 'front A': return kill(world.fronts[0]?.pid, 'serve');
    case 'front B': return kill(world.fronts[1]?.pid, 'serve');
    case 'signer worker': return kill(workerPid(world), 'signer-worker');
    case 'signer supervisor': return kill(world.signer?.pid, 'signer');
    default: return kill(await backendPid(world, postgres), 'postgres');
  }
}

/** Only if it is what it is held to be: the id alone may be somebody else's by now. */
const kill = (pid: number | undefined, what: string): boolean =>
  pid !== undefined && commandOf(pid).includes(what) && killNow(pid);

function workerPid({ state }: World): number | undefined {
  try {
    return (JSON.parse(readFileSync(join(state, 'signer/lock'), 'utf8')) as { worker?: number }).worker;
  } catch {
    return undefined; // just being written
  }
}

async function backendPid({ database }: World, postgres: TestPostgres | undefined): Promise<number | undefined> {
  if (postgres === undefined) return undefined;
  const name = database.split('/').at(-1);
  const backends = await query(postgres.url, `select pid from pg_stat_activity where datname = '${name}' order by random() limit 1`).catch(() => []);
  return backends[0]?.['pid'] as number | undefined;
}

/** Starts it again whenever it has ended, until `signal`. */
async function keepRunning(signal: AbortSignal, running: () => Started | undefined, start: () => Promise<void>): Promise<void> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  for (;;) {
    await Promise.race([running()?.ended, aborted]);
    if (signal.aborted) return;
    await start();
  }
}

/** Asks for one certificate after the other; one that is slow is waited for beside the next. Resolves to how long each took, in ms. */
async function keepAsking({ world, responder, mostMs }: Storm, index: number, signal: AbortSignal): Promise<number[]> {
  let requests = index;
  using transport = transportTo(world, () => requests++ % world.ports.length);
  const client = new PersistentClient(transport, world.directoryUrl, responder);
  const asked: Promise<number>[] = [];
  let waiting = 0;
  let refused: unknown;
  for (let order = 0; !signal.aborted && refused === undefined; order += 1) {
    const started = Date.now();
    waiting += 1;
    const one = client.certificate([`s${index}-${order}.localhost`], mostMs + PATIENCE_AFTERWARDS_MS).then(() => Date.now() - started);
    one.catch((error: unknown) => { refused = error; }).finally(() => { waiting -= 1; });
    asked.push(one);
    await Promise.race([one.catch(() => {}), sleep(1000)]);
    do await sleep(100); while (waiting >= MOST_WAITING && !signal.aborted);
  }
  return Promise.all(asked);
}

/** What the processes that run now said last, without the lines about requests. */
function lastWords(world: World): string {
  const said = (who: string, process: Started | undefined): string[] =>
    (process?.output() ?? '').split('\n').filter((line) => line !== '' && !line.includes('"msg":"request"')).slice(-8).map((line) => `${who}: ${line.slice(0, 400)}`);
  return [...world.fronts.flatMap((front, index) => said(`front ${index}`, front)), ...said('signer', world.signer)].join('\n');
}
