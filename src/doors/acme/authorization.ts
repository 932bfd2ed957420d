/** What an authorization is, and its state as a function of the facts (RFC 8555 §7.1.4, §7.1.6). */
import type { ChallengeType } from '../../config/generation.ts';
import type { Attempt } from './challenge.ts';
import { isDevice } from './device/device-identifier.ts';
import type { Identifier } from './identifier.ts';

export interface Authorization {
  readonly id: string;
  readonly account: string;
  /** Never with `*.`: `wildcard` says so instead. */
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  /** It stands for all names below as well (RFC 9444 §4). */
  readonly subdomains: boolean;
  /** 128 random bits, base64url; one for all challenges of this authorization and for no other. */
  readonly token: string;
  readonly challenges: readonly ChallengeType[];
  /** When it stops waiting for its challenge, ms UTC. */
  readonly expires: number;
  readonly deactivated: boolean;
  /** At most one, ever: what it comes to is what the authorization comes to. */
  readonly attempt: Attempt | undefined;
}

export type AuthorizationStatus = 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired';

/** RFC 8555 §7.1.6. Computed, never stored. */
export function authorizationStatus(authorization: Authorization, now: number): AuthorizationStatus {
  const { attempt } = authorization;
  if (authorization.deactivated) return 'deactivated';
  if (attempt?.state === 'invalid') return 'invalid';
  if (authorizationExpires(authorization) <= now) return 'expired';
  return attempt?.state === 'valid' ? 'valid' : 'pending';
}

export type ProofSubject = Pick<Authorization, 'account' | 'identifier' | 'wildcard' | 'subdomains'>;

/** What a proof of it proves: equal for two authorizations exactly when the proof of one is a proof of the other. */
export function proofKey({ account, identifier: { type, value }, wildcard, subdomains }: ProofSubject): string {
  return `${account} ${type}:${wildcard ? '*.' : ''}${value}${subdomains ? ' and below' : ''}`;
}

/** Its own key first; then, where that is allowed, those of the domains above it (RFC 9444), which prove a wildcard as well. */
export function proofKeysFor(subject: ProofSubject, subdomains: boolean): string[] {
  const own = proofKey(subject);
  const { account, identifier } = subject;
  if (!subdomains || identifier.type !== 'dns') return [own];
  const labels = identifier.value.split('.');
  const above = labels.map((_, index) => ({ type: 'dns' as const, value: labels.slice(index).join('.') }));
  return [...new Set([own, ...above.map((domain) => proofKey({ account, identifier: domain, wildcard: false, subdomains: true }))])];
}

/** When it expires, in the state that it is in. */
export const authorizationExpires = ({ attempt, expires }: Authorization): number => attempt?.validUntil ?? expires;

/**
 * Which challenges can prove an identifier: addresses by connecting to them alone (RFC 8738 §4, §7), more names than one by DNS alone
 * (§8.4 for wildcards; for whole domains because a host speaks for itself, RFC 9444 §7).
 */
export const challengesFor = (identifier: Identifier, wide: boolean, offered: readonly ChallengeType[]): ChallengeType[] =>
  offered.filter((type) => {
    if (isDevice(identifier) || type === 'device-attest-01') return isDevice(identifier) && type === 'device-attest-01';
    return identifier.type === 'ip' ? !isByDns(type) : !wide || isByDns(type);
  });

/** The one among these that lets the identifier be certified: its own, or that of a domain above it (RFC 9444). */
export function authorizationFor(authorizations: readonly Authorization[], { type, value }: Identifier): Authorization | undefined {
  const wildcard = type === 'dns' && value.startsWith('*.');
  const base = wildcard ? value.slice(2) : value;
  return authorizations.find(({ identifier, wildcard: wide }) => identifier.type === type && identifier.value === base && wide === wildcard)
    ?? authorizations.find(({ identifier, subdomains }) => subdomains && type === 'dns' && isWithin(base, identifier.value));
}

/** The name itself, or one below it: `badexample.com` is not within `example.com`. */
export const isWithin = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`);

const isByDns = (type: ChallengeType): boolean => type.startsWith('dns-');
