/**
 * How a request earns trust, as types that follow each other: Received, Verified, Fresh. Each step takes only what the step before gives,
 * so no handler can see a payload that was not verified, and no nonce is spent on a forgery.
 */
import type { HttpRequest } from '../../http/route.ts';
import { isPublicId } from '../../database/public-id.ts';
import { type JsonObject, parseObject } from './json.ts';
import { type AccountKey, algorithmFor, supported } from './jwk.ts';
import { type Jws, parseJws } from './jws.ts';
import { AcmeError, malformed } from './problem.ts';
import type { Site } from './site.ts';

/** Well formed, and meant for this URL. Nothing in it is believed. */
export interface Received {
  readonly stage: 'received';
  readonly jws: Jws;
}

/** Signed with `key`. It may still be a replay. */
export interface Verified {
  readonly stage: 'verified';
  readonly jws: Jws;
  readonly key: AccountKey;
}

/** Signed, and never seen before: what a handler may act on. */
export interface Fresh {
  readonly stage: 'fresh';
  readonly key: AccountKey;
  /** Undefined for POST-as-GET (RFC 8555 §6.3). */
  readonly payload: JsonObject | undefined;
  /** As it stands in the JWS. */
  readonly url: string;
  readonly signed: Jws['text'];
}

export interface Nonces {
  issue(): string;
  redeem(nonce: string): Promise<'fresh' | 'bad' | 'malformed'>;
}

/** RFC 8555 §6.2, §6.4. `pathAtSite` is the path and query below the directory's base. Throws AcmeError. */
export async function receive(request: HttpRequest, site: Site, pathAtSite: string): Promise<Received> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/jose+json') {
    throw new AcmeError('malformed', 'The Content-Type must be application/jose+json.', { status: 415 });
  }
  const jws = parseJws(await request.body());
  const { alg, url } = jws.header;
  supported(alg);
  // §6.4: compared as text, without any normalisation.
  if (!site.bases.some((base) => url.length === base.length + pathAtSite.length && url.startsWith(base) && url.endsWith(pathAtSite))) {
    throw new AcmeError('unauthorized', `The "url" in the JWS is not this one, which is ${site.base}${pathAtSite}`);
  }
  return { stage: 'received', jws };
}

/** The id of the account that a `kid` names; it must be one of this directory's URLs. Throws AcmeError. */
export function accountNamed({ jws }: Received, site: Site): string {
  const { kid } = jws.header;
  if (kid === undefined) throw malformed('This request must be signed by an account: "kid", not "jwk".');
  const id = accountIn(kid, site);
  if (id === undefined) throw malformed('"kid" is not the URL of an account here.');
  return id;
}

/** The id in the URL of an account of this directory, undefined when it is no such URL. */
export function accountIn(url: string, site: Site): string | undefined {
  for (const base of site.bases) {
    const stem = `${base}/account/`;
    const id = url.slice(stem.length);
    if (url.startsWith(stem) && isPublicId(id)) return id;
  }
  return undefined;
}

/** The JWK that a request brings along. Throws AcmeError. */
export function keyGiven({ jws }: Received): JsonObject {
  const { jwk } = jws.header;
  if (jwk === undefined) throw malformed('This request must bring its key: "jwk", not "kid".');
  return jwk;
}

/** RFC 8555 §6.2: one algorithm per kind of key. Throws AcmeError. */
export async function verify({ jws }: Received, key: AccountKey): Promise<Verified> {
  await checkSignature(jws, key, 'the JWS');
  return { stage: 'verified', jws, key };
}

/** For the JWS of a request and for one inside it, which `called` tells apart. Throws AcmeError. */
export async function checkSignature(jws: Pick<Jws, 'signature' | 'signingInput'> & { header: { alg: string } }, key: AccountKey, called: string): Promise<void> {
  const algorithm = algorithmFor(jws.header.alg, key);
  if (!(await algorithm.verify(jws.signingInput, key.key, jws.signature))) throw malformed(`The signature of ${called} does not verify.`);
}

/** RFC 8555 §6.5: each nonce once. The payload is read only after that. Throws AcmeError. */
export async function spendNonce({ jws, key }: Verified, nonces: Nonces): Promise<Fresh> {
  const { nonce } = jws.header;
  const redeemed = await nonces.redeem(nonce);
  if (redeemed === 'malformed') throw malformed('The "nonce" is not base64url.');
  // acme.sh looks for these very words, not for the type.
  if (redeemed === 'bad') throw new AcmeError('badNonce', `JWS has an invalid anti-replay nonce: "${nonce.slice(0, 100)}"`);
  return { stage: 'fresh', key, payload: parsePayload(jws.payload), url: jws.header.url, signed: jws.text };
}

function parsePayload(octets: Buffer): JsonObject | undefined {
  if (octets.length === 0) return undefined;
  const payload = parseObject(octets);
  if (payload === undefined) throw malformed('The payload must be empty or a JSON object that names each member once.');
  return payload;
}
