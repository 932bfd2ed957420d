/** Problem documents (RFC 7807, RFC 8555 §6.7): every type there is, with its status, and the one place where an error becomes words. */
import { Refusal, type RefusalKind } from '../../ca/index.ts';
import { BodyTooLarge } from '../../http/body.ts';
import type { Identifier } from './identifier.ts';

/** One row per type we use. The RFC fixes some statuses (§6.2, §7.3.1, §7.4 …); the rest follow its examples. */
export const PROBLEMS = {
  accountDoesNotExist: 400, // §7.3.1
  alreadyReplaced: 409, // RFC 9773 §5
  autoRenewalCanceled: 403, // RFC 8739 §3.1.2 to §3.1.4
  autoRenewalCancellationInvalid: 400,
  autoRenewalExpired: 403,
  autoRenewalRevocationNotSupported: 403,
  alreadyRevoked: 400, // §7.6
  badAttestationStatement: 400, // draft-ietf-acme-device-attest §4
  badCSR: 400,
  badNonce: 400, // §6.5; clients retry on 400 and nothing else
  badPublicKey: 400, // §6.2
  badRevocationReason: 400, // §7.6
  badSignatureAlgorithm: 400, // §6.2
  caa: 403,
  compound: 400,
  connection: 400,
  dns: 400,
  externalAccountRequired: 403,
  incorrectResponse: 403,
  invalidContact: 400,
  invalidProfile: 400, // draft-ietf-acme-profiles
  malformed: 400,
  orderNotReady: 403, // §7.4
  rateLimited: 429,
  rejectedIdentifier: 403, // as in the example of §6.7.1
  serverInternal: 500,
  tls: 400,
  unauthorized: 403, // 401 for a deactivated account, §7.3.6
  unsupportedContact: 400,
  unsupportedIdentifier: 400,
  userActionRequired: 403, // §7.3.3
} as const satisfies Record<string, number>;
export type ProblemType = keyof typeof PROBLEMS;

/** As on the wire; also what stands in a challenge's or an order's `error`. */
export interface Problem {
  readonly type: string;
  readonly detail: string;
  readonly status: number;
  /** Only inside subproblems (RFC 8555 §6.7.1). */
  readonly identifier?: Identifier;
  readonly subproblems?: readonly Problem[];
  /** RFC 8555 §6.2: what badSignatureAlgorithm says is supported. */
  readonly algorithms?: readonly string[];
  /** A page for people to visit (RFC 7807 §3.1, RFC 8555 §7.3.3). */
  readonly instance?: string;
}

interface Extras {
  /** Instead of the type's own: 404, 405, 413, 415 are `malformed`, 401 is `unauthorized`. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly subproblems?: readonly Problem[];
  readonly algorithms?: readonly string[];
  readonly instance?: string;
}

/** The caller's fault, in ACME's own words. */
export class AcmeError extends Error {
  override readonly name = 'AcmeError';
  readonly type: ProblemType;
  readonly extras: Extras;

  constructor(type: ProblemType, detail: string, extras: Extras = {}) {
    super(detail);
    this.type = type;
    this.extras = extras;
  }
}

export const malformed = (detail: string): AcmeError => new AcmeError('malformed', detail);
/** The same words for what never existed and for what is another account's, so that nobody learns which (§10.5). */
export const notFound = (what: string): AcmeError => new AcmeError('malformed', `No such ${what}.`, { status: 404 });

const FOR_REFUSAL = {
  'bad-csr': 'badCSR',
  'bad-key': 'badCSR', // the key in question is the CSR's
  'name-not-allowed': 'rejectedIdentifier',
  'profile-unknown': 'invalidProfile',
  'profile-not-allowed': 'invalidProfile',
  'validity-not-allowed': 'malformed',
  'not-lawful': 'serverInternal', // F-14: what we prepared did not pass our own lints or the signer
  'moved-on': 'orderNotReady',
} as const satisfies Record<RefusalKind, ProblemType>;

/** All of the CA's reasons as one error: the reason itself when there is one, else subproblems per identifier (§6.7.1). */
export function refused(reasons: readonly Refusal[]): AcmeError {
  return several(reasons.map(({ kind, message, subject }) => ({
    type: FOR_REFUSAL[kind],
    detail: kind === 'not-lawful' ? 'The server would not sign what it had prepared. The operator has been told.' : sentence(message, subject?.value),
    ...(subject?.type === 'dns' || subject?.type === 'ip' ? { identifier: { type: subject.type, value: subject.value } } : {}),
  })));
}

export interface Fault {
  readonly type: ProblemType;
  readonly detail: string;
  readonly identifier?: Identifier;
}

/** Faults found together are told together. The type is theirs when they agree, else `malformed`. */
export function several(faults: readonly Fault[]): AcmeError {
  const [first] = faults;
  if (first === undefined) throw new Error('no fault to tell');
  if (faults.length === 1) return new AcmeError(first.type, nameThe(first));
  const type = faults.every((fault) => fault.type === first.type) ? first.type : 'malformed';
  return new AcmeError(type, `There are ${faults.length} faults, told one by one in the subproblems.`, {
    subproblems: faults.map(({ type: each, detail, identifier }) =>
      ({ ...problemOf(each, detail), ...(identifier === undefined ? {} : { identifier }) })),
  });
}

/** A detail about one of several identifiers has to say which: `identifier` may not stand at the top. */
const nameThe = ({ detail, identifier }: Fault): string =>
  identifier === undefined || detail.includes(identifier.value) ? detail : `${identifier.value}: ${detail}`;

/** A name or address is never respelled, not even where a sentence begins with it. */
const sentence = (text: string, verbatim?: string): string => {
  const begin = verbatim !== undefined && text.startsWith(verbatim) ? text : `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return `${begin}${/[.!?]$/.test(text) ? '' : '.'}`;
};

export const problemOf = (type: ProblemType, detail: string, status: number = PROBLEMS[type]): Problem =>
  ({ type: `urn:ietf:params:acme:error:${type}`, detail, status });

/** What an error is to a client. What we do not recognise is ours, and is not described: `ours` says so. */
export function toProblem(error: unknown): { problem: Problem; headers: Extras['headers']; ours: boolean } {
  if (error instanceof BodyTooLarge) return theirs(new AcmeError('malformed', 'The request is too large.', { status: 413 }));
  if (error instanceof AcmeError) return theirs(error);
  if (error instanceof Refusal) return theirs(refused([error]));
  // 503 and Retry-After: every client that retries at all retries this (I8).
  const later = error instanceof Error && error.name === 'DatabaseUnavailable';
  return {
    problem: problemOf('serverInternal', later ? 'The server cannot answer now. Try again.' : 'The server failed. The operator has been told.', later ? 503 : 500),
    headers: { 'Retry-After': later ? '2' : '60' },
    ours: true,
  };
}

function theirs(error: AcmeError): ReturnType<typeof toProblem> {
  const { status, headers, subproblems, algorithms, instance } = error.extras;
  return {
    problem: {
      ...problemOf(error.type, error.message, status),
      ...(subproblems === undefined ? {} : { subproblems }),
      ...(algorithms === undefined ? {} : { algorithms }),
      ...(instance === undefined ? {} : { instance }),
    },
    headers,
    ours: false,
  };
}
