/**
 * Account keys. jose imports a JWK and makes its thumbprint, once; after that node:crypto verifies with the cached KeyObject,
 * which is twice as fast as the library's own verification and five times as fast as importing the key each time.
 */
import { KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, importJWK, type JWK } from 'jose';
import { publicKeyFault } from '../../x509/public-key.ts';
import { ALGORITHM_NAMES, ALGORITHMS, type Algorithm } from './algorithm.ts';
import { decodeBase64url } from './base64url.ts';
import { isObject, type JsonObject } from './json.ts';
import { AcmeError, malformed } from './problem.ts';

/** A key that may sign requests. One key has one thumbprint, however it was spelled (RFC 7638). */
export interface AccountKey {
  readonly thumbprint: string;
  /** The required members alone, as JSON in the order of RFC 7638. */
  readonly jwk: string;
  readonly kty: string;
  readonly crv: string | undefined;
  readonly key: KeyObject;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Buffer;
}

const CAPACITY = 10_000; // about 20 MB

export class AccountKeys {
  readonly #byThumbprint = new Map<string, AccountKey>();

  /** The key of a stored account. */
  async known(thumbprint: string, jwk: string): Promise<AccountKey> {
    return this.#recall(thumbprint) ?? this.#remember(await importKey(JSON.parse(jwk) as JWK, thumbprint));
  }

  /** The key in a request, and in one inside it. Throws AcmeError when it is malformed, weak or of a kind we do not take. */
  async given(jwk: JsonObject, alg: string): Promise<AccountKey> {
    agreed(jwk, alg);
    const members = canonicalMembers(jwk);
    const thumbprint = await calculateJwkThumbprint(members);
    const recalled = this.#recall(thumbprint);
    if (recalled !== undefined) return recalled;
    const key = await this.#import(members, thumbprint);
    const fault = publicKeyFault(key.spki);
    // The rules for certificate keys, and P-521 besides, which some clients make their account keys of.
    if (fault !== undefined && members.crv !== 'P-521') throw new AcmeError('badPublicKey', `The public key is not accepted: ${fault}.`);
    return this.#remember(key);
  }

  /** A key that need not be good enough for an account, and is not kept: whoever has it may always say that it must not be used. */
  async unjudged(jwk: JsonObject, alg: string): Promise<AccountKey> {
    agreed(jwk, alg);
    return this.#import(canonicalMembers(jwk));
  }

  /** Of a JWK that need not be one that we would take; undefined when it is no key at all. */
  async thumbprintOf(jwk: unknown): Promise<string | undefined> {
    try {
      return isObject(jwk) ? await calculateJwkThumbprint(canonicalMembers(jwk)) : undefined;
    } catch (error) {
      if (error instanceof AcmeError) return undefined;
      throw error;
    }
  }

  async #import(members: JWK, thumbprint?: string): Promise<AccountKey> {
    try {
      return await importKey(members, thumbprint ?? (await calculateJwkThumbprint(members)));
    } catch {
      throw new AcmeError('badPublicKey', 'The public key is not a valid point or modulus.');
    }
  }

  #recall(thumbprint: string): AccountKey | undefined {
    const key = this.#byThumbprint.get(thumbprint);
    if (key === undefined) return undefined;
    this.#byThumbprint.delete(thumbprint); // the one used last stands last, so the one used least goes first
    this.#byThumbprint.set(thumbprint, key);
    return key;
  }

  #remember(key: AccountKey): AccountKey {
    this.#byThumbprint.set(key.thumbprint, key);
    if (this.#byThumbprint.size > CAPACITY) this.#byThumbprint.delete(this.#byThumbprint.keys().next().value as string);
    return key;
  }
}

/** The algorithm that `alg` names, if it is one of ours and goes with this key. RFC 8555 §6.2: the answer lists what does. */
export function algorithmFor(alg: string, key: Pick<AccountKey, 'kty' | 'crv'>): Algorithm {
  const algorithm = supported(alg);
  if (algorithm.kty !== key.kty || (algorithm.crv !== undefined && algorithm.crv !== key.crv)) {
    throw new AcmeError('badSignatureAlgorithm', `The algorithm ${alg} does not go with this key.`, { algorithms: ALGORITHM_NAMES });
  }
  return algorithm;
}

