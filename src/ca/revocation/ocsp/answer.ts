/**
 * Answers OCSP requests: whose certificates, what status, signed now or some time ago.
 *
 * What was signed is kept in memory until its refresh point, and given again only while the status is known to be the same: each second
 * that somebody asks for a serial, its status is read once more from the database. So a revocation shows on every front within a second,
 * whichever front it came in on; no front has to hear of it, nothing is to be kept in step, and a front that starts begins with nothing.
 */
import * as events from '../../../telemetry/events.ts';
import { type CertId, issuerMark, issuerMarks, responderKeyHash } from '../../../x509/ocsp.ts';
import type { OcspRequest } from '../../../x509/ocsp-request.ts';
import { assembleOcspResponse, ocspErrorResponse, type CertStatus, type OcspError, renderResponseData } from '../../../x509/ocsp-response.ts';
import { dayOf, readSerial } from '../../../x509/serial.ts';
import type { OcspReply } from '../../ca.ts';
import type { IssuanceParts } from '../../issuance/issue.ts';
import type { Authority } from '../../issuance/issuer-key.ts';
import { REASON_CODE } from '../reason.ts';
import { statusOf } from '../status.ts';
import { Places } from './places.ts';
import { type Answering, isAnswering, type Responders } from './responder.ts';
import { Tally } from './tally.ts';
import { windowOf } from './window.ts';

/** How long a status that was read is taken to be still so. */
const TRUSTED_MS = 1000;
/** About 2 KB each. */
const MOST_KEPT = 16_384;
const SIGNING_DEADLINE_MS = 3000;

interface Kept {
  readonly reply: OcspReply & { readonly kind: 'signed' };
  readonly status: CertStatus;
  /** Of the responder: another key, or none any more, makes what it signed void. */
  readonly spki: Uint8Array;
}

interface UnderWay {
  readonly begun: number;
  readonly reply: Promise<OcspReply>;
}

export class OcspAnswers {
  readonly #parts: IssuanceParts;
  readonly #responders: Responders;
  readonly tally: Tally;
  readonly #places = new Places();
  /** By CertID as asked; the first is the one that was asked for longest ago. */
  readonly #kept = new Map<string, Kept>();
  readonly #underWay = new Map<string, UnderWay>();
  readonly #byMark = new WeakMap<Authority, ReadonlyMap<string, Answering>>();

  constructor(parts: IssuanceParts, responders: Responders) {
    this.#parts = parts;
    this.#responders = responders;
    this.tally = new Tally(parts);
  }

  /** Responses that are kept. */
  get kept(): number {
    return this.#kept.size;
  }

