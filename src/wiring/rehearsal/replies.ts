/** Answers of the ACME door as only some servers give them: lists in no particular order, and `Retry-After` in its other form. */
import type { Clock } from '../../clock.ts';
import type { Door, HttpReply, HttpRoute } from '../../http/route.ts';

export interface Unsettling {
  readonly chance: () => number;
  readonly clock: Clock;
  /** One that will be accepted. */
  readonly nonce: () => string;
}

/** Lists in RFC 8555's objects whose order means nothing (§7.1.3, §7.1.4). */
const UNORDERED = ['identifiers', 'authorizations', 'challenges'] as const;

/** The door, with Pebble's `/dir` beside its own directory. */
export function unsettled(door: Door, { chance, clock, nonce }: Unsettling): Door {
  const unsettle = (reply: HttpReply, path: string): HttpReply => retryAfterDate(shuffled(retriable(reply, path, nonce), chance), chance, clock);
  const routes = door.routes.map((route): HttpRoute => ({ ...route, handle: async (request) => unsettle(await route.handle(request), route.path) }));
  const directory = routes.find(({ method, path }) => method === 'GET' && path.endsWith('/directory'));
  return { ...door, routes: [...routes, ...(directory === undefined ? [] : [{ ...directory, path: '/dir' }])] };
}

/** RFC 8555 §6.5: a second try must not fail for the same reason, and certbot, which tries twice, asks newNonce for what it needs to. */
function retriable(reply: HttpReply, path: string, nonce: () => string): HttpReply {
  const isBadNonce = reply.status === 400 && typeof reply.body === 'string' && reply.body.includes(':badNonce"');
  if (!isBadNonce && !path.endsWith('/new-nonce')) return reply;
  return { ...reply, headers: { ...reply.headers, 'Replay-Nonce': nonce() } };
}

function shuffled(reply: HttpReply, chance: () => number): HttpReply {
  if (reply.headers?.['Content-Type'] !== 'application/json' || typeof reply.body !== 'string') return reply;
  const object = JSON.parse(reply.body) as Record<string, unknown>;
  for (const name of UNORDERED) {
    const list = object[name];
    if (!Array.isArray(list)) continue;
    object[name] = list.map((entry: unknown) => ({ entry, at: chance() })).sort((one, other) => one.at - other.at).map(({ entry }) => entry);
  }
  return { ...reply, body: JSON.stringify(object) };
}

/** RFC 9110 §10.2.3: seconds, or the date when they are over; every other time the latter. */
function retryAfterDate(reply: HttpReply, chance: () => number, clock: Clock): HttpReply {
  const seconds = Number(reply.headers?.['Retry-After']);
  if (!Number.isInteger(seconds) || chance() < 0.5) return reply;
  const then = Math.ceil(clock.now() / 1000 + seconds) * 1000; // a date has whole seconds, and none may be lost
  return { ...reply, headers: { ...reply.headers, 'Retry-After': new Date(then).toUTCString() } };
}
