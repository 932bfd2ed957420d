/** The ACME door: the table of routes, walked; and what every answer carries, added. README.md maps the RFC to the files. */
import type { Clock } from '../../clock.ts';
import type { Generation } from '../../config/generation.ts';
import type { Database } from '../../database/database.ts';
import { firstIdOfDay, type Random } from '../../database/public-id.ts';
import type { Seal } from '../../database/seal.ts';
import { BodyAborted } from '../../http/body.ts';
import type { Door, HttpReply, HttpRequest } from '../../http/route.ts';
import * as events from '../../telemetry/events.ts';
import type { Validator } from '../../validation/index.ts';
import { dayOf } from '../../x509/serial.ts';
import { requireValid } from './account.ts';
import { Attempts } from './attempts/attempts.ts';
import type { Acme, Reply, Row } from './handler.ts';
import { type AccountKey, AccountKeys } from './jwk.ts';
import { unpausePage } from './limits/page.ts';
import { dropOldLimits } from './limits/store.ts';
import { AcmeError, notFound, toProblem } from './problem.ts';
import { accountNamed, type Fresh, keyGiven, type Nonces, receive, spendNonce, verify } from './request.ts';
import { dropOrders } from './retention/store.ts';
import { routes } from './routes.ts';
import { type Site, siteOf } from './site.ts';
import { renewOrders } from './star/renew.ts';
import { load } from './store.ts';

export interface AcmeDoorParts {
  readonly ca: Acme['ca'];
  readonly database: Database;
  readonly nonces: Nonces;
  readonly validator: Validator;
  readonly clock: Clock;
  readonly random: Random;
  readonly seal: Seal;
  /** Names this process in the leases of validations. */
  readonly frontId: string;
  /** The configuration in force, asked at each request. */
  readonly generation: () => Generation;
  /** Called at each numbered step; tests kill the process there. */
  readonly reached?: (step: 'attempt-begun' | 'attempt-validated' | 'attempt-ended') => void;
}

/** Disposing of it breaks off running validations and leaves them to other fronts, or to the next start. */
export interface AcmeDoor extends AsyncDisposable {
  readonly door: Door;
  /** For a job on every front: takes over validations that are due. `over` resolves when their tries are. */
  resumeAttempts(): Promise<{ readonly taken: number; readonly over: Promise<unknown> }>;
  /** For a leased job: issues the next certificate of orders that renew themselves. Resolves to how many it published. */
  renewOrders(): Promise<number>;
  /** For a leased job: drops orders and authorizations that expired before this, ms. */
  forgetOrders(before: number): Promise<void>;
  /** For a leased job: drops what rate limits need not remember any more. */
  dropOldLimits(): Promise<void>;
}

const PREFIX = '/acme';