  async answer({ certIds, nonce }: OcspRequest): Promise<OcspReply> {
    const [first] = certIds as readonly [CertId, ...CertId[]];
    const issuers = this.#issuers();
    const key = issuers.get(issuerMark(first));
    // A responder speaks for one issuer key, so one answer cannot be about several. (An unknown hash has no mark that is ours.)
    if (key === undefined || certIds.some((certId) => issuers.get(issuerMark(certId)) !== key)) return refused('unauthorized', 'foreign');
    if (nonce !== undefined || certIds.length > 1) return this.#sign(key, certIds, nonce);
    const mark = Buffer.from(first.der.buffer, first.der.byteOffset, first.der.length).toString('latin1');
    const begun = this.#parts.clock.now();
    const other = this.#underWay.get(mark);
    if (other !== undefined && begun - other.begun < TRUSTED_MS) return other.reply; // what it says may be that old
    const underWay: UnderWay = {
      begun,
      reply: this.#keep(key, first, mark).finally(() => {
        if (this.#underWay.get(mark) === underWay) this.#underWay.delete(mark);
      }),
    };
    this.#underWay.set(mark, underWay);
    return underWay.reply;
  }

  /** What is kept for this certificate, if its status is still so; else what is signed now. */
  async #keep(key: Answering, certId: CertId, mark: string): Promise<OcspReply> {
    const kept = this.#kept.get(mark);
    const now = this.#parts.clock.now();
    const isUsable = kept !== undefined && now >= kept.reply.thisUpdate && now < kept.reply.refreshAt && kept.spki === key.responder.spki;
    if (!isUsable) return this.#sign(key, [certId]);
    const status = await this.#statusOf(key, certId);
    this.#kept.delete(mark); // and in again, as the last
    if (status === undefined || !isSame(status, kept.status)) return this.#sign(key, [certId]);
    const reply = { ...kept.reply, current: { from: now, until: Math.min(now + TRUSTED_MS, kept.reply.refreshAt) } };
    this.#kept.set(mark, { ...kept, reply });
    return reply;
  }

  async #sign(key: Answering, certIds: readonly CertId[], nonce?: Uint8Array): Promise<OcspReply> {
    const cacheable = nonce === undefined && certIds.length === 1;
    return (await this.#places.run(cacheable ? 'cacheable' : 'fresh', () => this.#signNow(key, certIds, nonce, cacheable))) ?? refused('tryLater', 'busy');
  }

  /** The status is read here, where nothing is waited for any more, and thisUpdate is the moment before that. */
  async #signNow(key: Answering, certIds: readonly CertId[], nonce: Uint8Array | undefined, cacheable: boolean): Promise<OcspReply> {
    const { clock, signer } = this.#parts;
    const now = clock.now();
    const statuses = await Promise.all(certIds.map((certId) => this.#statusOf(key, certId)));
    if (!statuses.every((status) => status !== undefined)) return this.#unissued(key, certIds, statuses);
    const responder = await this.#responders.current(key);
    if (responder === undefined) return refused('tryLater', 'no-responder');
    const window = windowOf(now, key.responder.validityMs, [responder.notAfter, key.shape.notAfter]);
    const { thisUpdate, nextUpdate } = window;
    if (nextUpdate <= thisUpdate) return refused('tryLater', 'no-responder');
    const responses = certIds.map(({ der }, index) => ({ certId: der, status: notLater(statuses[index] as CertStatus, thisUpdate) }));
    const tbs = renderResponseData({
      responder: responderKeyHash(key.responder.spki), producedAt: thisUpdate, thisUpdate, nextUpdate, responses, ...(nonce === undefined ? {} : { nonce }),
    });
    const outcome = await signer.sign({ purpose: 'ocsp', issuerKey: key.id, intent: 'ocsp', tbs, responder: responder.der, deadline: now + SIGNING_DEADLINE_MS });
    if (outcome.kind === 'unavailable') return refused('tryLater', 'signer');
    if (outcome.kind === 'refused') {
      events.signerRefused({ issuerKey: key.id, profile: 'ocsp', reason: outcome.reasons.join('; ') });
      return refused('internalError', 'signer');
    }
    this.tally.signed(key.id, responder.serial, outcome.receipt);
    events.ocspSigned({ issuerKey: key.id });
    const reply = { kind: 'signed' as const, der: assembleOcspResponse(tbs, key.responder.algorithm, outcome.signature, [responder.der]), ...window };
    return cacheable ? this.#store(key, certIds[0] as CertId, statuses[0] as CertStatus, reply, now) : reply;
  }

  #store(key: Answering, { der }: CertId, status: CertStatus, signed: Kept['reply'], readAt: number): OcspReply {
    const reply = { ...signed, current: { from: readAt, until: Math.min(readAt + TRUSTED_MS, signed.refreshAt) } };
    if (this.#kept.size >= MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
    this.#kept.set(Buffer.from(der).toString('latin1'), { reply, status, spki: key.responder.spki });
    return reply;
  }

  /** RFC 5019 §2.2.3: nothing is signed about what we did not issue. Asked for by a serial made as ours are, it is an alarm as well. */
  #unissued(key: Answering, certIds: readonly CertId[], statuses: readonly (CertStatus | undefined)[]): OcspReply {
    const today = dayOf(this.#parts.clock.now());
    certIds.forEach(({ serial }, index) => {
      if (statuses[index] !== undefined) return;
      const said = readSerial(serial);
      // What has expired is dropped from the records some day, and may still be asked for.
      const couldBeOurs = said !== undefined && said.day >= today && this.#parts.signer.ids.includes(said.signerId);
      if (couldBeOurs) this.tally.unissued(key.id, serial);
      events.ocspAskedForUnissued({ issuerKey: key.id, serial, couldBeOurs });
    });
    return refused('unauthorized', 'unissued');
  }

  /** Undefined for what we never meant to issue. */
  async #statusOf(key: Answering, { serial }: CertId): Promise<CertStatus | undefined> {
    if (readSerial(serial) === undefined) return undefined; // not made as ours are: the database need not be asked
    const status = await statusOf(this.#parts.database, key.id, serial);
    if (status.kind !== 'revoked') return status.kind === 'good' ? status : undefined;
    const reason = REASON_CODE[status.reason];
    return { kind: 'revoked', at: Math.floor(status.at / 1000) * 1000, ...(reason === 0 ? {} : { reason }) };
  }

  /** By issuerMark: whom a CertID can mean. */
  #issuers(): ReadonlyMap<string, Answering> {
    const authority = this.#parts.authority();
    let byMark = this.#byMark.get(authority);
    if (byMark === undefined) {
      const answering = [...authority.issuerKeys.values()].filter(isAnswering);
      byMark = new Map(answering.flatMap((key) => issuerMarks(key.shape).map((mark) => [mark, key] as const)));
      this.#byMark.set(authority, byMark);
    }
    return byMark;
  }
}

const isSame = (a: CertStatus, b: CertStatus): boolean =>
  a.kind === b.kind && (a.kind === 'good' || (b.kind === 'revoked' && a.at === b.at && a.reason === b.reason));

/** A revocation of this very second, or by a front whose clock is ahead. */
const notLater = (status: CertStatus, thisUpdate: number): CertStatus =>
  status.kind === 'good' ? status : { ...status, at: Math.min(status.at, thisUpdate) };

const refused = (error: OcspError, why: OcspRefusal): OcspReply => ({ kind: 'error', der: ocspErrorResponse(error), error, why });

type OcspRefusal = Extract<OcspReply, { kind: 'error' }>['why'];
