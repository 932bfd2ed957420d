// What an issuance would cost if the server did nothing but cryptography and HTTP, and what the disk can do.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { promisify } from 'node:util';
import { Connection } from './connection.ts';
import type { CryptoFloor } from './crypto-floor.ts';
import { cpuOf } from './processes.ts';

const run = promisify(execFile);

/** Requests of one issuance, as certbot makes them: each has a signature to verify. */
export const REQUESTS = 7;

/** Times in ms; processor time but for `fsync`, which is the median of waiting. */
export interface Floors {
  readonly es256Verify: number;
  readonly moduleSign: number;
  /** 7 ES256 verifications, 1 of the CSR, 1 signature through the module, 1 verification of it. */
  readonly crypto: number;
  readonly emptyRequest: number;
  /** As many empty koa requests over TLS as an issuance has. */
  readonly transport: number;
  readonly fsync: number;
}

/** `directory` is where the server keeps its state: its disk is what counts. */
export async function measureFloors(directory: string, modulePath: string): Promise<Floors> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'crypto-floor.ts'), modulePath]);
  const { es256Verify, moduleSign } = JSON.parse(stdout) as CryptoFloor;
  const emptyRequest = await costOfEmptyRequest(directory);
  return {
    es256Verify, moduleSign, crypto: (REQUESTS + 2) * es256Verify + moduleSign,
    emptyRequest, transport: REQUESTS * emptyRequest, fsync: fsyncTime(directory),
  };
}

const CONNECTIONS = 16;
const PER_CONNECTION = 400;
const BODY = JSON.stringify({ protected: 'p'.repeat(300), payload: 'q'.repeat(200), signature: 's'.repeat(86) });

async function costOfEmptyRequest(directory: string): Promise<number> {
  const [key, certificate] = [join(directory, 'bench-tls.key'), join(directory, 'bench-tls.pem')];
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate]);
  const server = fork(join(import.meta.dirname, 'empty-server.ts'), [key, certificate]);
  try {
    const [port] = (await once(server, 'message')) as [number];
    const context = createSecureContext({ ca: readFileSync(certificate) });
    const load = async (count: number): Promise<void> => {
      const connections = Array.from({ length: CONNECTIONS }, () => new Connection(new URL(`https://localhost:${port}/`), context));
      await Promise.all(connections.map(async (connection) => {
        for (let i = 0; i < count; i++) await connection.request('POST', '/', BODY);
        connection.close();
      }));
    };
    await load(PER_CONNECTION / 4); // compiled, connected
    const before = cpuOf(server.pid ?? 0);
    await load(PER_CONNECTION);
    return (cpuOf(server.pid ?? 0) - before) / (CONNECTIONS * PER_CONNECTION);
  } finally {
    server.disconnect();
    for (const file of [key, certificate]) rmSync(file, { force: true });
  }
}

/** Median time of appending a page and making it durable. */
function fsyncTime(directory: string): number {
  const file = join(directory, 'bench-fsync');
  const descriptor = openSync(file, 'w');
  const page = Buffer.alloc(4096, 1);
  const times = Array.from({ length: 200 }, () => {
    const begun = performance.now();
    writeSync(descriptor, page);
    fdatasyncSync(descriptor);
    return performance.now() - begun;
  });
  closeSync(descriptor);
  rmSync(file);
  return times.sort((a, b) => a - b)[100] ?? Number.NaN;
}
