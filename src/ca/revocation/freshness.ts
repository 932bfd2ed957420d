/**
 * Whether what certificates point at is there, and how old it is: every CRL shard and the OCSP responder of every issuer key. Issuing asks
 * before the first certificate of a key (T-CRL-12); readiness, metrics and `chancery status` show it.
 */
import type { Database } from '../../database/database.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import type { FoundByProbe, IssuerFreshness, RootCrlStanding } from '../ca.ts';
import type { Authority, IssuerKey } from '../issuance/issuer-key.ts';
import { agesOf, shardStates } from './crl/store.ts';
import { isAnswering, type ResponderCertificate, type Responders } from './ocsp/responder.ts';
import type { Prober } from './probe/probe.ts';
import { type ProbeRow, probesOf } from './probe/store.ts';

const HOUR = 3_600_000;
/** A publisher that is late for so long is not merely busy. */
const LATE_CRL = 2;
const CRL_CRITICAL_MS = 48 * HOUR;
/** Of a responder's life: 14 of 30 days. It is renewed when half is left, so this one was missed for a day. */
const RESPONDER_CRITICAL = 14 / 30;
/** A revocation is in its CRL within a minute (T-CRL-2). */
const WAITING_CRITICAL_MS = HOUR;
/** The prober looks every minute, and goes through the largest sets of CRLs in a few. */
const UNSEEN_MS = 15 * 60_000;
const DAY = 24 * HOUR;
/** A ceremony takes weeks to prepare. */
const ROOT_CRL_DUE_MS = { degraded: 60 * DAY, critical: 14 * DAY };
const CHAIN_DUE_MS = { degraded: 90 * DAY, critical: 30 * DAY };

export interface FreshnessParts {
  readonly database: Database;
  readonly clock: { now(): number };
  readonly authority: () => Authority;
  readonly responders: Responders;
  /** How the CRL of the root above an issuer key stands; undefined where none is configured. */
  readonly rootCrl?: (issuerKey: string) => RootCrlStanding | undefined;
  /** `ownBase` is `http://HOST:PORT` of this front's own status listener, once it listens. Absent where nothing is fetched. */
  readonly probing?: { readonly prober: Prober; readonly ownBase: () => string | undefined };
}

export class Freshness {
  readonly #parts: FreshnessParts;
  /** What was there once is there for good: a shard is only ever replaced, a responder renewed. */
  readonly #known = new Set<string>();
  /** Requests that wait for the same key share one look. */
  readonly #looking = new Map<string, Promise<boolean>>();

  constructor(parts: FreshnessParts) {
    this.#parts = parts;
  }

