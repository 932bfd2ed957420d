/**
 * What is said on the signer's Unix socket: the words (types) and the frames that carry them.
 * One frame = u32 length of the rest, u32 length of the header, the header as JSON, raw bytes. All integers big endian.
 */

/** What a signature is for. Each purpose has its own re-check and its own rule in the journal. */
export const PURPOSES = ['certificate', 'precertificate', 'crl', 'ocsp', 'csr', 'checkpoint', 'canary'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** One thing to sign. `tbs` are the bytes themselves, never a digest: the signer reads what it signs. */
export interface SigningJob {
  readonly purpose: Purpose;
  /** Id of the issuer key, as in the configuration (`development-1`). */
  readonly issuerKey: string;
  /** Id of the recorded intent; written to the journal. */
  readonly intent: string;
  /** Name of the profile; certificates only. */
  readonly profile?: string;
  readonly tbs: Uint8Array;
  /** OCSP only: the responder's certificate (DER), whose end no response may outlive. The signer verifies it. */
  readonly responder?: Uint8Array;
  /** Milliseconds UTC. After it the signer refuses, and the caller has its answer. */
  readonly deadline: number;
}

/** Where in which journal a signature stands. Stored with the certificate. */
export interface Receipt {
  readonly signer: number;
  readonly sequence: number;
  /** Hex SHA-256 of the journal line. */
  readonly head: string;
}

export interface Unavailable {
  readonly kind: 'unavailable';
  readonly why: string;
  readonly retryAfterMs: number;
}

export type SigningOutcome =
  | { readonly kind: 'signed'; readonly signature: Uint8Array; readonly receipt: Receipt }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }
  | Unavailable;

/** A question about an intent whose answer was lost. */
export interface RecoveryAsk {
  readonly purpose: Purpose;
  readonly issuerKey: string;
  /** Lower-case hex serial; for CRLs `crl:SHARD:NUMBER`. */
  readonly serial: string;
  readonly intent: string;
}

export type RecoveryOutcome =
  | { readonly kind: 'signed'; readonly tbs: Uint8Array; readonly signature: Uint8Array; readonly receipt: Receipt }
  | { readonly kind: 'not-signed'; readonly receipt: Receipt }
  | Unavailable;

export type SignerState = 'ready' | 'fenced' | 'unavailable';

/** Client to signer. `stated` answers the hello: the highest receipt of this signer that the database holds. */
export type Request =
  | { readonly type: 'stated'; readonly highest: number }
  /** The database holds the receipts of this signer up to `sequence`. */
  | { readonly type: 'confirm'; readonly signer: number; readonly sequence: number }
  | ({ readonly type: 'sign'; readonly call: number } & SigningJob)
  | ({ readonly type: 'recover'; readonly call: number } & RecoveryAsk);

/** Signer to client. */
export type Answer =
  | {
      readonly type: 'hello';
      readonly version: number;
      readonly signer: number;
      /** Ids that this journal had before a restore: it still knows what became of their serials. */
      readonly formerSigners: readonly number[];
      /** Digest of the configuration that it re-checks by. */
      readonly configuration: string;
    }
  | { readonly type: 'state'; readonly state: SignerState; readonly why?: string }
  | { readonly type: 'signing'; readonly call: number; readonly outcome: SigningOutcome }
  | { readonly type: 'recovery'; readonly call: number; readonly outcome: RecoveryOutcome };

export const PROTOCOL_VERSION = 2;
/** A CRL shard with some 400,000 entries fits; nothing honest is larger. */
export const MAX_FRAME = 16 * 1024 * 1024;
const MAX_HEADER = 16 * 1024;
const LENGTH_FIELD = 4;

/** The peer does not speak this protocol; the connection is closed. */
export class FrameFault extends Error {
  override readonly name = 'FrameFault';
}

function frame(header: object, ...bodies: readonly Uint8Array[]): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const length = 4 + json.length + bodies.reduce((sum, body) => sum + body.length, 0);
  if (json.length > MAX_HEADER || length > MAX_FRAME) throw new FrameFault(`frame of ${length} bytes is too large`);
  const out = Buffer.allocUnsafe(4 + length);
  out.writeUInt32BE(length, 0);
  out.writeUInt32BE(json.length, 4);
  json.copy(out, 8);
  let at = 8 + json.length;
  for (const body of bodies) {
    out.set(body, at);
    at += body.length;
  }
  return out;
}

/** @throws FrameFault when the job is larger than a frame may be */
export function encodeRequest(request: Request): Buffer {
  if (request.type !== 'sign') return frame(request);
  const { tbs, responder, ...header } = request;
  return responder === undefined ? frame(header, tbs) : frame({ ...header, responder: responder.length }, tbs, responder);
}

