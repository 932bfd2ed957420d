/** The one form of JWS that ACME knows: flattened JSON, RFC 8555 §6.2. What is read here is believed by nobody yet. */
import { decodeBase64url } from './base64url.ts';
import { isObject, type JsonObject, parseObject } from './json.ts';
import { malformed } from './problem.ts';

export interface Jws {
  /** Checked to be strings: `alg`, `url`, `nonce`; and exactly one of `jwk` and `kid`. */
  readonly header: { readonly alg: string; readonly url: string; readonly nonce: string } & (
    | { readonly kid: string; readonly jwk?: undefined }
    | { readonly jwk: JsonObject; readonly kid?: undefined }
  );
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** What was signed (RFC 7515 §5.2 step 8). */
  readonly signingInput: Buffer;
  /** As it came, for the evidence. */
  readonly text: { readonly protected: string; readonly payload: string; readonly signature: string };
}

/** A JWS inside the payload of another: signed by the key that it brings, meant for the URL of the one around it, and without a nonce. */
export interface InnerJws {
  readonly header: JsonObject & { readonly alg: string };
  readonly payload: JsonObject;
  readonly signature: Buffer;
  readonly signingInput: Buffer;
  readonly text: Jws['text'];
}

/** RFC 8555 §6.2: flattened, no unprotected header, no detached or unencoded payload, nothing critical. Throws AcmeError. */
export function parseJws(body: Uint8Array): Jws {
  const outer = parseObject(body);
  if (outer === undefined) throw malformed('The request body is not a JSON object in UTF-8.');
  const { header, ...parts } = parseFlattened(outer, 'The JWS');
  return { header: checkHeader(header), ...parts };
}

/**
 * The JWS in a member or in place of a payload (RFC 8555 §7.3.4, §7.3.5). `called` names it in faults; `url` is that of the request,
 * which the inner header must repeat. Whose key it is, `jwk` or `kid`, the caller looks at. Throws AcmeError.
 */
export function parseInnerJws(given: unknown, called: string, url: string): InnerJws {
  if (!isObject(given)) throw malformed(`${called} must be a JWS in flattened form.`);
  const { header, payload: octets, signature, signingInput, text } = parseFlattened(given, called);
  const { alg } = header;
  if (typeof alg !== 'string') throw malformed(`${called} has no "alg".`);
  if ('nonce' in header) throw malformed(`${called} must not have a "nonce".`);
  if (header['url'] !== url) throw malformed(`The "url" of ${called.toLowerCase()} must be that of the request around it.`);
  const payload = parseObject(octets);
  if (payload === undefined) throw malformed(`The payload of ${called.toLowerCase()} must be a JSON object that names each member once.`);
  return { header: { ...header, alg }, payload, signature, signingInput, text };
}

function parseFlattened(outer: JsonObject, called: string) {
  if ('signatures' in outer) throw malformed(`${called} must have the flattened form, with one "signature".`);
  if ('header' in outer) throw malformed(`${called} must not have an unprotected "header".`);
  const { protected: head, payload: encoded, signature: proof } = outer;
  if (typeof head !== 'string' || typeof encoded !== 'string' || typeof proof !== 'string') {
    throw malformed(`${called} must have the strings "protected", "payload" and "signature".`);
  }
  const headOctets = decodeBase64url(head);
  const payload = decodeBase64url(encoded);
  const signature = decodeBase64url(proof);
  if (headOctets === undefined || payload === undefined || signature === undefined) {
    throw malformed('"protected", "payload" and "signature" must be base64url without padding.');
  }
  const header = parseObject(headOctets);
  if (header === undefined) throw malformed('The protected header is not a JSON object that names each member once.');
  if ('crit' in header || 'b64' in header) throw malformed('The protected header must not have "crit" or "b64".');
  return {
    header, payload, signature,
    signingInput: Buffer.from(`${head}.${encoded}`, 'latin1'),
    text: { protected: head, payload: encoded, signature: proof },
  };
}

function checkHeader({ alg, url, nonce, kid, jwk }: JsonObject): Jws['header'] {
  if (typeof alg !== 'string') throw malformed('The protected header has no "alg".');
  if (typeof url !== 'string') throw malformed('The protected header has no "url".');
  if (typeof nonce !== 'string') throw malformed('The protected header has no "nonce".');
  if ((kid === undefined) === (jwk === undefined)) throw malformed('The protected header must have one of "kid" and "jwk".');
  if (typeof kid === 'string') return { alg, url, nonce, kid };
  if (!isObject(jwk)) throw malformed('"kid" must be a string, "jwk" an object.');
  return { alg, url, nonce, jwk };
}
