/**
 * A PostgreSQL cluster for one test file: private directory and port, loopback only, gone afterwards.
 *
 * Durable as in production (fsync on), for crashes are part of what is tested. initdb and postgres refuse to run as
 * root, so as root they run as the package's own user.
 */

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePorts } from './processes.ts';

const run = promisify(execFile);

export interface TestPostgres {
  /** The database every cluster has; tests make their own with `createDatabase`. */
  readonly url: string;
  createDatabase(): Promise<string>;
  /** Stops the server at once, as a failing machine would ('crash'), or orderly; `start` brings it back. */
  halt(how: 'crash' | 'orderly'): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  const bin = findBinaries();
  const user = unprivileged();
  const directory = mkdtempSync(join(tmpdir(), 'chancery-postgres-'));
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const data = join(directory, 'data');
  await run(
    join(bin, 'initdb'),
    [
      ...['--pgdata', data, '--username', 'chancery', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale'],
      '--no-sync',
    ],
    { ...user, cwd: directory },
  );
  const [port = 0] = await freePorts(1);
  const url = `postgres://chancery@127.0.0.1:${port}/postgres`;
  let server = await launch(bin, data, port, user);

  const halt = async (how: 'crash' | 'orderly'): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.ref();
    const exited = once(server, 'exit');
    server.kill(how === 'crash' ? 'SIGQUIT' : 'SIGINT');
    await exited;
  };
  return {
    url,
    halt,
    async createDatabase() {
      const name = `test_${randomBytes(6).toString('hex')}`;
      await query(url, `create database ${name}`);
      return url.replace(/postgres$/, name);
    },
    async start() {
      server = await launch(bin, data, port, user);
    },
    async stop() {
      await halt('orderly');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** One statement on a connection of its own. */
export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

async function launch(bin: string, data: string, port: number, user: User | undefined): Promise<ChildProcess> {
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=60'];
  const options = [...settings, 'shared_buffers=64MB', 'lc_messages=C'].flatMap((setting) => ['-c', setting]);
  const server = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...options], {
    ...user,
    cwd: data,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = (): void => void server.kill('SIGINT');
  process.once('exit', stop);
  server.once('exit', () => process.removeListener('exit', stop));
  const said: string[] = [];
  for await (const line of createInterface({ input: server.stderr })) {
    said.push(line);
    if (!line.includes('ready to accept connections')) continue;
    server.stderr.resume();
    (server.stderr as Socket).unref();
    server.unref();
    return server;
  }
  throw new Error(`PostgreSQL did not start: ${said.join('\n')}`);
}

function findBinaries(): string {
  const root = '/usr/lib/postgresql';
  const version = readdirSync(root).sort((a, b) => Number(b) - Number(a))[0];
  if (version === undefined) throw new Error('PostgreSQL is not installed (apt-get install postgresql)');
  return join(root, version, 'bin');
}

function unprivileged(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

