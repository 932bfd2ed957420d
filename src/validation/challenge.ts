// What goes into an attempt at a challenge and what comes out.
import type { Clock } from '../clock.ts';
import type { Host } from '../dial/host.ts';
import type { Dialer } from '../dial/dialer.ts';
import type { Call } from '../dial/resolver.ts';
import type { Name } from '../x509/name.ts';
import type { ChallengeType, Evidence } from './evidence.ts';

/** Problem types of RFC 8555 §6.7, without their URN. */
export type ValidationProblem = 'caa' | 'connection' | 'dns' | 'unauthorized' | 'incorrectResponse' | 'malformed' | 'tls';

export interface ValidationInput {
  readonly type: ChallengeType;
  /** `dns` (with or without its `*.`) or `ip`, in canonical text. */
  readonly name: Name;
  readonly wildcard: boolean;
  /** base64url, as the door made it. */
  readonly token: string;
  /** RFC 8555 §8.1: token, dot, thumbprint of the account's key. */
  readonly keyAuthorization: string;
  /** URLs of the account, today's first, then those under former external URLs. */
  readonly accountUrls: readonly string[];
  /** What this CA is called in people's zones; lower-case A-labels. */
  readonly issuers: readonly string[];
  /** The proof is to stand for all names below as well (RFC 9444). */
  readonly subdomains: boolean;
  /** Whether CAA has to allow this CA. */
  readonly caa: boolean;
  /** Aborting ends the attempt with a transient failure. */
  readonly signal: AbortSignal;
}

/** `detail` is fit for the client. `transient`: nothing is proven either way, and the order must not fail for it. */
export interface Failure {
  readonly ok: false;
  readonly transient: boolean;
  readonly problem: ValidationProblem;
  readonly detail: string;
}

export type ValidationResult = ({ readonly ok: true } | Failure) & { readonly evidence: Evidence };

/** What a challenge learned beside its verdict, for the record. */
export type Facts = Pick<Evidence, 'status' | 'tlsVersion' | 'certificateSha256' | 'excerpt' | 'caa'>;

export type Verdict = ({ readonly ok: true } | Failure) & { readonly facts?: Facts };

/** How to prove one type of challenge. Throws DialFault when it did not get as far as an answer. */
export type Challenge = (
  tools: { readonly dialer: Dialer; readonly clock: Clock; readonly http01Port: number; readonly tlsAlpn01Port: number },
  input: ValidationInput & { readonly host: Host },
  call: Call,
) => Promise<Verdict>;

/** The host answered, and its answer does not prove control. */
export const unauthorized = (detail: string, facts?: Facts): Verdict =>
  ({ ok: false, transient: false, problem: 'unauthorized', detail, ...(facts && { facts }) });
