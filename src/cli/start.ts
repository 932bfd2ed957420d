/** `chancery start`: everything on one machine under one user. In development mode it makes keys first, once. */
import cluster from 'node:cluster';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Generation } from '../config/generation.ts';
import { sentenceFor } from '../wiring/faults.ts';
import { lockKeys } from '../wiring/key-lock.ts';
import { listenClusterMetrics } from '../wiring/metrics.ts';
import { banner } from './banner.ts';
import { type Command, EXIT_MISTAKE, Mistake } from './command.ts';
import { CHECKOUT, loadGeneration } from './load.ts';
import { readOptions } from './options.ts';
import { readRehearsal, REHEARSAL_HELP, REHEARSAL_OPTIONS } from './rehearsal.ts';
import { serveUntilStopped } from './serve.ts';

const MAIN = join(CHECKOUT, 'src/main.ts');
const FRONT_STOP_MS = 7_000;
const SIGNER_STOP_MS = 2_000;
const SIGNER_RESTART_MS = 500;

export const start: Command = {
  name: 'start',
  help: `usage: chancery start [--rehearsal [options]]

Runs the signer and the fronts that ca.yaml asks for, under one user. In development mode the first start makes a root and an
intermediate in SoftHSM tokens below the state directory. Prints what to try, then runs until Ctrl-C.
Logs go to log/ in the state directory; CHANCERY_LOG=debug says more.

${REHEARSAL_HELP}

  npm start
  npm start -- --rehearsal
  CHANCERY_STATE=/tmp/try CHANCERY_DATABASE=postgres://me@localhost/ca npm start`,
  async run(args) {
    const { values } = readOptions('start', args, REHEARSAL_OPTIONS);
    const generation = loadGeneration(process.env);
    const rehearsal = readRehearsal(values, generation);
    if (generation.mode === 'development') await developmentKeys(generation);
    const signer = keepSigner();
    try {
      const fronts = frontsOf(generation);
      const onReady = (notReady: readonly string[] = []): void => console.log(banner(generation, notReady, rehearsal));
      // The signer re-reads its configuration in a new worker; what is asked meanwhile waits in the fronts.
      const onApplied = (): void => signer.reload();
      process.on('SIGHUP', onApplied);
      if (fronts === 1) await serveUntilStopped({ generation, rehearsal, logTo: 'file', onReady, onApplied });
      else await serveManyUntilStopped(generation, { fronts, args }, onReady, onApplied);
    } finally {
      await signer.stop();
    }
    return 0;
  },
};

/** SQLite has one writer, so it has one front; PostgreSQL one per core unless ca.yaml says otherwise. */
function frontsOf({ database, fronts }: Generation): number {
  if (database.startsWith('sqlite:')) {
    if (typeof fronts === 'number' && fronts > 1) throw new Mistake(`ca.yaml: fronts: ${fronts} fronts need PostgreSQL: set database, or fronts: 1`);
    return 1;
  }
  return fronts === 'auto' ? availableParallelism() : fronts;
}

/** Runs the development ceremony unless all that it makes is there; the ceremony itself never overwrites anything. */
async function developmentKeys({ stateDirectory, signer }: Generation): Promise<void> {
  const made = (): boolean => ['intermediate', 'staging-intermediate', 'ocsp', 'staging-ocsp'].every((name) => existsSync(join(stateDirectory, `public/${name}.pem`)));
  if (made()) return;
  using _lock = await mendable(lockKeys(stateDirectory));
  if (made()) return;
  const ceremony = spawn(process.execPath, [
    join(CHECKOUT, 'ceremony/development.ts'), '--state', stateDirectory, '--module', signer.module,
  ], { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve) => { ceremony.once('close', resolve); });
  if (code !== 0) throw new Mistake('the development ceremony did not finish: see above, then start again');
}

/** Runs the signer's supervisor for as long as this process lives; one that dies is started again. */
function keepSigner(): { reload(): void; stop(): Promise<void> } {
  let stopping = false;
  let signer = startSigner();
  const watch = (): void => void signer.once('exit', (code) => {
    // Exit code 2: it has said what the operator has to mend, and would only say it again.
    if (stopping || code === EXIT_MISTAKE) return;
    setTimeout(() => {
      if (stopping) return;
      signer = startSigner();
      watch();
    }, SIGNER_RESTART_MS);
  });
  watch();
  return {
    reload: () => void signer.kill('SIGHUP'),
    async stop() {
      stopping = true;
      if (signer.exitCode !== null || signer.signalCode !== null) return;
      const gone = new Promise<void>((resolve) => { signer.once('exit', () => resolve()); });
      signer.kill('SIGTERM');
      if ((await Promise.race([gone, sleep(SIGNER_STOP_MS, 'late', { ref: false })])) === 'late') signer.kill('SIGKILL');
    },
  };
}

/** In a process group of its own, so that Ctrl-C reaches the fronts first and they can finish what they began. */
function startSigner(): ChildProcess {
  return spawn(process.execPath, [MAIN, 'signer'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true });
}

/** What the operator can mend is told in its sentence. */
async function mendable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const sentence = sentenceFor(error);
    if (sentence === undefined) throw error;
    throw new Mistake(sentence);
  }
}

/** Fronts behind the same listeners (node:cluster). One that dies is started again; the others go on. */
async function serveManyUntilStopped(
  generation: Generation, { fronts, args }: { fronts: number; args: readonly string[] }, onReady: () => void, onApplied: () => void,
): Promise<void> {
  cluster.setupPrimary({ exec: MAIN, args: ['serve', ...args] });
  await using _metrics = await mendable(listenClusterMetrics(generation));
  let stopping = false;
  let readyOnce = false;
  const failed = new Promise<never>((_, reject) => {
    cluster.on('exit', (_, code) => {
      if (stopping) return;
      // A front that never was ready has said why; starting it again would only say it again.
      if (!readyOnce && code === EXIT_MISTAKE) reject(new Mistake('the fronts could not start: see above'));
      else setTimeout(() => { if (!stopping) cluster.fork(); }, 200);
    });
  });
  cluster.on('message', (_, message: { kind?: string }) => {
    if (message.kind === 'ready' && !readyOnce) {
      readyOnce = true;
      onReady();
    }
    if (message.kind === 'applied') {
      onApplied();
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGHUP');
    }
  });
  for (let index = 0; index < fronts; index += 1) cluster.fork();
  process.on('SIGHUP', () => { for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGHUP'); });
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  try {
    await Promise.race([stopped, failed]);
  } finally {
    stopping = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const gone = workers.map((worker) => new Promise<void>((resolve) => { worker.once('exit', () => resolve()); }));
    for (const worker of workers) worker.process.kill('SIGTERM');
    // A front drains within 5 s; one that hangs is not waited for, since what it holds is taken over from it.
    const late = await Promise.race([Promise.all(gone).then(() => false), sleep(FRONT_STOP_MS, true, { ref: false })]);
    if (late) for (const worker of workers) worker.process.kill('SIGKILL');
  }
}
