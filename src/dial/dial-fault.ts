// Why an outgoing connection or lookup came to nothing, in words that may be shown to the client that asked for it.

/**
 * dns: the name could not be turned into what was asked. excluded: the operator does not allow the target.
 * connect: no connection. protocol: connected, but what came back is not HTTP. redirect: a redirect that is not
 * followed. tls: the handshake failed. The last three say nothing about the target: busy (our own bounds),
 * cancelled (we are stopping) and ours (out of sockets, and the like).
 */
export type DialFaultKind =
  | 'dns'
  | 'excluded'
  | 'connect'
  | 'protocol'
  | 'redirect'
  | 'tls'
  | 'busy'
  | 'cancelled'
  | 'ours';

const OUR_FAULT: ReadonlySet<DialFaultKind> = new Set(['busy', 'cancelled', 'ours']);

/** `message` is fit for a client; `transient` means that asking again later may well end differently. */
export class DialFault extends Error {
  override readonly name = 'DialFault';
  readonly kind: DialFaultKind;
  readonly transient: boolean;

  constructor(kind: DialFaultKind, message: string, options: { transient?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.transient = options.transient ?? OUR_FAULT.has(kind);
  }
}

/**
 * One text for every excluded target, whatever listens there and however it was reached: whoever asks learns
 * nothing about a network that is not theirs (RFC 8555 §10.4).
 */
export const excludedTarget = (): DialFault =>
  new DialFault('excluded', 'The target is not an address that this server may connect to.');

/** Our own bounds, or our own deadline while waiting for a place within them. */
export const busyNow = (): DialFault =>
  new DialFault('busy', 'This server is busy with other validations. Try again later.');

// System errors that are about this machine and not about the target.
const OURS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EAGAIN', 'EPERM', 'EACCES']);

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
};

/**
 * Turns what a socket reported into a fault of the given kind.
 * A fault that caused the abort (a deadline, a shutdown) comes first: what the socket then says is only its echo.
 */
export function faultFrom(error: unknown, kind: DialFaultKind, what: string, signal: AbortSignal): DialFault {
  if (error instanceof DialFault && error.kind === 'busy') return error;
  if (signal.aborted && signal.reason instanceof DialFault) return signal.reason;
  if (error instanceof DialFault) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (OURS.has(code)) {
    return new DialFault('ours', 'This server could not open a connection now.', { cause: error });
  }
  return new DialFault(kind, `${what}: ${WORDS[code] ?? 'connection failed'}`, { cause: error });
}
