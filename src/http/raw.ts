/**
 * Routes that no router may touch: matched by a prefix of the request line as it came, so that `//`, `+` and `%2F` in a path of base64
 * are still there. The reply is written straight to the socket, and nothing is logged of it: see RawRoute.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as events from '../telemetry/events.ts';
import { BodyAborted, BodyTooLarge, readBody } from './body.ts';
import type { Door, HttpReply, HttpRequest, RawRoute } from './route.ts';

interface Row {
  readonly door: string;
  readonly route: RawRoute;
}

/** @returns a listener that says whether the request was one of these */
export function rawListener(doors: readonly Door[], correlate: () => string): (request: IncomingMessage, response: ServerResponse) => boolean {
  const rows: Row[] = doors.flatMap((door) => (door.raw ?? []).map((route) => ({ door: door.name, route })));
  return (request, response) => {
    const target = request.url ?? '/';
    const row = rows.find(({ route: { prefix } }) => target.startsWith(prefix) && isEnd(target.charCodeAt(prefix.length)));
    if (row === undefined) return false;
    const incoming = new RawIncoming(request, correlate);
    try {
      const reply = row.route.handle(incoming);
      if (reply instanceof Promise) void reply.catch((error: unknown) => failed(row, incoming, error)).then((late) => write(request, response, row, late));
      else write(request, response, row, reply);
    } catch (error) {
      write(request, response, row, failed(row, incoming, error));
    }
    return true;
  };
}

/** The end of the target, `/` or `?`: a prefix is a whole word. */
const isEnd = (code: number): boolean => Number.isNaN(code) || code === 0x2f || code === 0x3f;

function failed({ door, route }: Row, { correlation }: HttpRequest, error: unknown): HttpReply {
  if (error instanceof BodyTooLarge) return { status: 413, headers: NO_STORE };
  if (!(error instanceof BodyAborted)) events.faultCaught({ where: door, correlation, error });
  return route.failed();
}
const NO_STORE = { 'Cache-Control': 'no-store' };

function write(request: IncomingMessage, response: ServerResponse, { door }: Row, { status, headers = {}, body }: HttpReply): void {
  if (response.headersSent || response.destroyed) return;
  const { method = 'GET' } = request;
  const isBare = method === 'HEAD' || status === 304;
  const sent: Record<string, string | number | string[]> = { ...(headers as Record<string, string | string[]>) };
  if (status !== 304) sent['Content-Length'] = body === undefined ? 0 : Buffer.byteLength(body);
  // A body that was not read to its end cannot be followed by another request.
  if (method === 'POST' && !request.complete) sent['Connection'] = 'close';
  response.writeHead(status, sent);
  if (body === undefined || isBare) response.end();
  else response.end(body);
  events.requestCounted(door, method, status);
}

class RawIncoming implements HttpRequest {
  readonly params = {};
  readonly #request: IncomingMessage;
  readonly #correlate: () => string;
  #correlation: string | undefined;

  constructor(request: IncomingMessage, correlate: () => string) {
    this.#request = request;
    this.#correlate = correlate;
  }
  get method() { return this.#request.method ?? 'GET'; }
  get target() { return this.#request.url ?? '/'; }
  get path() { return this.target.split('?', 1)[0] ?? '/'; }
  get headers() { return this.#request.headers; }
  get remoteAddress() { return this.#request.socket.remoteAddress ?? ''; }
  get correlation() {
    this.#correlation ??= this.#correlate();
    return this.#correlation;
  }
  body() { return readBody(this.#request); }
}
