/**
 * The signer as the rest of Chancery sees it: all that may be imported from this folder. Connects and reconnects by
 * itself, and sends an unanswered request again until its deadline: the signer is idempotent, so this is safe.
 */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import {
  type Answer,
  decodeAnswer,
  encodeRequest,
  FrameReader,
  PROTOCOL_VERSION,
  type Receipt,
  type RecoveryAsk,
  type RecoveryOutcome,
  type SignerState,
  type SigningJob,
  type SigningOutcome,
  type Unavailable,
} from './protocol.ts';

export type {
  Purpose,
  Receipt,
  RecoveryAsk,
  RecoveryOutcome,
  SignerState,
  SigningJob,
  SigningOutcome,
  Unavailable,
} from './protocol.ts';

export interface Signer extends AsyncDisposable {
  /** The signer's id, the first byte of every serial; undefined until it was reached once. */
  readonly id: number | undefined;
  /** Every id whose serials its journal holds: its own, and those it had before a restore. Empty until it was reached once. */
  readonly ids: readonly number[];
  /** Digest of the configuration that it re-checks by; undefined until it was reached once. */
  readonly configuration: string | undefined;
  state(): SignerState;
  /** Never rejects. `unavailable` means that nothing is known to be signed: recovery decides. */
  sign(job: SigningJob): Promise<SigningOutcome>;
  /** What became of an intent whose answer was lost; afterwards it is decided for good. Never rejects. */
  recover(ask: RecoveryAsk): Promise<RecoveryOutcome>;
  /** The database holds this receipt durably. Those of a former id say nothing about the journal's present one. */
  confirm(receipt: Pick<Receipt, 'signer' | 'sequence'>): void;
}

export interface SignerOptions {
  readonly socket: string;
  readonly clock: Clock;
  /** The highest sequence of this signer's receipts in the database, 0 for none. Asked on every connection. */
  readonly highestReceipt: (signer: number) => Promise<number>;
  /** Requests that may wait at once; more are answered `unavailable`. */
  readonly queue?: number;
  readonly events?: {
    connected?(signer: number): void;
    disconnected?(why: string): void;
    state?(state: SignerState, why: string | undefined): void;
  };
}

interface Call {
  readonly bytes: Buffer;
  readonly deadline: number;
  readonly resolve: (outcome: never) => void;
}

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;
const RECOVERY_MS = 15_000;
const SWEEP_MS = 50;

/** The connection is made in the background; until then the state is `unavailable` and requests wait. */
export function connectSigner(options: SignerOptions): Signer {
  return new Connection(options);
}

