// The record of one attempt, to be stored with the authorization and, in the end, with the certificate.
import type { CaaFound } from './caa.ts';
import type { DialRecord, LookupRecord, Trail } from '../dial/trail.ts';

export type ChallengeType = 'http-01' | 'dns-01' | 'tls-alpn-01' | 'dns-account-01' | 'dns-persist-01';

/** JSON, small: the addresses and names in it are as they were, and texts of strangers are cut and printable. */
export interface Evidence {
  readonly type: ChallengeType;
  /** Milliseconds since the epoch, and how long it took. */
  readonly at: number;
  readonly ms: number;
  /** The address that answered last; `address#port` of the resolver that was asked last. */
  readonly address?: string;
  readonly resolver?: string;
  readonly lookups?: readonly LookupRecord[];
  /** Only when something else happened than one connection. */
  readonly dials?: readonly DialRecord[];
  readonly redirects?: readonly string[];
  /** HTTP status of the last hop. */
  readonly status?: number;
  readonly tlsVersion?: string;
  /** SHA-256 of the certificate that was presented, in hex. */
  readonly certificateSha256?: string;
  /** The first octets of a wrong answer, printable. For the operator: the client sees them only where `http-01.ts` says so. */
  readonly excerpt?: string;
  /** What CAA said, and when it was asked. */
  readonly caa?: CaaFound & { readonly at: number };
}

// Of a long chain of redirects the end is what counts, and the record must stay small.
const KEPT = 4;

export function evidenceOf(
  type: ChallengeType,
  trail: Trail,
  at: number,
  now: number,
  facts: Partial<Evidence> = {},
): Evidence {
  const lookups = trail.lookups.slice(-KEPT);
  const dials = trail.dials.slice(-KEPT);
  const redirects = trail.redirects.slice(-KEPT);
  const connected = dials.findLast(({ outcome }) => outcome === 'connected');
  const resolver = lookups.findLast((lookup) => lookup.resolver !== undefined)?.resolver;
  return {
    type,
    at,
    ms: now - at,
    ...(connected && { address: connected.address }),
    ...(resolver !== undefined && { resolver }),
    ...(lookups.length > 0 && { lookups }),
    ...((dials.length > 1 || (connected === undefined && dials.length > 0)) && { dials }),
    ...(redirects.length > 0 && { redirects }),
    ...facts,
  };
}
