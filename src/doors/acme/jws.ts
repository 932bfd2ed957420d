/** The one form of JWS that ACME knows: flattened JSON, RFC 8555 §6.2. What is read here is believed by nobody yet. */
import { decodeBase64url } from './base64url.ts';
import { type JsonObject, parseObject } from './json.ts';
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

/** RFC 8555 §6.2: flattened, no unprotected header, no detached or unencoded payload, nothing critical. Throws AcmeError. */
export function parseJws(body: Uint8Array): Jws {
  const outer = parseObject(body);
  if (outer === undefined) throw malformed('The request body is not a JSON object in UTF-8.');
  if ('signatures' in outer) throw malformed('The JWS must have the flattened form, with one "signature".');
  if ('header' in outer) throw malformed('The JWS must not have an unprotected "header".');
  const { protected: head, payload: encoded, signature: proof } = outer;
  if (typeof head !== 'string' || typeof encoded !== 'string' || typeof proof !== 'string') {
    throw malformed('The JWS must have the strings "protected", "payload" and "signature".');
  }
  const headOctets = decodeBase64url(head);
  const payload = decodeBase64url(encoded);
  const signature = decodeBase64url(proof);
  if (headOctets === undefined || payload === undefined || signature === undefined) {
    throw malformed('"protected", "payload" and "signature" must be base64url without padding.');
  }
  return {
    header: parseHeader(headOctets), payload, signature,
    signingInput: Buffer.from(`${head}.${encoded}`, 'latin1'),
    text: { protected: head, payload: encoded, signature: proof },
  };
}

function parseHeader(octets: Buffer): Jws['header'] {
  const header = parseObject(octets);
  if (header === undefined) throw malformed('The protected header is not a JSON object that names each member once.');
  const { alg, url, nonce, kid, jwk } = header;
  if ('crit' in header || 'b64' in header) throw malformed('The protected header must not have "crit" or "b64".');
  if (typeof alg !== 'string') throw malformed('The protected header has no "alg".');
  if (typeof url !== 'string') throw malformed('The protected header has no "url".');
  if (typeof nonce !== 'string') throw malformed('The protected header has no "nonce".');
  if ((kid === undefined) === (jwk === undefined)) throw malformed('The protected header must have one of "kid" and "jwk".');
  if (typeof kid === 'string') return { alg, url, nonce, kid };
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw malformed('"kid" must be a string, "jwk" an object.');
  return { alg, url, nonce, jwk: jwk as JsonObject };
}
