// OCSP: what is kept and asked for by GET, in closed loops and at a fixed rate; and what is signed for each caller (nonces).
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { encodeCertId } from '../../src/x509/ocsp.ts';
import { encodeOcspRequest } from '../../src/x509/ocsp-request.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { OwnServer } from './own-server.ts';
import { cpuOf } from './processes.ts';

/** One front, which is one core. */
export interface OcspRates {
  readonly kept: ClosedLoop;
  readonly openLoop: { readonly offered: number; readonly answered: number; readonly p50: number; readonly p99: number };
  readonly signed: ClosedLoop;
}

export interface ClosedLoop {
  /** Responses. */
  readonly perSecond: number;
  /** Processor time of a response by process, the client's too, in µs. */
  readonly cpu: Readonly<Record<string, number>>;
}

const CONNECTIONS = 64;
const OFFERED_PER_SECOND = 12_000;

/** One kept-alive connection that may have several requests under way; a client as cheap as can be, for it shares the machine. */
class Lane {
  readonly #socket: Socket;
  readonly #sent: number[] = [];
  #held: Buffer = Buffer.alloc(0);
  readonly #onAnswer: (lane: Lane, ms: number) => void;

  constructor(port: number, onAnswer: (lane: Lane, ms: number) => void) {
    this.#onAnswer = onAnswer;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** @param since when it was due, for latencies that count waiting */
  send(request: string | Buffer, since = performance.now()): void {
    this.#sent.push(since);
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const all = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    for (;;) {
      const end = all.indexOf('\r\n\r\n', at);
      if (end === -1) break;
      const head = all.toString('latin1', at, end);
      if (!head.startsWith('HTTP/1.1 200')) throw new Error(`an answer that is none: ${head.split('\r\n', 1)[0]}`);
      const length = Number(/Content-Length: (\d+)/.exec(head)?.[1]);
      if (all.length < end + 4 + length) break;
      if (length < 100) throw new Error('the server says that it is busy');
      at = end + 4 + length;
      this.#onAnswer(this, performance.now() - (this.#sent.shift() ?? 0));
    }
    this.#held = all.subarray(at);
  }
}

/** As fast as answers come: one request under way on each connection. */
async function closedLoop(server: OwnServer, seconds: number, next: () => string | Buffer): Promise<ClosedLoop> {
  const port = server.world.ports[0]?.status ?? 0;
  const processes = [...server.processes(), { name: 'client', pid: process.pid }];
  let answered = 0;
  let stopped = false;
  const lanes = Array.from({ length: CONNECTIONS }, () => new Lane(port, (lane) => {
    answered += 1;
    if (!stopped) lane.send(next());
  }));
  for (const lane of lanes) lane.send(next());
  await sleep(Math.max(1000, seconds * 200));
  const [from, begun, before] = [answered, performance.now(), processes.map(({ pid }) => cpuOf(pid))];
  await sleep(seconds * 1000);
  const [count, ms] = [answered - from, performance.now() - begun];
  const cpu: Record<string, number> = {};
  processes.forEach(({ name, pid }, index) => { cpu[name] = (cpu[name] ?? 0) + ((cpuOf(pid) - (before[index] ?? 0)) * 1000) / count; });
  stopped = true;
  for (const lane of lanes) lane.close();
  return { perSecond: (count * 1000) / ms, cpu };
}

/** A fixed rate, whatever comes back; a request counts from when it was due. */
async function openLoop(port: number, seconds: number, request: string): Promise<OcspRates['openLoop']> {
  const latencies: number[] = [];
  const lanes = Array.from({ length: CONNECTIONS }, () => new Lane(port, (_, ms) => void latencies.push(ms)));
  await sleep(200);
  const begun = performance.now();
  const total = OFFERED_PER_SECOND * seconds;
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) * OFFERED_PER_SECOND) / 1000));
    for (; sent < due; sent += 1) lanes[sent % CONNECTIONS]?.send(request, begun + (sent * 1000) / OFFERED_PER_SECOND);
    await sleep(1);
  }
  await sleep(500);
  for (const lane of lanes) lane.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return { offered: OFFERED_PER_SECOND, answered: latencies.length / seconds, p50: at(0.5), p99: at(0.99) };
}

export async function measureOcsp(seconds: number, database: string): Promise<OcspRates> {
  await using server = await OwnServer.open(database);
  const { state, ports } = server.world;
  const read = (file: string): Uint8Array => decodePem('CERTIFICATE', readFileSync(join(state, file), 'utf8').replace(/^[\s\S]*?(?=-----BEGIN CERTIFICATE)/, ''))[0] as Uint8Array;
  const [{ serial }, issuer] = [parseCertificate(read('tls/server.pem')).tbs, parseCertificate(read('public/intermediate.pem')).tbs];
  const certId = encodeCertId('sha1', { subject: issuer.subject, spki: issuer.spki }, serial);
  const get = `GET /ocsp/${encodeURIComponent(Buffer.from(encodeOcspRequest([certId])).toString('base64'))} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  let count = 0;
  const post = (): Buffer => {
    const nonce = Buffer.alloc(16);
    nonce.writeUInt32BE(count++);
    const body = encodeOcspRequest([certId], nonce);
    return Buffer.concat([Buffer.from(`POST /ocsp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/ocsp-request\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
  };
  const kept = await closedLoop(server, seconds, () => get);
  return { kept, openLoop: await openLoop(ports[0]?.status ?? 0, seconds, get), signed: await closedLoop(server, seconds, post) };
}
