/** What the rows of routes.ts are made of: handlers are typed by the proof that their row asks for (RFC 8555 §6.2). */
import type { Ca } from '../../ca/index.ts';
import type { Clock } from '../../clock.ts';
import type { Generation } from '../../config/generation.ts';
import type { Database } from '../../database/database.ts';
import type { Random } from '../../database/public-id.ts';
import type { Validator } from '../../validation/index.ts';
import type { Seal } from '../../database/seal.ts';
import type { Account } from './account.ts';
import type { Attempts } from './attempts/attempts.ts';
import type { JsonObject } from './json.ts';
import type { AccountKey, AccountKeys } from './jwk.ts';
import type { Jws } from './jws.ts';
import type { Site } from './site.ts';
import type { About } from './store.ts';

/** What every handler may use. */
export interface Acme {
  readonly ca: Pick<Ca, 'issue' | 'revoke' | 'decide' | 'progress' | 'chain' | 'alternateChains' | 'issuerKeyOf' | 'renewal' | 'statusOf'>;
  readonly database: Database;
  readonly attempts: Attempts;
  readonly keys: AccountKeys;
  readonly validator: Pick<Validator, 'checkCaa'>;
  /** Aborted when the door closes. */
  readonly closing: AbortSignal;
  /** The configuration in force. */
  readonly generation: () => Generation;
  readonly clock: Clock;
  readonly random: Random;
  readonly seal: Seal;
}

export interface Reply {
  readonly status: number;
  /** JSON, unless `text` is given. */
  readonly body?: object;
  readonly text?: { readonly type: string; readonly content: string };
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** The path's `:names`. */
export type Ids = Readonly<Record<string, string | undefined>>;

/** Nobody in particular asked. */
export interface ByNobody {
  readonly site: Site;
  readonly method: string;
  readonly ids: Ids;
}

/** Someone asked who has the private key of `key`. `payload` is undefined for POST-as-GET (§6.3). */
export interface ByKey {
  readonly site: Site;
  readonly key: AccountKey;
  readonly payload: JsonObject | undefined;
  /** Of the request, as it was signed: what a JWS inside it has to repeat. */
  readonly url: string;
  /** From where the request came: as the listener sees it, or as trusted proxies say. */
  readonly address: string;
}

/** Either: an account, or whoever has the key that the request brought along. */
export interface BySigner extends Omit<ByKey, 'address'> {
  readonly account: Account | undefined;
  readonly signed: Jws['text'];
  readonly correlation: string;
}

/** An account asked, about something that is its own. */
export interface ByAccount<A extends keyof About> {
  readonly site: Site;
  readonly account: Account;
  readonly key: AccountKey;
  readonly payload: JsonObject | undefined;
  readonly url: string;
  readonly about: About[A];
  readonly ids: Ids;
  /** The request as it was signed, for the evidence. */
  readonly signed: Jws['text'];
  /** Of the request: runs through log lines, intent and audit entry. */
  readonly correlation: string;
}

export type OpenHandler = (acme: Acme, given: ByNobody) => Promise<Reply> | Reply;
export type KeyHandler = (acme: Acme, given: ByKey) => Promise<Reply>;
export type SignerHandler = (acme: Acme, given: BySigner) => Promise<Reply>;
export type AccountHandler<A extends keyof About> = (acme: Acme, given: ByAccount<A>) => Promise<Reply> | Reply;

export type Row =
  | { readonly proof: 'none'; readonly method: 'GET' | 'HEAD'; readonly path: string; readonly handler: OpenHandler }
  | { readonly proof: 'jwk'; readonly method: 'POST'; readonly path: string; readonly handler: KeyHandler }
  | { readonly proof: 'either'; readonly method: 'POST'; readonly path: string; readonly handler: SignerHandler }
  | { readonly proof: 'kid'; readonly method: 'POST'; readonly path: string; readonly about: keyof About; readonly handler: AccountHandler<keyof About> };

export const open = (method: 'GET' | 'HEAD', path: string, handler: OpenHandler): Row => ({ proof: 'none', method, path, handler });

export const byKey = (path: string, handler: KeyHandler): Row => ({ proof: 'jwk', method: 'POST', path, handler });

export const byEither = (path: string, handler: SignerHandler): Row => ({ proof: 'either', method: 'POST', path, handler });

/** `about` names what is loaded, checked to be the account's, and given to the handler: no handler looks anything up by itself. */
export const byAccount = <A extends keyof About>(about: A, path: string, handler: AccountHandler<NoInfer<A>>): Row =>
  ({ proof: 'kid', method: 'POST', path, about, handler: handler as AccountHandler<keyof About> });
