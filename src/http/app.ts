/**
 * Doors in, koa application out. One log line per request, one net that catches what a door did not,
 * and one function that writes replies. No stack trace, message or path of ours ever reaches a caller from here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import * as events from '../telemetry/events.ts';
import { BodyAborted, BodyTooLarge, readBody } from './body.ts';
import type { ClientAddress } from './forwarded.ts';
import { rawListener } from './raw.ts';
import type { Door, HttpReply, HttpRequest } from './route.ts';

export interface AppParts {
  readonly doors: readonly Door[];
  /** Octets of a CSPRNG: correlation ids of two processes must never be equal. */
  readonly random: (octets: number) => Uint8Array;
  /** Who asks, where proxies may stand between; by default the peer does. */
  readonly clientAddress?: ClientAddress;
}

/** What node:http wants as its listener. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

export function createApp({ doors, random, clientAddress = (socket) => socket }: AppParts): RequestListener {
  const app = new Koa();
  // What fails after a reply has begun is the connection's end, not a fault; all else ends in `answer` below.
  app.on('error', () => {});

  const stem = Buffer.from(random(6)).toString('hex');
  let count = 0;
  const correlate = (): string => `${stem}-${(count++).toString(36)}`;
  const byPrefix = doors.filter((door) => door.prefix !== undefined)
    .sort((a, b) => (b.prefix?.length ?? 0) - (a.prefix?.length ?? 0));

  // A path has one spelling: what is signed over, logged and cached must not differ from what is served.
  const router = new Router({ strict: true, sensitive: true });
  for (const door of doors) {
    for (const route of door.routes) {
      router.register(route.path, [route.method], (context: Context) => answer(context, door, (request) => route.handle(request), route.secret === true ? route.path : undefined));
    }
  }

  /** Runs one handler and writes its reply; the only place where a fault becomes words for a caller. `logged` stands for the path in the log. */
  async function answer(context: Context, door: Door | undefined, handle: (request: HttpRequest) => HttpReply | Promise<HttpReply>, logged?: string) {
    const started = performance.now();
    const request = new Incoming(context, correlate(), clientAddress);
    let reply: HttpReply;
    try {
      reply = await handle(request);
    } catch (error) {
      if (!(error instanceof BodyTooLarge || error instanceof BodyAborted)) {
        events.faultCaught({ where: door?.name ?? 'http', correlation: request.correlation, error });
      }
      reply = error instanceof BodyTooLarge ? plain(413, 'The request is too large.') : plain(500, 'The server failed.');
    }
    send(context, request, reply);
    if (door?.logsOnlyFaults && reply.status < 400) events.requestCounted(door.name, request.method, reply.status);
    else events.requestAnswered({
      door: door?.name ?? 'http', method: request.method, path: logged ?? request.path, status: reply.status,
      ms: Math.round((performance.now() - started) * 100) / 100, correlation: request.correlation,
    });
  }

  app.use(router.routes() as unknown as Koa.Middleware);
  app.use((context) => {
    const allow = methodsOf((context as { matched?: readonly { methods: readonly string[] }[] }).matched ?? []);
    const door = byPrefix.find(({ prefix = '' }) => context.path.startsWith(prefix));
    return answer(context, door, (request) => door?.refuse?.(request, allow) ?? refusePlainly(allow));
  });
  const callback = app.callback();
  const raw = rawListener(doors, correlate);
  return (request, response) => {
    if (!raw(request, response)) void callback(request, response);
  };
}

class Incoming implements HttpRequest {
  readonly correlation: string;
  readonly #context: Context;
  readonly #clientAddress: ClientAddress;

  constructor(context: Context, correlation: string, clientAddress: ClientAddress) {
    this.#context = context;
    this.correlation = correlation;
    this.#clientAddress = clientAddress;
  }
  get method() { return this.#context.req.method ?? 'GET'; }
  get target() { return this.#context.req.url ?? '/'; }
  get path() {
    const { target } = this;
    const query = target.indexOf('?');
    return query === -1 ? target : target.slice(0, query);
  }
  get params() { return ((this.#context as { params?: Record<string, string> }).params ?? {}); }
  get headers() { return this.#context.req.headers; }
  get remoteAddress() {
    const { headers, socket } = this.#context.req;
    const forwardedFor = headers['x-forwarded-for'];
    return this.#clientAddress(socket.remoteAddress ?? '', Array.isArray(forwardedFor) ? forwardedFor.join() : forwardedFor);
  }
  body() { return readBody(this.#context.req); }
}

/** Writes the reply in one call past koa's own: on the hot path, setting headers one by one costs more than routing. */
function send(context: Context, request: HttpRequest, reply: HttpReply): void {
  context.respond = false;
  const { res } = context;
  if (res.headersSent || res.destroyed) return;
  const { body } = reply;
  const headers: Record<string, string | number | string[]> = { 'X-Request-Id': request.correlation };
  for (const name in reply.headers) headers[name] = reply.headers[name] as string | string[];
  if (body !== undefined) headers['Content-Length'] = Buffer.byteLength(body);
  else if (reply.status !== 204 && reply.status !== 304 && request.method !== 'HEAD') headers['Content-Length'] = 0;
  // A body that was not read to its end cannot be followed by another request.
  if (!context.req.complete && hasBody(context.req)) headers['Connection'] = 'close';
  res.writeHead(reply.status, headers);
  if (body === undefined || request.method === 'HEAD') res.end();
  else res.end(body);
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const plain = (status: number, text: string): HttpReply =>
  ({ status, headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' }, body: `${text}\n` });

const refusePlainly = (allow: readonly string[]): HttpReply => {
  if (allow.length === 0) return plain(404, 'Not found.');
  const refusal = plain(405, 'This cannot be done here.');
  return { ...refusal, headers: { ...refusal.headers, Allow: allow.join(', ') } };
};

const methodsOf = (layers: readonly { readonly methods: readonly string[] }[]): string[] =>
  [...new Set(layers.flatMap((layer) => layer.methods))].sort();
