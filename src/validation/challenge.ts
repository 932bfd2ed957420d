// What goes into an attempt at a challenge and what comes out.
import type { Host } from '../dial/host.ts';
import type { Dialer } from '../dial/dialer.ts';
import type { Call } from '../dial/resolver.ts';
import type { Name } from '../x509/name.ts';
import type { ChallengeType, Evidence } from './evidence.ts';

/** Problem types of RFC 8555 §6.7, without their URN. */
export type ValidationProblem = 'connection' | 'dns' | 'unauthorized' | 'incorrectResponse' | 'tls';

export interface ValidationInput {
  readonly type: ChallengeType;
  /** `dns` (with or without its `*.`) or `ip`, in canonical text. */
  readonly name: Name;
  readonly wildcard: boolean;
  /** base64url, as the door made it. */
  readonly token: string;
  /** RFC 8555 §8.1: token, dot, thumbprint of the account's key. */
  readonly keyAuthorization: string;
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
export type Facts = Pick<Evidence, 'status' | 'tlsVersion' | 'certificateSha256'>;

export type Verdict = ({ readonly ok: true } | Failure) & { readonly facts?: Facts };

/** How to prove one type of challenge. Throws DialFault when it did not get as far as an answer. */
export type Challenge = (
  tools: { readonly dialer: Dialer; readonly http01Port: number; readonly tlsAlpn01Port: number },
  input: ValidationInput & { readonly host: Host },
  call: Call,
) => Promise<Verdict>;

/** The host answered, and its answer does not prove control. */
export const unauthorized = (detail: string, facts?: Facts): Verdict =>
  ({ ok: false, transient: false, problem: 'unauthorized', detail, ...(facts && { facts }) });