class Connection implements Signer {
  readonly #options: SignerOptions;
  readonly #calls = new Map<number, Call>();
  #nextCall = 1;
  #id: number | undefined;
  #ids: readonly number[] = [];
  #configuration: string | undefined;
  #state: SignerState = 'unavailable';
  #why: string | undefined;
  #socket: Socket | undefined;
  #greeted = false;
  #outgoing: Buffer[] = [];
  #confirmed = 0;
  #confirmSent = 0;
  #wait = FIRST_WAIT_MS;
  #retry: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SignerOptions) {
    this.#options = options;
    this.#connect();
  }

  get id(): number | undefined {
    return this.#id;
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  get configuration(): string | undefined {
    return this.#configuration;
  }

  state(): SignerState {
    return this.#state;
  }

  sign(job: SigningJob): Promise<SigningOutcome> {
    const { purpose, issuerKey, intent, profile, tbs, responder, deadline } = job;
    const named = { ...(profile === undefined ? {} : { profile }), ...(responder === undefined ? {} : { responder }) };
    return this.#call(deadline, (call) =>
      encodeRequest({ type: 'sign', call, purpose, issuerKey, intent, ...named, tbs, deadline }),
    );
  }

  recover(ask: RecoveryAsk): Promise<RecoveryOutcome> {
    const { purpose, issuerKey, serial, intent } = ask;
    return this.#call(this.#options.clock.now() + RECOVERY_MS, (call) =>
      encodeRequest({ type: 'recover', call, purpose, issuerKey, serial, intent }),
    );
  }

  confirm({ signer, sequence }: Pick<Receipt, 'signer' | 'sequence'>): void {
    if (signer !== this.#id || sequence <= this.#confirmed) return;
    this.#confirmed = sequence;
    this.#flushSoon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#sweep);
    for (const call of this.#calls.keys()) this.#settle(call, unavailable('the connection to the signer was closed'));
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#flush();
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.end();
      setTimeout(() => socket.destroy(), 200).unref();
    });
  }

  #call<T>(deadline: number, encode: (call: number) => Buffer): Promise<T | Unavailable> {
    if (this.#closed) return Promise.resolve(unavailable('the connection to the signer was closed'));
    if (this.#calls.size >= (this.#options.queue ?? 4096))
      return Promise.resolve(unavailable('too many requests wait'));
    const call = this.#nextCall++;
    let bytes: Buffer;
    try {
      bytes = encode(call);
    } catch (error) {
      return Promise.resolve(unavailable((error as Error).message));
    }
    return new Promise((resolve) => {
      this.#calls.set(call, { bytes, deadline, resolve });
      this.#sweep ??= setInterval(() => this.#expire(), SWEEP_MS);
      if (this.#greeted) this.#send(bytes);
    });
  }

  #settle(call: number, outcome: SigningOutcome | RecoveryOutcome): void {
    const waiting = this.#calls.get(call);
    if (waiting === undefined) return;
    this.#calls.delete(call);
    if (this.#calls.size === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    }
    waiting.resolve(outcome as never);
  }

  #expire(): void {
    const now = this.#options.clock.now();
    for (const [call, { deadline }] of this.#calls) {
      if (deadline <= now)
        this.#settle(call, unavailable(this.#why ?? 'the signer did not answer before the deadline'));
    }
  }

  #send(bytes: Buffer): void {
    this.#outgoing.push(bytes);
    this.#flushSoon();
  }

  #flushing = false;
  /** Everything said in one turn of the event loop goes out in one write. */
  #flushSoon(): void {
    if (this.#flushing || !this.#greeted) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#greeted || this.#socket === undefined) return;
    if (this.#id !== undefined && this.#confirmed > this.#confirmSent) {
      this.#confirmSent = this.#confirmed;
      this.#outgoing.push(encodeRequest({ type: 'confirm', signer: this.#id, sequence: this.#confirmed }));
    }
    if (this.#outgoing.length === 0) return;
    this.#socket.write(this.#outgoing.length === 1 ? (this.#outgoing[0] as Buffer) : Buffer.concat(this.#outgoing));
    this.#outgoing = [];
  }

  #connect(): void {
    const socket = connect(this.#options.socket);
    const reader = new FrameReader();
    this.#socket = socket;
    let why = 'the signer closed the connection';
    socket.on('error', (error) => {
      why = error.message;
    });
    socket.on('data', (chunk) => {
      try {
        for (const { header, body } of reader.push(chunk)) this.#hear(socket, decodeAnswer(header, body));
      } catch (error) {
        why = (error as Error).message;
        socket.destroy();
      }
    });
    socket.on('close', () => this.#lost(why));
  }

  #hear(socket: Socket, answer: Answer): void {
    switch (answer.type) {
      case 'hello':
        if (answer.version !== PROTOCOL_VERSION) throw new Error(`the signer speaks version ${answer.version}`);
        // Receipts are counted by id: what was confirmed to the former one says nothing about the new.
        if (this.#id !== answer.signer) this.#confirmed = 0;
        this.#id = answer.signer;
        this.#configuration = answer.configuration;
        this.#ids = [answer.signer, ...answer.formerSigners];
        this.#greet(socket, answer.signer).catch((error: Error) => socket.destroy(error));
        return;
      case 'state':
        this.#enter(answer.state, answer.why);
        return;
      case 'signing':
      case 'recovery':
        this.#settle(answer.call, answer.outcome);
        return;
    }
  }

  async #greet(socket: Socket, signer: number): Promise<void> {
    const highest = await this.#options.highestReceipt(signer);
    if (socket !== this.#socket || socket.destroyed) return;
    socket.write(encodeRequest({ type: 'stated', highest }));
    this.#greeted = true;
    this.#wait = FIRST_WAIT_MS;
    this.#confirmSent = 0;
    this.#options.events?.connected?.(signer);
    this.#outgoing = [...this.#calls.values()].map(({ bytes }) => bytes);
    this.#flush();
  }

  #lost(why: string): void {
    const wasGreeted = this.#greeted;
    this.#greeted = false;
    this.#socket = undefined;
    this.#outgoing = [];
    this.#enter('unavailable', why);
    if (wasGreeted) this.#options.events?.disconnected?.(why);
    if (this.#closed) return;
    this.#retry = setTimeout(() => this.#connect(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #enter(state: SignerState, why: string | undefined): void {
    this.#why = why;
    if (state === this.#state) return;
    this.#state = state;
    this.#options.events?.state?.(state, why);
  }
}

function unavailable(why: string): Unavailable {
  return { kind: 'unavailable', why, retryAfterMs: 1000 };
}