export function createAcmeDoor(parts: AcmeDoorParts): AcmeDoor {
  const { nonces, generation, database, reached = () => {} } = parts;
  const attempts = new Attempts({ ...parts, reached });
  const keys = new AccountKeys();
  const acme: Acme = { ...parts, attempts, keys, closing: attempts.closing };

  /** One row, answered; every refusal comes out as an exception. */
  async function serve(row: Row, request: HttpRequest, site: Site): Promise<Reply> {
    if (row.proof === 'none') return row.handler(acme, { site, method: request.method, ids: request.params });
    const received = await receive(request, site, request.target.slice(site.directory.path.length));
    const { alg, jwk } = received.jws.header;
    const { correlation, params } = request;
    if (row.proof === 'jwk') return row.handler(acme, { ...(await signedBy(await keys.given(keyGiven(received), alg))), site, address: request.remoteAddress });
    if (row.proof === 'either' && jwk !== undefined) {
      return row.handler(acme, { ...(await signedBy(await keys.unjudged(jwk, alg))), site, account: undefined, correlation });
    }
    const what = row.proof === 'either' ? 'nothing' : row.about;
    const loaded = await load[what](database, site, accountNamed(received, site), params, parts.clock.now());
    if (loaded === undefined) throw new AcmeError('accountDoesNotExist', 'There is no such account in this directory.');
    const { account, about } = loaded;
    const fresh = await signedBy(await keys.known(account.thumbprint, account.jwk));
    requireValid(account);
    if (row.proof === 'either') return row.handler(acme, { ...fresh, site, account, correlation });
    if (about === undefined && what !== 'nothing') throw notFound(what);
    return row.handler(acme, { ...fresh, site, account, about, ids: params, correlation });

    async function signedBy(key: AccountKey): Promise<Fresh> {
      return spendNonce(await verify(received, key), nonces);
    }
  }

  async function answer(row: Row, request: HttpRequest): Promise<HttpReply> {
    const site = siteOfRequest(request.params['directory']);
    try {
      if (site === undefined) throw notFound('directory');
      return finish(await serve(row, request, site), site, row.path !== '/directory');
    } catch (error) {
      return explain(error, request, site);
    }
  }

  /** `/acme` is the directory called `default`, and that one has no second URL. */
  const siteOfRequest = (name: string | undefined): Site | undefined =>
    (name === 'default' ? undefined : siteOf(generation(), name ?? 'default'));

  function explain(error: unknown, request: HttpRequest, site: Site | undefined): HttpReply {
    if (error instanceof BodyAborted) throw error; // there is nobody to tell
    const { problem, headers, ours } = toProblem(error);
    const { correlation } = request;
    if (ours) events.faultCaught({ where: 'acme', correlation, error });
    events.problemAnswered({ door: 'acme', type: problem.type.slice(problem.type.lastIndexOf(':') + 1), status: problem.status, correlation });
    const reply = { status: problem.status, text: { type: 'application/problem+json', content: JSON.stringify(problem) } };
    return finish({ ...reply, ...(headers === undefined ? {} : { headers }) }, site, true);
  }

  /** What every answer carries: a nonce (§6.5, on errors as well, so that a retry costs no extra trip), CORS (§6.1), the index (§7.1). */
  function finish(reply: Reply, site: Site | undefined, index: boolean): HttpReply {
    const headers: Record<string, string | readonly string[]> = { ...EVERYWHERE, 'Replay-Nonce': nonces.issue(), ...reply.headers };
    if (index && site !== undefined) {
      const link = `<${site.base}/directory>;rel="index"`;
      headers['Link'] = headers['Link'] === undefined ? link : [link, ...[headers['Link']].flat()];
    }
    const { status, body, text } = reply;
    if (text !== undefined) return { status, headers: { ...headers, 'Content-Type': text.type }, body: text.content };
    if (body === undefined) return { status, headers };
    headers['Content-Type'] = 'application/json';
    return { status, headers, body: JSON.stringify(body) };
  }

  const door: Door = {
    name: 'acme',
    prefix: PREFIX,
    routes: [
      ...routes.map((row) => ({
        method: row.method, path: `${PREFIX}{/d/:directory}${row.path}`, handle: (request: HttpRequest) => answer(row, request),
      })),
      // For people, not for clients: no nonce, no JWS.
      ...(['GET', 'POST'] as const).map((method) => ({
        method, path: `${PREFIX}{/d/:directory}/unpause/:token`, secret: true,
        handle: ({ params }: HttpRequest) => unpausePage(acme, siteOfRequest(params['directory']), method, params['token'] ?? ''),
      })),
    ],
    refuse(request, allow) {
      const site = siteOfRequest(undefined);
      if (request.method === 'OPTIONS' && allow.length > 0) return preflight(finish({ status: 204 }, site, true), allow);
      if (allow.length === 0) return explain(notFound('resource'), request, site);
      const headers = { Allow: allow.join(', ') };
      return explain(new AcmeError('malformed', `The method must be ${headers.Allow}.`, { status: 405, headers }), request, site);
    },
  };
  return {
    door,
    resumeAttempts: () => attempts.resume(),
    renewOrders: () => renewOrders(acme),
    forgetOrders: (before) => dropOrders(database, firstIdOfDay(dayOf(before))),
    dropOldLimits: () => dropOldLimits(database, parts.clock.now()),
    [Symbol.asyncDispose]: () => attempts[Symbol.asyncDispose](),
  };
}

const EVERYWHERE = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Link, Location, Replay-Nonce, Retry-After',
  'Cache-Control': 'no-store',
} as const;

/** What a browser asks before it sends a JWS. */
const preflight = (reply: HttpReply, allow: readonly string[]): HttpReply => ({
  ...reply,
  headers: {
    ...reply.headers, 'Access-Control-Allow-Methods': allow.join(', '), 'Access-Control-Allow-Headers': 'Content-Type',
    'Access-Control-Max-Age': '86400',
  },
});