export function encodeAnswer(answer: Answer): Buffer {
  const { outcome } = answer as { outcome?: SigningOutcome | RecoveryOutcome };
  if (outcome?.kind !== 'signed') return frame(answer);
  const { signature, ...rest } = outcome;
  const { tbs } = rest as { tbs?: Uint8Array };
  if (tbs === undefined) return frame({ ...answer, outcome: rest }, signature);
  return frame({ ...answer, outcome: { ...rest, tbs: tbs.length } }, tbs, signature);
}

type Fields = Readonly<Record<string, unknown>>;

function text(fields: Fields, key: string, longest: number): string {
  const value = fields[key];
  if (typeof value !== 'string' || value.length === 0 || value.length > longest) throw new FrameFault(`bad ${key}`);
  return value;
}

function integer(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new FrameFault(`bad ${key}`);
  return value;
}

function purpose(fields: Fields): Purpose {
  const found = PURPOSES.find((known) => known === fields['purpose']);
  if (found === undefined) throw new FrameFault('unknown purpose');
  return found;
}

/** What is to be signed, and after it the responder's certificate where the header says how long that is. */
function bodies(header: Fields, body: Uint8Array): { tbs: Uint8Array; responder?: Uint8Array } {
  if (header['responder'] === undefined) return { tbs: body };
  const split = body.length - integer(header, 'responder');
  if (split < 0) throw new FrameFault('bad responder');
  return { tbs: body.subarray(0, split), responder: body.subarray(split) };
}

/** A request as the signer may believe it to be shaped. @throws FrameFault */
export function decodeRequest(header: Fields, body: Uint8Array): Request {
  switch (header['type']) {
    case 'stated':
      return { type: 'stated', highest: integer(header, 'highest') };
    case 'confirm':
      return { type: 'confirm', signer: integer(header, 'signer'), sequence: integer(header, 'sequence') };
    case 'sign':
      return {
        type: 'sign',
        call: integer(header, 'call'),
        purpose: purpose(header),
        issuerKey: text(header, 'issuerKey', 64),
        intent: text(header, 'intent', 128),
        ...(header['profile'] === undefined ? {} : { profile: text(header, 'profile', 64) }),
        ...bodies(header, body),
        deadline: integer(header, 'deadline'),
      };
    case 'recover':
      return {
        type: 'recover',
        call: integer(header, 'call'),
        purpose: purpose(header),
        issuerKey: text(header, 'issuerKey', 64),
        serial: text(header, 'serial', 64),
        intent: text(header, 'intent', 128),
      };
    default:
      throw new FrameFault('unknown request');
  }
}

/** An answer as the signer sent it. The signer is trusted, so only the bytes are put back in their place. */
export function decodeAnswer(header: Fields, body: Uint8Array): Answer {
  const answer = header as unknown as Answer;
  const { outcome } = header as { outcome?: { kind: string; tbs?: number } };
  if (outcome?.kind !== 'signed') return answer;
  const split = outcome.tbs ?? 0;
  const tbs = outcome.tbs === undefined ? {} : { tbs: body.subarray(0, split) };
  return { ...answer, outcome: { ...outcome, ...tbs, signature: body.subarray(split) } } as unknown as Answer;
}

export interface Frame {
  readonly header: Fields;
  readonly body: Uint8Array;
}

/** Cuts a byte stream into frames; holds at most one incomplete frame. */
export class FrameReader {
  readonly #largest: number;
  /** Of the next frame. */
  #limit: number;
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes that the frame at the front takes, its length field included; LENGTH_FIELD while that is not known. */
  #wanted = LENGTH_FIELD;

  /** @param first bytes that the first frame may have, its length field not counted; the others may have `largest` */
  constructor(largest = MAX_FRAME, first = largest) {
    this.#largest = largest;
    this.#limit = first;
  }

  /** Bytes of the incomplete frame. */
  get held(): number {
    return this.#held;
  }

  /** @throws FrameFault on lengths out of bounds or a header that is not a JSON object */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const frames: Frame[] = [];
    while (this.#held >= this.#wanted) {
      const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#chunks = [all];
      if (this.#wanted === LENGTH_FIELD) {
        const length = all.readUInt32BE(0);
        if (length < 4 || length > this.#limit) throw new FrameFault(`frame of ${length} bytes`);
        this.#wanted = LENGTH_FIELD + length;
        continue;
      }
      frames.push(open(all.subarray(LENGTH_FIELD, this.#wanted)));
      const rest = all.subarray(this.#wanted);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#held = rest.length;
      this.#wanted = LENGTH_FIELD;
      this.#limit = this.#largest;
    }
    return frames;
  }
}

function open(rest: Buffer): Frame {
  const headerLength = rest.readUInt32BE(0);
  if (headerLength > MAX_HEADER || 4 + headerLength > rest.length) throw new FrameFault('bad header length');
  let header: unknown;
  try {
    header = JSON.parse(rest.toString('utf8', 4, 4 + headerLength));
  } catch (cause) {
    throw new FrameFault('header is not JSON', { cause });
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw new FrameFault('bad header');
  return { header: header as Fields, body: rest.subarray(4 + headerLength) };
}
