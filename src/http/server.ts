/**
 * Listening sockets: TLS with a certificate that can be swapped while it runs, or plain HTTP for what must be (CRLs, health).
 * Limits are set here, once, for every door.
 */
import { createServer as createPlainServer, type Server as PlainServer, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from './app.ts';

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 75_000, // longer than the usual 60 s of proxies, so that they close first and no request is lost between
  connectionsCheckingInterval: 5_000,
  noDelay: true,
} as const satisfies ServerOptions;

const DRAIN_MS = 5_000;

/** PEM: the private key, and the chain with the server's own certificate first. */
export interface TlsIdentity {
  readonly key: string;
  readonly chain: string;
}

export interface Where {
  /** How faults and logs name this listener. */
  readonly name: string;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
}

export interface Listening extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Takes no new connections, lets running requests end, and cuts what is left after `ms`. */
  drain(ms?: number): Promise<void>;
}

export interface ListeningTls extends Listening {
  /** New connections get the new certificate at once; open ones keep theirs. */
  setIdentity(identity: TlsIdentity): void;
}

/** The operator's mistake (port taken, address not ours), in one sentence. */
export class ListenFault extends Error {
  override readonly name = 'ListenFault';
}

export async function listenTls(listener: RequestListener, where: Where, identity: TlsIdentity): Promise<ListeningTls> {
  // RFC 8555 §6.1, BCP 195: TLS 1.2 and 1.3. Node has no 0-RTT on the server side, so nothing can be replayed into us.
  const server = createTlsServer(
    { ...LIMITS, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'], ...secrets(identity) });
  const listening = await start(server, listener, where);
  return { ...listening, setIdentity: (next) => server.setSecureContext({ minVersion: 'TLSv1.2', ...secrets(next) }) };
}

export const listenPlain = (listener: RequestListener, where: Where): Promise<Listening> =>
  start(createPlainServer(LIMITS), listener, where);

const secrets = ({ key, chain }: TlsIdentity): { key: string; cert: string } => ({ key, cert: chain });

async function start(server: PlainServer | TlsServer, listener: RequestListener, where: Where): Promise<Listening> {
  const answering = new Set<ServerResponse>();
  server.on('request', (request, response) => {
    answering.add(response);
    response.once('close', () => answering.delete(response));
    listener(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(new ListenFault(faultOf(cause, where), { cause })));
    server.listen({ host: where.host, port: where.port, backlog: 1024 }, resolve);
  });
  server.removeAllListeners('error');
  server.on('error', () => {}); // accept errors (EMFILE) pass; the next connection is tried anew
  let drained: Promise<void> | undefined;
  const drain = (ms = DRAIN_MS) => {
    drained ??= close(server, answering, ms);
    return drained;
  };
  return { host: where.host, port: (server.address() as AddressInfo).port, drain, [Symbol.asyncDispose]: () => drain() };
}

async function close(server: PlainServer | TlsServer, answering: ReadonlySet<ServerResponse>, ms: number): Promise<void> {
  // A kept-alive connection must not carry a next request into a server that is going away.
  for (const response of answering) if (!response.headersSent) response.setHeader('Connection', 'close');
  server.prependListener('request', (_, response) => response.setHeader('Connection', 'close'));
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), ms);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

const FAULTS: Record<string, string> = {
  EADDRINUSE: 'is already in use: stop what listens there, or change the port (listeners in ca.yaml, and the URLs that name it)',
  EACCES: 'may not be opened by this user: choose a port above 1023, or grant CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'is not an address of this machine: change the host',
  ENOTFOUND: 'cannot be resolved: change the host',
};

const faultOf = (error: NodeJS.ErrnoException, { name, host, port }: Where): string =>
  `listener ${name}: ${host} port ${port} ${FAULTS[error.code ?? ''] ?? `cannot be opened (${error.code ?? 'unknown error'})`}`;
