/**
 * Starts, watches and kills the worker. It loads no PKCS#11 module, because vendor libraries hang and crash; so it has
 * nothing that could hang, and is there to start the next worker.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { DEFAULT_LANES } from './config.ts';
import type { SignerState } from './protocol.ts';
import { lockState, type StateLock } from './state-lock.ts';
import type { WorkerNote } from './worker.ts';

export { SupervisorFault } from './state-lock.ts';

export interface SupervisorOptions {
  /** What Node.js runs as the worker: script and arguments (`src/main.ts`, `signer-worker`). No PIN is ever among them. */
  readonly workerArgv: readonly string[];
  readonly stateDirectory: string;
  /** As in the worker's configuration. */
  readonly lanes?: number;
  readonly callDeadlineMs?: number;
  readonly environment?: NodeJS.ProcessEnv;
  readonly events?: SupervisorEvents;
}

/** For logs and counters. `why` is one sentence. */
export interface SupervisorEvents {
  /** On every change. */
  state?(state: SignerState, why: string | undefined): void;
  started?(pid: number): void;
  /** The worker was killed because it hung. */
  killed?(why: string): void;
  /** The worker ended although nobody had asked it to. */
  ended?(why: string): void;
  refused?(issuerKey: string, purpose: string, reasons: readonly string[]): void;
}

export interface Supervisor extends AsyncDisposable {
  readonly state: SignerState;
  /** One sentence while the state is not `ready`. */
  readonly why: string | undefined;
  /** Of the worker that runs now. */
  readonly workerPid: number | undefined;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2000;
/** A worker that was ready for so long is not held to have failed at once. */
const STEADY_MS = 10_000;
const LOOK_MS = 100;
/** Requests live for milliseconds: a small nursery costs no time, and the worker stays near 120 MB instead of 200. */
const SMALL = ['--max-semi-space-size=2'];
/** Six beats: a busy machine may delay some. */
const SILENCE_MS = 3000;
const STOP_MS = 1500;
/** Starting Node.js, reading the journal's recent files; nothing beats yet. */
const START_MS = 30_000;

/** @throws SupervisorFault when this state directory is in use */
export async function runSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  return new Watch(options, await lockState(options.stateDirectory));
}

class Watch implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #lock: StateLock;
  readonly #callDeadlineMs: number;
  #worker: ChildProcess | undefined;
  #state: SignerState = 'unavailable';
  #why: string | undefined = 'the signer is starting';
  /** Why the worker said it would end, or why we killed it. */
  #reason: string | undefined;
  #beatAt = 0;
  #startedAt = 0;
  #wait = FIRST_WAIT_MS;
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;
  readonly #look: NodeJS.Timeout;
  #onEnd: (() => void) | undefined;

  constructor(options: SupervisorOptions, lock: StateLock) {
    this.#options = options;
    this.#lock = lock;
    this.#callDeadlineMs = options.callDeadlineMs ?? 3000;
    this.#look = setInterval(() => this.#watch(), LOOK_MS);
    this.#start();
  }

  get state(): SignerState {
    return this.#state;
  }

  get why(): string | undefined {
    return this.#why;
  }

  get workerPid(): number | undefined {
    return this.#worker?.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker !== undefined) {
      const ended = new Promise<void>((resolve) => {
        this.#onEnd = resolve;
      });
      worker.kill('SIGTERM');
      const impatient = setTimeout(() => worker.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(impatient);
    }
    clearInterval(this.#look);
    this.#lock[Symbol.dispose]();
  }

  #start(): void {
    const { workerArgv, environment = process.env, lanes = DEFAULT_LANES, events } = this.#options;
    // Every lane may block one thread of libuv's; journal and verification need theirs beside them.
    const env = { ...environment, UV_THREADPOOL_SIZE: String(lanes + 4) };
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc', this.#lock.descriptor] as const;
    const worker = spawn(process.execPath, [...SMALL, ...workerArgv], { env, stdio: [...stdio] });
    this.#worker = worker;
    this.#reason = undefined;
    this.#startedAt = performance.now();
    this.#beatAt = this.#startedAt + START_MS;
    const pids = { supervisor: process.pid };
    this.#lock.holders(worker.pid === undefined ? pids : { ...pids, worker: worker.pid });
    if (worker.pid !== undefined) events?.started?.(worker.pid);
    worker.on('message', (note) => this.#hear(note as WorkerNote));
    worker.on('error', (error) => this.#ended(`it could not be started: ${error.message}`));
    worker.on('exit', (code, signal) => this.#ended(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  #hear(note: WorkerNote): void {
    const { events } = this.#options;
    switch (note.type) {
      case 'beat':
        this.#beatAt = performance.now();
        if (note.callMs > this.#callDeadlineMs) {
          this.#kill(`a call into the PKCS#11 module has not returned for ${Math.round(note.callMs)} ms`);
        }
        return;
      case 'state':
        this.#enter(note.state, note.why);
        return;
      case 'refused':
        events?.refused?.(note.issuerKey, note.purpose, note.reasons);
        return;
      case 'fatal':
        this.#reason = note.why;
        return;
    }
  }

  #watch(): void {
    const patience = Math.max(this.#callDeadlineMs, SILENCE_MS);
    if (this.#worker === undefined || performance.now() - this.#beatAt <= patience) return;
    this.#kill(`the worker has not been heard of for ${patience} ms`);
  }

  #kill(why: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = why;
    this.#options.events?.killed?.(why);
    this.#worker?.kill('SIGKILL');
  }

  #ended(how: string): void {
    if (this.#worker === undefined) return;
    this.#worker = undefined;
    this.#onEnd?.();
    if (this.#stopping) return;
    const why = this.#reason ?? `the worker ended by ${how}`;
    this.#options.events?.ended?.(why);
    this.#enter('unavailable', why);
    if (performance.now() - this.#startedAt > STEADY_MS) this.#wait = FIRST_WAIT_MS;
    this.#restart = setTimeout(() => this.#start(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #enter(state: SignerState, why: string | undefined): void {
    if (state === this.#state && why === this.#why) return;
    this.#state = state;
    this.#why = why;
    this.#options.events?.state?.(state, why);
  }
}
