/**
 * Whether what certificates point at is there, and how old it is: every CRL shard and the OCSP responder of every issuer key. Issuing asks
 * before the first certificate of a key (T-CRL-12); readiness, metrics and `chancery status` show it.
 */
import type { Database } from '../../database/database.ts';
import type { IssuerFreshness } from '../ca.ts';
import type { Authority, IssuerKey } from '../issuance/issuer-key.ts';
import { agesOf } from './crl/store.ts';
import { isAnswering, type Responders } from './ocsp/responder.ts';

const HOUR = 3_600_000;
/** A publisher that is late for so long is not merely busy. */
const LATE_CRL = 2;
const CRL_CRITICAL_MS = 48 * HOUR;
/** Of a responder's life: 14 of 30 days. It is renewed when half is left, so this one was missed for a day. */
const RESPONDER_CRITICAL = 14 / 30;

export interface FreshnessParts {
  readonly database: Database;
  readonly clock: { now(): number };
  readonly authority: () => Authority;
  readonly responders: Responders;
}

export class Freshness {
  readonly #parts: FreshnessParts;
  /** What was there once is there for good: a shard is only ever replaced, a responder renewed. */
  readonly #known = new Set<string>();

  constructor(parts: FreshnessParts) {
    this.#parts = parts;
  }

  /** Whether all that a certificate of this key may name can be fetched. Asks the database until it can, and never again. */
  async isFetchable(key: IssuerKey): Promise<boolean> {
    const mark = `${key.id} ${key.shape.shards} ${isAnswering(key)}`;
    if (this.#known.has(mark)) return true;
    const { published } = await agesOf(this.#parts.database, key.id, key.shape.shards);
    if (published < key.shape.shards) return false;
    if (isAnswering(key) && (await this.#parts.responders.current(key)) === undefined) return false;
    this.#known.add(mark);
    return true;
  }

  async all(): Promise<IssuerFreshness[]> {
    const found: IssuerFreshness[] = [];
    for (const key of this.#parts.authority().issuerKeys.values()) found.push(await this.#of(key));
    return found;
  }

  async #of(key: IssuerKey): Promise<IssuerFreshness> {
    const { database, clock, authority, responders } = this.#parts;
    const now = clock.now();
    const { shards } = key.shape;
    const { published, oldest, firstToEnd } = await agesOf(database, key.id, shards);
    const responder = isAnswering(key) ? await responders.current(key) : undefined;
    const { crlPeriodMs } = authority().generation.revocation;
    const concerns: IssuerFreshness['concerns'][number][] = [];
    const concern = (is: boolean, level: 'degraded' | 'critical', what: string): void => void (is && concerns.push({ level, what }));
    concern(published < shards, 'critical', `${shards - published} of ${shards} CRLs have never been published`);
    concern(oldest !== undefined && now - oldest > LATE_CRL * crlPeriodMs, 'degraded', 'a CRL is older than twice its period');
    concern(firstToEnd !== undefined && firstToEnd - now < CRL_CRITICAL_MS, 'critical', 'a CRL ends within 48 hours');
    concern(isAnswering(key) && responder === undefined, 'critical', 'there is no valid certificate for its OCSP responder');
    concern(
      responder !== undefined && responder.notAfter - now < (responder.notAfter - responder.notBefore) * RESPONDER_CRITICAL, 'critical',
      'the certificate of its OCSP responder should have been renewed');
    return {
      issuerKey: key.id, concerns,
      crls: { shards, published, ...(oldest === undefined ? {} : { oldest }), ...(firstToEnd === undefined ? {} : { firstToEnd }) },
      ...(isAnswering(key) ? { ocsp: responder === undefined ? {} : { responder: responder.serial, notAfter: responder.notAfter } } : {}),
    };
  }
}
