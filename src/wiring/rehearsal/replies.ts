/** Answers of the ACME door as only some servers give them: lists in no particular order, and `Retry-After` in its other form. */
import type { Clock } from '../../clock.ts';
import type { Door, HttpReply, HttpRequest, HttpRoute } from '../../http/route.ts';

export interface Unsettling {
  readonly chance: () => number;
  readonly clock: Clock;
  /** One that will be accepted. */
  readonly nonce: () => string;
}

/** Lists in RFC 8555's objects whose order means nothing (§7.1.3, §7.1.4). */
const UNORDERED = ['identifiers', 'authorizations', 'challenges'] as const;

/** Who was turned away gets nonces that are taken for so long: certbot tries once more, with one that it fetches. */
const SECOND_TRY_MS = 10_000;
const MOST_ADDRESSES = 1000;

/** The door, with Pebble's `/dir` beside its own directory. */
export function unsettled(door: Door, { chance, clock, nonce }: Unsettling): Door {
  const turnedAway = new Map<string, number>();

  /** RFC 8555 §6.5: the nonce that comes with badNonce "the server will accept in a retry of the original query". */
  function retriable(reply: HttpReply, { path, remoteAddress }: HttpRequest): HttpReply {
    const now = clock.now();
    const isBadNonce = reply.status === 400 && typeof reply.body === 'string' && reply.body.includes(':badNonce"');
    if (isBadNonce) {
      if (turnedAway.size >= MOST_ADDRESSES) turnedAway.clear();
      turnedAway.set(remoteAddress, now + SECOND_TRY_MS);
    }
    const isFetched = path.endsWith('/new-nonce') && (turnedAway.get(remoteAddress) ?? 0) > now;
    return isBadNonce || isFetched ? { ...reply, headers: { ...reply.headers, 'Replay-Nonce': nonce() } } : reply;
  }

  const routes = door.routes.map((route): HttpRoute => ({
    ...route, handle: async (request) => retryAfterDate(shuffled(retriable(await route.handle(request), request), chance), chance, clock),
  }));
  const directory = routes.find(({ method, path }) => method === 'GET' && path.endsWith('/directory'));
  return { ...door, routes: [...routes, ...(directory === undefined ? [] : [{ ...directory, path: '/dir' }])] };
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