  /**
   * Whether all that a certificate of this key may name can be fetched: it is published, this front serves it, and it was found where
   * certificates point once, where that is required. Asks until it can, and never again.
   */
  async isFetchable(key: IssuerKey): Promise<boolean> {
    const mark = `${key.id} ${key.shape.shards} ${key.shape.crlUrl} ${key.shape.ocspUrl}`;
    if (this.#known.has(mark)) return true;
    const looking = this.#looking.get(mark) ?? this.#look(key).finally(() => this.#looking.delete(mark));
    this.#looking.set(mark, looking);
    if (await looking) this.#known.add(mark);
    return looking;
  }

  async #look(key: IssuerKey): Promise<boolean> {
    return (await this.#isPublished(key)) && this.#isServed(key);
  }

  async #isPublished(key: IssuerKey): Promise<boolean> {
    const { published } = await agesOf(this.#parts.database, key.id, key.shape.shards);
    return published >= key.shape.shards && (!isAnswering(key) || (await this.#parts.responders.current(key)) !== undefined);
  }

  async #isServed(key: IssuerKey): Promise<boolean> {
    const { probing, authority } = this.#parts;
    if (probing === undefined) return true;
    const { prober, ownBase } = probing;
    const base = ownBase();
    if (base === undefined || (await prober.faultAt(base, key)) !== undefined) return false;
    return authority().generation.revocation.probe !== 'require' || prober.wasReached(key);
  }

  async all(): Promise<IssuerFreshness[]> {
    const found: IssuerFreshness[] = [];
    for (const key of this.#parts.authority().issuerKeys.values()) found.push(await this.#of(key));
    return found;
  }

  async #of(key: IssuerKey): Promise<IssuerFreshness> {
    const { database, clock, authority, responders, rootCrl: rootCrlOf } = this.#parts;
    const { revocation } = authority().generation;
    const { shards } = key.shape;
    const states = (await shardStates(database, key.id)).filter(({ shard }) => shard <= shards);
    const each = states.flatMap(({ shard, this_update, next_update }) =>
      this_update === null || next_update === null ? [] : [{ shard, thisUpdate: Number(this_update), nextUpdate: Number(next_update) }]);
    const least = (times: readonly number[]): number | undefined => (times.length === 0 ? undefined : Math.min(...times));
    const oldest = least(each.map(({ thisUpdate }) => thisUpdate));
    const firstToEnd = least(each.map(({ nextUpdate }) => nextUpdate));
    const waitsSince = least(states.flatMap(({ changed_at }) => (changed_at === null ? [] : [Number(changed_at)])));
    const responder = isAnswering(key) ? await responders.current(key) : undefined;
    const probes = revocation.probe === 'off' ? [] : (await probesOf(database, key.id)).map(shown);
    const crls = { shards, published: each.length, each, ...(oldest === undefined ? {} : { oldest }), ...(firstToEnd === undefined ? {} : { firstToEnd }) };
    const rootCrl = rootCrlOf?.(key.id);
    const chainEnds = Math.min(...[...key.chain, key.root].map((der) => parseCertificate(der).tbs.notAfter));
    const found = { crls, probes, chainEnds, ...(rootCrl === undefined ? {} : { rootCrl }) };
    return {
      issuerKey: key.id, ...found,
      concerns: concernsOf({
        ...found, waitsSince, responder: isAnswering(key) ? (responder ?? 'missing') : undefined, periodMs: revocation.crlPeriodMs, now: clock.now(),
        isActive: key.state === 'active',
      }),
      ...(isAnswering(key) ? { ocsp: responder === undefined ? {} : { responder: responder.serial, notAfter: responder.notAfter } } : {}),
    };
  }
}

interface Found extends Pick<IssuerFreshness, 'crls' | 'probes' | 'chainEnds' | 'rootCrl'> {
  /** When the oldest change was made that is in no CRL yet. */
  readonly waitsSince: number | undefined;
  readonly responder: ResponderCertificate | 'missing' | undefined;
  readonly isActive: boolean;
  readonly periodMs: number;
  readonly now: number;
}

function concernsOf({ crls, waitsSince, responder, probes, chainEnds, rootCrl, isActive, periodMs, now }: Found): IssuerFreshness['concerns'] {
  const concerns: IssuerFreshness['concerns'][number][] = [];
  const concern = (is: boolean, level: 'degraded' | 'critical', what: string): void => void (is && concerns.push({ level, what }));
  const due = (left: number, limits: typeof CHAIN_DUE_MS, what: string): void =>
    concern(left < limits.degraded, left < limits.critical ? 'critical' : 'degraded', `${what} ends in ${Math.floor(left / DAY)} days`);
  const { shards, published, oldest, firstToEnd } = crls;
  concern(published < shards, 'critical', `${shards - published} of ${shards} CRLs have never been published`);
  concern(oldest !== undefined && now - oldest > LATE_CRL * periodMs, 'degraded', 'a CRL is older than twice its period');
  concern(firstToEnd !== undefined && firstToEnd - now < CRL_CRITICAL_MS, 'critical', 'a CRL ends within 48 hours');
  concern(waitsSince !== undefined && now - waitsSince > WAITING_CRITICAL_MS, 'critical', 'a revocation has waited for its CRL for more than an hour');
  concern(responder === 'missing', 'critical', 'there is no valid certificate for its OCSP responder');
  concern(
    typeof responder === 'object' && responder.notAfter - now < (responder.notAfter - responder.notBefore) * RESPONDER_CRITICAL, 'critical',
    'the certificate of its OCSP responder should have been renewed');
  if (isActive) due(chainEnds - now, CHAIN_DUE_MS, 'its certificate, or one above it,');
  if (rootCrl !== undefined && 'nextUpdate' in rootCrl) due(rootCrl.nextUpdate - now, ROOT_CRL_DUE_MS, "the root's CRL");
  if (rootCrl !== undefined && 'fault' in rootCrl) concern(true, 'critical', `the root's CRL cannot be served: ${rootCrl.fault}`);
  for (const { url, fault } of probes) concern(fault !== undefined, 'critical', `${url}: ${fault}`);
  concern(probes.some(({ checkedAt }) => now - checkedAt > UNSEEN_MS), 'degraded', 'the prober has not looked at its URLs for a quarter of an hour');
  return concerns;
}

const shown = ({ url, what, checked_at, fault, bad_since }: ProbeRow): FoundByProbe =>
  ({ url, what, checkedAt: checked_at, ...(fault === null ? {} : { fault }), ...(bad_since === null ? {} : { badSince: bad_since }) });
