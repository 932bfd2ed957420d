/**
 * The process that holds the keys. It listens on the socket, and dies with its supervisor. It tells the supervisor twice a
 * second that it is alive and since when it has been inside the PKCS#11 module: whoever hangs there is killed from outside.
 */
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { RefusedPins } from '../keys/pin.ts';
import type { WantedKey } from '../keys/token.ts';
import { KeyUriFault, parseKeyUri } from '../keys/uri.ts';
import { CrlNumbers } from './crl-numbers.ts';
import { Desk, type Point } from './desk.ts';
import { Journal } from './journal.ts';
import { responderKeyId } from './ocsp-desk.ts';
import type { SignerState } from './protocol.ts';
import { DEFAULT_LANES, type SignerConfig } from './config.ts';
import { SigningKeys } from './signing-keys.ts';
import { listen, type SignerSocket } from './socket.ts';
import { Standing } from './standing.ts';

export type { SignerConfig, SignerKey } from './config.ts';

/** What the worker tells its supervisor. */
export type WorkerNote =
  | { readonly type: 'beat'; readonly callMs: number }
  | { readonly type: 'state'; readonly state: SignerState; readonly why?: string }
  | {
      readonly type: 'refused';
      readonly issuerKey: string;
      readonly purpose: string;
      readonly reasons: readonly string[];
    }
  /** The worker is about to end; it could not help it. */
  | { readonly type: 'fatal'; readonly why: string };

export interface WorkerHooks {
  /** Called at the numbered steps of a signature, for tests that kill the process there. */
  readonly at?: (point: Point) => Promise<void> | void;
}

const BEAT_MS = 500;

/**
 * Runs until the supervisor says stop or goes away; then ends the process.
 * Faults of the operator's (a wrong PIN, a missing module) do not end it: it waits for them to be mended and says so.
 */
export async function runWorker(config: SignerConfig, hooks: WorkerHooks = {}): Promise<void> {
  process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; the supervisor decides
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  try {
    const worker = await start(config, hooks);
    await new Promise<void>((resolve) => {
      process.on('SIGTERM', () => resolve());
      process.on('message', (message) => {
        if (message === 'stop') resolve();
      });
    });
    await worker[Symbol.asyncDispose]();
    process.exit(0);
  } catch (error) {
    abort(error as Error);
  }
}

async function start(config: SignerConfig, hooks: WorkerHooks): Promise<AsyncDisposable> {
  const clock = systemClock;
  const { stateDirectory } = config;
  const standing = new Standing(stateDirectory, config.id);
  const crlNumbers = new CrlNumbers();
  const journal = new Journal({ directory: join(stateDirectory, 'journal'), clock, remember: () => crlNumbers.note() });
  standing.compare(journal);

  let socket: SignerSocket | undefined;
  const tell = () => {
    const why = keys.why ?? standing.fence;
    const state = keys.why !== undefined ? 'unavailable' : standing.fence !== undefined ? 'fenced' : 'ready';
    socket?.announce(state, why);
    note({ type: 'state', state, ...(why === undefined ? {} : { why }) });
  };

  const wanted = config.keys.flatMap(wantedKeys);
  note({ type: 'beat', callMs: 0 }); // from here on the module may hang
  const keys = new SigningKeys({
    modulePath: modulePath(config, wanted),
    wanted,
    lanes: config.lanes ?? DEFAULT_LANES,
    refusedPins: new RefusedPins(join(stateDirectory, 'refused-pins.json')),
    clock,
    async canary({ id }) {
      // Begins with no DER tag, so that it can never be taken for a certificate or a CRL.
      const tbs = Buffer.from(`Chancery canary of ${id}, signed to see that the key works.\n`);
      const entry = { purpose: 'canary', issuerKey: id, serial: '', core: '', intent: '', tbs } as const;
      await journal.append(entry).catch(abort);
      return tbs;
    },
    onState: tell,
    onStale: () => abort(new Error('the PKCS#11 module does not recover in this process')),
  });
  const desk = new Desk({
    config,
    clock,
    journal,
    standing,
    keys,
    crlNumbers,
    onBroken: abort,
    onRefused: ({ issuerKey, purpose }, reasons) => note({ type: 'refused', issuerKey, purpose, reasons }),
    ...(hooks.at === undefined ? {} : { at: hooks.at }),
  });
  const beat = setInterval(() => note({ type: 'beat', callMs: keys.oldestCallMs }), BEAT_MS);
  const keep = () => {
    standing.wrote(journal.written);
    return standing.save();
  };
  const save = setInterval(() => void keep(), 1000);
  const { socket: path, socketMode: mode = 0o600, configuration } = config;
  socket = await listen({ path, mode, desk, standing, configuration, lastSequence: () => journal.seq, onFence: tell });
  tell();
  return {
    async [Symbol.asyncDispose]() {
      await keys.close();
      await socket?.[Symbol.asyncDispose]();
      clearInterval(beat);
      clearInterval(save);
      await journal.close();
      await keep();
    },
  };
}

/** The issuer key, and that of its OCSP responder. */
function wantedKeys({ issuer, uri, responder }: SignerConfig['keys'][number]): WantedKey[] {
  try {
    const { id, spki, algorithm } = issuer;
    const own = { id, uri: parseKeyUri(uri), spki, algorithm };
    return responder === undefined ? [own] : [own, { ...responder, id: responderKeyId(id), uri: parseKeyUri(responder.uri) }];
  } catch (error) {
    if (error instanceof KeyUriFault) throw new Error(`issuer key ${issuer.id}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** One library in one process: two would share neither faults nor restarts well. */
function modulePath(config: SignerConfig, wanted: readonly WantedKey[]): string {
  const paths = new Set(wanted.map(({ uri }) => uri.modulePath ?? config.module));
  const [path] = paths;
  if (paths.size !== 1 || path === undefined) throw new Error('the keys of one signer need one PKCS#11 module');
  return path;
}

function note(what: WorkerNote): void {
  // A supervisor that was killed this moment is nobody to tell; `disconnect` ends this process next.
  if (process.connected === true) process.send?.(what, undefined, undefined, () => {});
}

/**
 * One sentence for the operator, a stack trace only for what is our own mistake. SIGKILL, because exit waits for threads,
 * and one may be stuck in the module for ever; the note gets a moment to leave.
 */
function abort(error: Error): void {
  if (error instanceof TypeError || error instanceof ReferenceError) console.error(error);
  note({ type: 'fatal', why: error.message });
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);
}
