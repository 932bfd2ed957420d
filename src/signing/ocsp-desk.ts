/**
 * The path to an OCSP signature, inside the signer: made by a responder key and never by an issuing one. The order is that of
 * desk.ts, but the journal has one line for all responses of a moment, with their digests: what is wanted of it is a proof that
 * a response was, or was not, signed here.
 */
import { hash } from 'node:crypto';
import { issuerMarks } from '../x509/ocsp.ts';
import type { SignerKey } from './config.ts';
import type { DeskOptions } from './desk.ts';
import type { Appended } from './journal.ts';
import type { SigningJob, SigningOutcome, Unavailable } from './protocol.ts';
import { RateCeiling } from './rate.ts';
import { readResponder, recheckOcsp, type ResponderUnderCheck } from './recheck-ocsp.ts';

/** How a responder's key is called among the keys of this signer. */
export const responderKeyId = (issuerKey: string): string => `ocsp:${issuerKey}`;

/** Responses that may be under way at once: a quarter of the queue, so that a flood leaves the rest to certificates. */
const SHARE = 4;
/** 32 octets each. */
const MOST_IN_LINE = 1024;
const MOST_RESPONDERS = 16;

interface Answering {
  readonly key: SignerKey;
  readonly ceiling: RateCeiling;
  readonly marks: ReadonlySet<string>;
}

interface Batch {
  readonly digests: Buffer[];
  readonly line: Promise<Appended>;
}

type OcspDeskOptions = Pick<DeskOptions, 'config' | 'clock' | 'journal' | 'standing' | 'keys' | 'at'>;

export class OcspDesk {
  readonly #options: OcspDeskOptions;
  readonly #answering: ReadonlyMap<string, Answering>;
  readonly #most: number;
  /** By `ISSUERKEY SERIAL`: what waits for its line, and the line before it. */
  readonly #waiting = new Map<string, Batch>();
  readonly #writing = new Map<string, Promise<void>>();
  /** Responders' certificates that were verified, newest last. */
  #verified: { readonly issuerKey: string; readonly der: Uint8Array; readonly responder: ResponderUnderCheck }[] = [];
  #open = 0;

  constructor(options: OcspDeskOptions) {
    this.#options = options;
    this.#most = Math.max(1, Math.floor((options.config.queue ?? 1024) / SHARE));
    this.#answering = new Map(
      options.config.keys.flatMap((key) =>
        key.responder === undefined
          ? []
          : [[key.issuer.id, { key, ceiling: new RateCeiling(key.responder.ratePerSecond, options.clock), marks: new Set(issuerMarks(key.issuer)) }]],
      ),
    );
  }

  /** @throws JournalFault, KeyFault; the desk answers for both */
  async sign(job: SigningJob): Promise<SigningOutcome> {
    if (this.#open >= this.#most) return unavailable('too many OCSP requests wait in the signer');
    this.#open += 1;
    try {
      return await this.#sign(job);
    } finally {
      this.#open -= 1;
    }
  }

  async #sign({ issuerKey, tbs, responder: der, deadline }: SigningJob): Promise<SigningOutcome> {
    const { clock, keys, standing, at } = this.#options;
    if (deadline <= clock.now()) return unavailable('the deadline has passed');
    const answering = this.#answering.get(issuerKey);
    if (answering === undefined) return refused([`the issuer key ${issuerKey} has no OCSP responder here`]);
    if (der === undefined) return refused(['the certificate of the responder is missing']);
    const responder = this.#verify(answering.key, der);
    if (!('serial' in responder)) return refused(responder);
    const reasons = recheckOcsp(tbs, { key: answering.key, marks: answering.marks, responder, clock });
    if (reasons.length > 0) return refused(reasons);
    await keys.whenReady(deadline);
    if (keys.why !== undefined) return unavailable(keys.why);
    const wait = answering.ceiling.take();
    if (wait > 0) return { ...unavailable(`the OCSP rate ceiling of ${issuerKey} is reached`), retryAfterMs: wait };
    const { seq, head } = await this.#journal(issuerKey, responder.serial, hash('sha256', tbs, 'buffer'));
    await at?.('ocsp-journaled');
    const signature = await keys.sign(responderKeyId(issuerKey), tbs, deadline, true);
    await at?.('ocsp-signed');
    return { kind: 'signed', signature, receipt: { signer: standing.signer, sequence: seq, head } };
  }

  /** Resolves when the digest is on disk. Whoever comes while a line is being written goes into the next one. */
  #journal(issuerKey: string, serial: string, digest: Buffer): Promise<Appended> {
    const mark = `${issuerKey} ${serial}`;
    const waiting = this.#waiting.get(mark);
    if (waiting !== undefined && waiting.digests.length < MOST_IN_LINE) {
      waiting.digests.push(digest);
      return waiting.line;
    }
    const digests = [digest];
    const line = (this.#writing.get(mark) ?? Promise.resolve()).then(nextTurn).then(() => {
      if (this.#waiting.get(mark)?.digests === digests) this.#waiting.delete(mark);
      const note = { responder: serial, responses: String(digests.length) };
      return this.#options.journal.append({ purpose: 'ocsp', issuerKey, serial: '', core: '', intent: '', note, tbs: Buffer.concat(digests) });
    });
    this.#waiting.set(mark, { digests, line });
    const written = line.then(nothing, nothing);
    this.#writing.set(mark, written);
    void written.then(() => { if (this.#writing.get(mark) === written) this.#writing.delete(mark); });
    return line;
  }

  /** A certificate is verified once; fronts send the same one with each request. */
  #verify(key: SignerKey, der: Uint8Array): ResponderUnderCheck | readonly string[] {
    const known = this.#verified.find((one) => one.issuerKey === key.issuer.id && Buffer.compare(one.der, der) === 0);
    if (known !== undefined) return known.responder;
    const responder = readResponder(der, key);
    if ('serial' in responder) {
      this.#verified = [...this.#verified.slice(1 - MOST_RESPONDERS), { issuerKey: key.issuer.id, der: Buffer.from(der), responder }];
    }
    return responder;
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const nothing = (): void => {};
const refused = (reasons: readonly string[]): SigningOutcome => ({ kind: 'refused', reasons });
const unavailable = (why: string): Unavailable => ({ kind: 'unavailable', why, retryAfterMs: 1000 });
