/**
 * One signer per state directory. The lock is the kernel's (flock on an open file description) and lasts as long as any
 * process holds the descriptor: the worker inherits it, so that no second signer starts while a hung worker lives on.
 * Node.js cannot take such a lock; util-linux's `flock` takes it on the descriptor that we keep.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The signer cannot be started; `message` is one sentence. */
export class SupervisorFault extends Error {
  override readonly name = 'SupervisorFault';
}

interface Holders {
  readonly supervisor: number;
  readonly worker?: number;
}

export interface StateLock extends Disposable {
  /** To be inherited by the worker. */
  readonly descriptor: number;
  /** Notes who works under the lock, for a supervisor that comes after a crash of this one. */
  holders(holders: Holders): void;
}

/**
 * A worker that outlived its supervisor is killed; a signer that is whole is not touched.
 * @throws SupervisorFault when another signer works in this directory, or there is no `flock`
 */
export async function lockState(stateDirectory: string): Promise<StateLock> {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const file = resolve(stateDirectory, 'lock');
  const descriptor = openSync(file, 'a+', 0o600);
  try {
    for (let attempt = 0; !flock(descriptor); attempt++) {
      const { supervisor, worker } = readHolders(file);
      if (supervisor !== undefined && holds(supervisor, file)) {
        throw new SupervisorFault(`a signer already runs on ${stateDirectory} (process ${supervisor})`);
      }
      if (attempt > 100) throw new SupervisorFault(`${file} is locked by a process that does not let go of it`);
      if (worker !== undefined && holds(worker, file)) process.kill(worker, 'SIGKILL');
      await pause(20);
    }
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return {
    descriptor,
    holders(holders) {
      ftruncateSync(descriptor, 0);
      writeSync(descriptor, JSON.stringify(holders));
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

function flock(descriptor: number): boolean {
  const { status, error, stderr } = spawnSync('flock', ['-n', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    throw new SupervisorFault('the signer needs the program flock (Debian package util-linux) and it is not installed');
  }
  if (error !== undefined) throw new SupervisorFault(`flock cannot be run: ${error.message}`);
  if (status === 0) return true;
  if (status === 1) return false;
  throw new SupervisorFault(`flock failed: ${String(stderr).trim()}`);
}

function readHolders(file: string): Partial<Holders> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holders;
  } catch {
    return {}; // just being written
  }
}

/** Whether that process has the lock file open: a number alone may belong to somebody else by now. */
function holds(pid: number, file: string): boolean {
  try {
    const descriptors = join('/proc', String(pid), 'fd');
    return readdirSync(descriptors).some((name) => linkOf(join(descriptors, name)) === file);
  } catch {
    return false;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed meanwhile
  }
}
