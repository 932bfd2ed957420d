// An http-01 host for tests and the bench: token → key authorization over bare sockets (cheap enough to stand beside
// what is measured), and as many ways to misbehave as a validator must survive.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/**
 * wrong-body, padded (whitespace after), indented (whitespace before), not-found, huge-body (1 MiB), huge-header,
 * chunked, until-close (no length), gzip: as they say. hang: nothing is sent. slow-loris: one octet each 20 ms, no
 * end. reset: the connection is dropped. http2: the preface of a server that speaks HTTP/2 only. redirect: with that
 * status and Location. raw: these octets, then the end.
 */
export type Http01Behaviour =
  | keyof typeof TEXTS
  | keyof typeof ACTS
  | { readonly redirect: string; readonly status?: number }
  | { readonly raw: string };

export interface Http01Request {
  readonly path: string;
  readonly host: string | undefined;
  readonly headers: readonly string[];
}

export interface Http01Responder extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  set(token: string, keyAuthorization: string): void;
  remove(token: string): void;
  /** For one token, or for every path when the token is `*`; undefined mends it. */
  behave(token: string, behaviour: Http01Behaviour | undefined): void;
  /** The newest last; bounded. */
  readonly requests: readonly Http01Request[];
  readonly connections: number;
  close(): Promise<void>;
}

export interface Http01ResponderOptions {
  readonly host?: string;
  readonly port?: number;
  /** Serve https with this certificate and key (PEM), for redirects. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' };
  /** Do not keep requests (for the bench). */
  readonly forget?: boolean;
}

const CHALLENGE = '/.well-known/acme-challenge/';

export async function startHttp01Responder(options: Http01ResponderOptions = {}): Promise<Http01Responder> {
  const host = options.host ?? '127.0.0.1';
  const tokens = new Map<string, string>();
  const behaviours = new Map<string, Http01Behaviour>();
  const requests: Http01Request[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const onConnection = (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (!received.includes('\r\n\r\n')) return;
      const [line = '', ...headers] = received.split('\r\n');
      received = '';
      const path = line.split(' ')[1] ?? '';
      if (!options.forget) {
        requests.push({ path, host: /^host: (.*)$/im.exec(headers.join('\n'))?.[1], headers: headers.filter(Boolean) });
        if (requests.length > 1000) requests.shift();
      }
      const token = path.startsWith(CHALLENGE) ? path.slice(CHALLENGE.length) : '';
      answer(socket, tokens.get(token), behaviours.get(token) ?? behaviours.get('*'));
    });
  };
  const server: Server = options.tls
    ? createTlsServer({ minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0', ...options.tls }, onConnection)
    : createServer(onConnection);
  server.on('tlsClientError', () => {});
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');

  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return {
    host,
    port: (server.address() as { port: number }).port,
    set(token, keyAuthorization) {
      tokens.set(token, keyAuthorization);
    },
    remove(token) {
      tokens.delete(token);
    },
    behave(token, behaviour) {
      if (behaviour === undefined) behaviours.delete(token);
      else behaviours.set(token, behaviour);
    },
    requests,
    get connections() {
      return connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const ok = (body: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${body.length}\r\n${more}Connection: close\r\n\r\n${body}`;
const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\nConnection: close\r\n\r\nnot found\n';

const TEXTS = {
  'wrong-body': () => ok('the internal secret of this host'),
  padded: (right) => ok(`${right} \t\r\n\n`),
  indented: (right) => ok(` ${right}`),
  'not-found': () => NOT_FOUND,
  'huge-body': () => ok('x'.repeat(1 << 20)),
  'huge-header': (right) => ok(right, `X-Filler: ${'x'.repeat(1 << 16)}\r\n`),
  chunked(right) {
    const half = right.length >> 1;
    const chunk = (text: string) => `${text.length.toString(16)};x=y\r\n${text}\r\n`;
    return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(right.slice(0, half))}${chunk(right.slice(half))}0\r\n\r\n`;
  },
  'until-close': (right) => `HTTP/1.0 200 OK\r\n\r\n${right}`,
  gzip: () => ok('\x1f\x8b\x08\x00', 'Content-Encoding: gzip\r\n'),
} satisfies Record<string, (right: string) => string>;

const ACTS = {
  hang() {},
  'slow-loris': drip,
  endless(socket) {
    const more = (): void => {
      while (socket.write('x'.repeat(1 << 16))); // until the buffer is full
    };
    socket.on('drain', more);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    more();
  },
  reset: (socket) => void socket.resetAndDestroy(),
  http2: (socket) => void socket.write('\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80', 'latin1'),
} satisfies Record<string, (socket: Socket) => void>;

function answer(socket: Socket, body: string | undefined, behaviour: Http01Behaviour | undefined): void {
  if (typeof behaviour === 'string' && behaviour in ACTS) ACTS[behaviour as keyof typeof ACTS](socket);
  else socket.end(responseText(body, behaviour), 'latin1');
}

function responseText(body: string | undefined, behaviour: Http01Behaviour | undefined): string {
  if (behaviour === undefined) return body === undefined ? NOT_FOUND : ok(body);
  if (typeof behaviour === 'string') return TEXTS[behaviour as keyof typeof TEXTS](body ?? 'nothing here');
  if ('raw' in behaviour) return behaviour.raw;
  return `HTTP/1.1 ${behaviour.status ?? 302} Found\r\nLocation: ${behaviour.redirect}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
}

function drip(socket: Socket): void {
  const text = `HTTP/1.1 200 OK\r\nX-Slow: ${'x'.repeat(4000)}`;
  let position = 0;
  const timer = setInterval(() => socket.write(text.charAt(position++ % text.length)), 20);
  socket.once('close', () => clearInterval(timer));
}
