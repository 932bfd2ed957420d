// What a client under test must run beside itself: the http-01 web server, and a name server that knows every name as loopback.
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import type { Proofs } from './acme-client.ts';

/** Answers http-01 (RFC 8555 §8.3) for all names, on loopback. */
export async function respondToHttp01(port: number, proofs: Proofs): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => answer(socket, bytes, proofs));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', 1024, resolve);
  });
}

/** Everything that asks here is a CA on loopback, whose short request arrives in one piece. */
function answer(socket: Socket, bytes: Buffer, proofs: Proofs): void {
  const path = bytes.toString('latin1', 0, bytes.indexOf('\r\n')).split(' ')[1] ?? '';
  const proof = proofs.get(path.slice(path.lastIndexOf('/') + 1));
  const body = proof ?? 'unknown token';
  socket.end(`HTTP/1.1 ${proof === undefined ? '404 Not Found' : '200 OK'}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
}

const HEADER_OCTETS = 12;
const TYPE_A = 1;

/** Answers A with 127.0.0.1 and everything else with nothing (RFC 1035 §4.1), whatever the name. */
export async function respondToDns(port: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    let end = HEADER_OCTETS;
    while (end < query.length && query[end] !== 0) end += (query[end] ?? 0) + 1;
    const question = query.subarray(HEADER_OCTETS, end + 5); // name, its last zero, type, class
    const isAddress = query.readUInt16BE(end + 1) === TYPE_A;
    const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x85, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0]);
    const record = Buffer.from([0xc0, HEADER_OCTETS, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    socket.send(Buffer.concat([head, question, ...(isAddress ? [record] : [])]), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, '127.0.0.1', resolve);
  });
}
