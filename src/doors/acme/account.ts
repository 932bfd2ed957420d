/** What an account is (RFC 8555 §7.1.2), and what may stand in its `contact`. */
import type { Restriction } from '../../ca/index.ts';
import type { Jws } from './jws.ts';
import { AcmeError, malformed } from './problem.ts';

export interface Account {
  readonly id: string;
  /** RFC 7638 thumbprint of the account key, and the key itself as canonical JWK text. */
  readonly thumbprint: string;
  readonly jwk: string;
  readonly contact: readonly string[];
  /** URL of the terms that it agreed to last. */
  readonly terms: string | undefined;
  /** `revoked` by the operator, or with the external account binding that made it. */
  readonly state: 'valid' | 'deactivated' | 'revoked';
  /** RFC 8555 §7.3.4: who vouched for it. */
  readonly binding: Binding | undefined;
  /** Since when the operator lets it order nothing, ms UTC. */
  readonly paused: number | undefined;
}

export interface Binding {
  /** The id of the credential. */
  readonly credential: string;
  /** As it was given, to be shown again. */
  readonly jws: Jws['text'];
  readonly restriction: Restriction | undefined;
}

/** RFC 8555 §7.3.6: 401 for one that deactivated itself, of which nothing is left. Throws AcmeError. */
export function requireValid({ state }: Account): void {
  if (state === 'deactivated') throw new AcmeError('unauthorized', 'The account is deactivated.', { status: 401 });
  if (state === 'revoked') throw new AcmeError('unauthorized', 'The account was revoked by the operator of this server.');
}

/** RFC 8555 §7.3: mailto URLs with one address and no header fields (§7.3 "hfields"). Throws AcmeError. */
export function parseContact(given: unknown, limit: number): readonly string[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) throw malformed('"contact" must be an array of URLs.');
  if (given.length > limit) throw malformed(`An account cannot have more than ${limit} contacts.`);
  return (given as unknown[]).map(parseMailto);
}

function parseMailto(url: unknown): string {
  if (typeof url !== 'string') throw malformed('"contact" must be an array of URLs.');
  if (!/^mailto:/i.test(url)) throw new AcmeError('unsupportedContact', 'Only mailto: contacts are supported.');
  const address = url.slice('mailto:'.length);
  if (/^[^\s@,?%"<>]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(address) && address.length <= 254 && /^[\x21-\x7e]+$/.test(address)) return url;
  throw new AcmeError('invalidContact', 'A mailto: contact must hold one address in ASCII, and no header fields.');
}
