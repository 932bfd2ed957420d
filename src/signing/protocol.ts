/** What is said on the signer's Unix socket: the words, and how they are put into frames (frames.ts). */
import { type Fields, frame, FrameFault } from './frames.ts';

export { type Frame, FrameFault, FrameReader, MAX_FRAME } from './frames.ts';

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
