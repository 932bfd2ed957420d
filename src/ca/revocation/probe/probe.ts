/**
 * The prober: fetches what certificates point at, from where they point, as a relying party would, and records what it found. Everything
 * else looks at what we mean to publish; this looks at what arrives, through whatever stands between: another web server, a CDN, a copy by hand.
 */
import type { Database } from '../../../database/database.ts';
import type { FetchOwn } from '../../../dial/own-url.ts';
import * as events from '../../../telemetry/events.ts';
import type { Authority, IssuerKey } from '../../issuance/issuer-key.ts';
import { keptNumber } from '../crl/store.ts';
import { isAnswering, type Responders } from '../ocsp/responder.ts';
import type { Finding, Seen } from './judge.ts';
import { forgetProbe, type ProbeRow, probesOf, recordProbe } from './store.ts';
import { STRAY, type Stray, strayUrls } from './stray.ts';
import { type Target, targetsOf } from './targets.ts';

export interface ProbeParts {
  readonly database: Database;
  readonly clock: { now(): number };
  readonly authority: () => Authority;
  readonly responders: Responders;
  readonly signer: { readonly ids: readonly number[] };
  readonly fetch: FetchOwn;
}

const TIMEOUT_MS = 5000;
const AT_ONCE = 4;
/** Of one run, which is to end before the next begins. What is left over comes first the next time. */
const RUN_MS = 40_000;
const RUN_OCTETS = 64 * 1024 * 1024;
/** A CRL is made once in a period; one that is this many old has missed its time. */
const LATE_PERIODS = 2;

export class Prober {
  readonly #parts: ProbeParts;

  constructor(parts: ProbeParts) {
    this.#parts = parts;
  }

  /** Looks at every URL of every issuer key, those first that were not looked at for longest. */
  async run(): Promise<void> {
    const { database, clock, authority, signer } = this.#parts;
    const before = new Map<string, ProbeRow>();
    const targets: Target[] = [];
    const stray: Stray[] = [];
    for (const key of authority().issuerKeys.values()) {
      for (const row of await probesOf(database, key.id)) before.set(markOf(row.issuer_key, row.url), row);
      const own = await this.#targets(key);
      const known = new Set([...own.map(({ url }) => url), key.shape.ocspUrl ?? '']);
      stray.push(...(await strayUrls(database, key.id, signer.ids, known, clock.now())));
      targets.push(...own);
    }
    const rows = stray.map((each) => this.#rowOf(each, before, STRAY));
    await this.#lookAtAll(targets, before, (target, finding) => rows.push(this.#rowOf(target, before, finding)));
    const current = new Set([...targets, ...stray].map(({ issuerKey, url }) => markOf(issuerKey, url)));
    const gone = [...before].filter(([mark]) => !current.has(mark)).map(([, { issuer_key, url }]) => forgetProbe(issuer_key, url));
    await database.commit([...rows.map(recordProbe), ...gone]);
    for (const row of rows) tell(row, before.get(markOf(row.issuer_key, row.url)));
  }

  /** The first fault of what a front serves of this key on its own listener, at `base`; undefined when all of it is there. */
  async faultAt(base: string, key: IssuerKey): Promise<string | undefined> {
    for (const target of await this.#targets(key)) {
      if (target.what === 'root-crl') continue; // no certificate of this key names it
      const { fault } = await this.#look(target, `${base}${target.path}`, { lateAfterMs: Number.POSITIVE_INFINITY });
      if (fault !== undefined) return `${target.path}: ${fault}`;
    }
    return undefined;
  }

  /** Whether every URL that this key's certificates name was found as it should be, at least once. */
  async wasReached(key: IssuerKey): Promise<boolean> {
    const good = new Set((await probesOf(this.#parts.database, key.id)).filter(({ good_at }) => good_at !== null).map(({ url }) => url));
    return (await this.#targets(key)).every(({ what, url }) => what === 'root-crl' || good.has(url));
  }

  async #targets(key: IssuerKey): Promise<Target[]> {
    const withRootCrl = this.#parts.authority().generation.issuers.get(key.id)?.rootCrl !== undefined;
    return targetsOf(key, withRootCrl, isAnswering(key) ? await this.#parts.responders.current(key) : undefined);
  }

  async #lookAtAll(targets: readonly Target[], before: ReadonlyMap<string, ProbeRow>, found: (target: Target, finding: Finding) => void): Promise<void> {
    const { clock, authority } = this.#parts;
    const { crlPeriodMs, crlMaxAgeMs } = authority().generation.revocation;
    const lastOf = ({ issuerKey, url }: Target): ProbeRow | undefined => before.get(markOf(issuerKey, url));
    const waiting = targets.toSorted((a, b) => (lastOf(a)?.checked_at ?? 0) - (lastOf(b)?.checked_at ?? 0));
    const end = clock.now() + RUN_MS;
    let octets = 0;
    const work = async (): Promise<void> => {
      for (let target = waiting.shift(); target !== undefined && clock.now() < end && octets < RUN_OCTETS; target = waiting.shift()) {
        const number = lastOf(target)?.number;
        const looked = await this.#look(target, target.url, {
          lateAfterMs: LATE_PERIODS * crlPeriodMs + crlMaxAgeMs, ...(number ? { before: BigInt(number) } : {}),
        });
        octets += looked.octets;
        events.probed({ what: target.what, outcome: looked.outcome });
        found(target, looked);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async #look(target: Target, url: string, seen: Omit<Seen, 'now'>): Promise<Looked> {
    const { fetch, clock } = this.#parts;
    try {
      const { status, contentType, body } = await fetch(url + target.request, { maxOctets: target.maxOctets, timeoutMs: TIMEOUT_MS });
      const told = status !== 200 ? `status ${status}` : contentType !== target.contentType ? `Content-Type "${contentType}"` : undefined;
      const finding: Finding = told === undefined ? target.judge(body, { ...seen, now: clock.now() }) : { fault: `its answer has ${told}` };
      return { ...finding, octets: body.length, outcome: finding.fault === undefined ? 'good' : 'wrong' };
    } catch (error) {
      if ((error as Error).name !== 'DialFault') throw error;
      return { fault: (error as Error).message, octets: 0, outcome: 'unreachable' };
    }
  }

  #rowOf({ issuerKey, url, what }: Target | Stray, rows: ReadonlyMap<string, ProbeRow>, { fault, number }: Finding): ProbeRow {
    const now = this.#parts.clock.now();
    const before = rows.get(markOf(issuerKey, url));
    const good = fault === undefined;
    return {
      realm: this.#parts.authority().generation.realm, issuer_key: issuerKey, url, what, checked_at: now, fault: fault ?? null,
      number: good && number !== undefined ? keptNumber(number) : (before?.number ?? null),
      good_at: good ? now : (before?.good_at ?? null), bad_since: good ? null : (before?.bad_since ?? now),
    };
  }
}

interface Looked extends Finding {
  readonly octets: number;
  readonly outcome: 'good' | 'wrong' | 'unreachable';
}

const markOf = (issuerKey: string, url: string): string => `${issuerKey} ${url}`;

/** Only what has changed is told: what stays wrong is in the metrics, and among the concerns of every front. */
function tell({ issuer_key, url, what, fault }: ProbeRow, before: ProbeRow | undefined): void {
  const found = { issuerKey: issuer_key, what, url };
  if (fault === null && before !== undefined && before.fault !== null) events.probeMended(found);
  if (fault !== null && fault !== before?.fault) events.probeFailed({ ...found, fault });
}