/** Looked at before any key is: `none` and MACs end here. */
export function supported(alg: string): Algorithm {
  const algorithm = ALGORITHMS[alg];
  if (algorithm !== undefined) return algorithm;
  throw new AcmeError('badSignatureAlgorithm', 'This signature algorithm is not supported.', { algorithms: ALGORITHM_NAMES });
}

/** RFC 7517 §4.4: a key that says what algorithm it is for is for no other. */
function agreed(jwk: JsonObject, alg: string): void {
  supported(alg);
  if (jwk['alg'] === undefined || jwk['alg'] === alg) return;
  throw new AcmeError('badSignatureAlgorithm', 'The "alg" in the "jwk" is not the "alg" of the header around it.', { algorithms: ALGORITHM_NAMES });
}

async function importKey(members: JWK, thumbprint: string): Promise<AccountKey> {
  const { kty = '', crv } = members;
  // The algorithm named here only chooses how jose imports; which one signed is decided per request.
  const imported = await importJWK(members, kty === 'RSA' ? 'RS256' : kty === 'OKP' ? 'EdDSA' : ES_OF[crv ?? '']);
  if (imported instanceof Uint8Array) throw new Error('a symmetric key');
  const key = KeyObject.from(imported);
  return { thumbprint, jwk: JSON.stringify(members), kty, crv, key, spki: key.export({ type: 'spki', format: 'der' }) };
}

const ES_OF: Readonly<Record<string, string>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' };

const COORDINATE_OCTETS: Readonly<Record<string, number | undefined>> =
  Object.assign(Object.create(null), { 'P-256': 32, 'P-384': 48, 'P-521': 66 });

const ACCEPTED = 'Accepted are EC keys on P-256, P-384 and P-521, RSA keys of 2048, 3072 and 4096 bits, and Ed25519.';

/** RFC 7638 §3.2: the members that make the key, spelled in the one way; others (`kid`, `use`) are let pass. */
function canonicalMembers(jwk: JsonObject): JWK {
  if ('d' in jwk || 'k' in jwk || 'p' in jwk) throw malformed('The "jwk" must hold a public key and nothing secret.');
  const { kty, crv } = jwk;
  if (kty === 'EC' && typeof crv === 'string' && COORDINATE_OCTETS[crv] !== undefined) {
    const octets = COORDINATE_OCTETS[crv];
    return { crv, kty, x: octetsOf(jwk, 'x', octets), y: octetsOf(jwk, 'y', octets) };
  }
  if (kty === 'OKP' && crv === 'Ed25519') return { crv, kty, x: octetsOf(jwk, 'x', 32) };
  if (kty === 'RSA') return { e: integerOf(jwk, 'e'), kty, n: integerOf(jwk, 'n') };
  throw new AcmeError('badPublicKey', ACCEPTED);
}

/** RFC 7518 §6.2.1.2: coordinates have full length, always; a shorter spelling would be a second thumbprint. */
function octetsOf(jwk: JsonObject, name: string, length: number): string {
  const text = jwk[name];
  const octets = typeof text === 'string' ? decodeBase64url(text) : undefined;
  if (octets?.length === length) return text as string;
  throw new AcmeError('badPublicKey', `"${name}" must be the base64url of ${length} octets.`);
}

/** RFC 7518 §6.3.1 (and the note in RFC 8555 §8.1): leading zero octets are not part of the number. */
function integerOf(jwk: JsonObject, name: string): string {
  const text = jwk[name];
  const octets = typeof text === 'string' ? decodeBase64url(text) : undefined;
  if (octets === undefined || octets.length > 1024) throw new AcmeError('badPublicKey', `"${name}" must be base64url. ${ACCEPTED}`);
  const first = octets.findIndex((octet) => octet !== 0);
  if (first === -1) throw new AcmeError('badPublicKey', `"${name}" is zero.`);
  return octets.subarray(first).toString('base64url');
}
