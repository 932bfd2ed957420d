/**
 * Business events: one function each, which logs and counts together, so that names and figures cannot drift apart.
 * Telemetry may be lost; what must not be lost is an audit entry (ca/audit), written with the fact itself.
 */
import type { Logger } from './log.ts';
import { metrics } from './metrics.ts';

let log: Pick<Logger, 'info' | 'warn' | 'error'> = { info() {}, warn() {}, error() {} };

/** Where events go; called once by wiring, before anything happens. */
export function logEventsTo(logger: Logger): void {
  log = logger;
}

export function certificateIssued(e: { profile: string; door: string; issuerKey: string; serial: string; correlation: string | null }): void {
  log.info(e, 'certificate issued');
  metrics.certificatesIssued.inc({ profile: e.profile, door: e.door, issuer_key: e.issuerKey });
}

export function signingPostponed(e: { issuerKey: string; why: string }): void {
  log.warn(e, 'signing postponed');
  metrics.signingPostponed.inc({ issuer_key: e.issuerKey });
}

export function signerRefused(e: { issuerKey: string; profile: string; reason: string }): void {
  log.error(e, 'the signer refused what the front had allowed');
  metrics.signerRefusals.inc({ issuer_key: e.issuerKey, profile: e.profile });
}

/** A certificate that renews itself could not be: the configuration has changed since it was ordered. It is tried again. */
export function renewalRefused(e: { order: string; profile: string; why: string }): void {
  log.warn(e, 'an order could not be renewed');
  metrics.renewalRefusals.inc({ profile: e.profile });
}

export function intentRecovered(e: { outcome: 'signed' | 'closed'; profile: string }): void {
  log.warn(e, 'half-done issuance settled');
  metrics.intentsRecovered.inc(e);
}

export function recoveryFailed(e: { intent: string; error: unknown }): void {
  log.error({ intent: e.intent, err: e.error }, 'an intent could not be settled');
  metrics.recoveryFailures.inc();
}

/** The database holds other bytes for an intent than the signer's journal: one of them was changed. */
export function intentContradicted(e: { intent: string; serial: string }): void {
  log.error(e, 'the database contradicts the journal');
  metrics.contradictions.inc();
}

export function certificateRevoked(e: { issuerKey: string; serial: string; reason: string; door: string }): void {
  log.info(e, 'certificate revoked');
  metrics.certificatesRevoked.inc({ issuer_key: e.issuerKey, reason: e.reason, door: e.door });
}

export function certificateUnheld(e: { serial: string; door: string }): void {
  log.info(e, 'hold lifted');
}

/** `due`: a ceremony must make another soon. `fault`: the file cannot be served at all. */
export function rootCrlWatched(e: { issuerKey: string; secondsLeft: number; due: boolean; fault?: string }): void {
  metrics.rootCrlSeconds.set({ issuer_key: e.issuerKey }, e.secondsLeft);
  if (e.fault !== undefined) log.error(e, "the root's CRL cannot be served");
  else if (e.due) log.warn(e, "the root's CRL runs out soon: hold a ceremony");
}

/** Nothing that is younger is forgotten meanwhile. */
export function clockLeapt(e: { days: number }): void {
  log.warn(e, 'the clock is days ahead of the last run of retention, which goes on by a day at a time: see whether it is right');
  metrics.clockLeaps.inc();
}

/** The shard keeps the CRL that it has; it is tried again at the next run. */
export function crlFailed(e: { issuerKey: string; shard: number; error: unknown }): void {
  const { error, ...rest } = e;
  log.error({ ...rest, err: error }, 'a CRL could not be made');
  metrics.crlFailures.inc({ issuer_key: e.issuerKey });
}

export function crlPublished(e: { issuerKey: string; shard: number; number: string; revoked: number }): void {
  log.info(e, 'CRL published');
  metrics.crlsPublished.inc({ issuer_key: e.issuerKey });
}

export function ocspSigned(e: { issuerKey: string }): void {
  metrics.ocspSignatures.inc({ issuer_key: e.issuerKey });
}

/** Counted, not logged: what relying parties ask says whom they meet, and there are thousands a second. */
export function ocspAnswered(outcome: OcspOutcome): void {
  ocspOutcomes[outcome] ??= metrics.ocspResponses.labels(outcome);
  ocspOutcomes[outcome].inc();
}
type OcspOutcome = 'signed' | 'malformed' | 'foreign' | 'unissued' | 'no-responder' | 'busy' | 'signer' | 'fault';
const ocspOutcomes: { [K in OcspOutcome]?: ReturnType<typeof metrics.ocspResponses.labels> } = {};

/** One URL that certificates name was fetched as a relying party would. */
export function probed(e: { what: string; outcome: 'good' | 'wrong' | 'unreachable' }): void {
  metrics.probes.inc(e);
}

/** What relying parties get at a URL of ours is not what they need, since now, or for another reason than before. */
export function probeFailed(e: { issuerKey: string; what: string; url: string; fault: string }): void {
  log.error(e, 'what certificates point at is not as it should be');
}

export function probeMended(e: { issuerKey: string; what: string; url: string }): void {
  log.info(e, 'what certificates point at is as it should be again');
}

/** What a look at CRLs and responders found; times are ms. */
export function freshnessMeasured(found: readonly Freshness[], kept: number, now: number): void {
  metrics.ocspKept.set(kept);
  for (const gauge of [metrics.crlShardAge, metrics.probeFaults, metrics.probeAge]) gauge.reset(); // shards, URLs and issuer keys may be gone
  for (const { issuerKey, crls, ocsp, probes, chainEnds } of found) {
    const labels = { issuer_key: issuerKey };
    metrics.issuerLeft.set(labels, (chainEnds - now) / 1000);
    metrics.crlsMissing.set(labels, crls.shards - crls.published);
    for (const { shard, thisUpdate } of crls.each) metrics.crlShardAge.set({ ...labels, shard }, (now - thisUpdate) / 1000);
    for (const what of new Set(probes.map((probe) => probe.what))) {
      metrics.probeFaults.set({ ...labels, what }, probes.filter((probe) => probe.what === what && probe.fault !== undefined).length);
    }
    if (probes.length > 0) metrics.probeAge.set(labels, (now - Math.min(...probes.map(({ checkedAt }) => checkedAt))) / 1000);
    if (crls.oldest !== undefined) metrics.crlAge.set(labels, (now - crls.oldest) / 1000);
    if (crls.firstToEnd !== undefined) metrics.crlLeft.set(labels, (crls.firstToEnd - now) / 1000);
    if (ocsp !== undefined) metrics.responderLeft.set(labels, ocsp.notAfter === undefined ? 0 : (ocsp.notAfter - now) / 1000);
  }
  const concerns = new Map(found.flatMap((issuer) => issuer.concerns.map(({ level, what }) => [`${issuer.issuerKey} ${what}`, { issuerKey: issuer.issuerKey, level, what }])));
  for (const [mark, { level, ...concern }] of concerns) {
    if (!toldConcerns.has(mark)) log[level === 'critical' ? 'error' : 'warn'](concern, 'revocation information is not fresh');
  }
  toldConcerns = new Set(concerns.keys());
}
/** So that what lasts is one line in the log of each front, not four a minute. */
let toldConcerns: ReadonlySet<string> = new Set();
interface Freshness {
  readonly issuerKey: string;
  readonly crls: { readonly shards: number; readonly published: number; readonly oldest?: number; readonly firstToEnd?: number; readonly each: readonly { readonly shard: number; readonly thisUpdate: number }[] };
  readonly ocsp?: { readonly notAfter?: number };
  readonly chainEnds: number;
  readonly probes: readonly { readonly what: string; readonly checkedAt: number; readonly fault?: string }[];
  readonly concerns: readonly { readonly level: string; readonly what: string }[];
}

/** The log has one line a second, the metrics all, the audit log one entry a minute. */
export function ocspAskedForUnissued(e: { issuerKey: string; serial: string; couldBeOurs: boolean }): void {
  metrics.ocspUnissued.inc({ issuer_key: e.issuerKey, ours: String(e.couldBeOurs) });
  if (!e.couldBeOurs || performance.now() - lastUnissuedAt < 1000) return;
  lastUnissuedAt = performance.now();
  log.warn(e, 'OCSP asked about a certificate that was never issued, under a serial made as ours are');
}
let lastUnissuedAt = Number.NEGATIVE_INFINITY;

export function challengeEnded(e: { type: string; outcome: 'valid' | 'invalid' | 'retry'; ms: number; problem?: string }): void {
  log.info(e, 'challenge attempt ended');
  metrics.challenges.inc({ type: e.type, outcome: e.outcome });
}

export function problemAnswered(e: { door: string; type: string; status: number; correlation: string }): void {
  metrics.problems.inc({ door: e.door, type: e.type });
}

export function requestAnswered(e: { door: string; method: string; path: string; status: number; ms: number; correlation: string }): void {
  log.info(e, 'request');
  metrics.requests.inc({ door: e.door, method: e.method, status: e.status });
  metrics.requestSeconds.observe({ door: e.door }, e.ms / 1000);
}

/** A request of which nothing is logged. */
export function requestCounted(door: string, method: string, status: number): void {
  const name = `${door} ${method} ${status}`;
  let counter = counted.get(name);
  if (counter === undefined) {
    counter = metrics.requests.labels(door, method, String(status));
    counted.set(name, counter); // methods are those that node:http knows
  }
  counter.inc();
}
const counted = new Map<string, ReturnType<typeof metrics.requests.labels>>();

/** A fault of ours: the only place where an error is described, and only to the log. */
export function faultCaught(e: { where: string; correlation?: string; error: unknown }): void {
  const { error, ...rest } = e;
  log.error({ ...rest, err: error }, 'fault');
}

export function signerStateChanged(e: { state: 'ready' | 'fenced' | 'unavailable'; why?: string }): void {
  log.warn(e, 'signer');
  metrics.signerState.set(e.state === 'ready' ? 1 : 0);
}

export function jobFailed(e: { job: string; error: unknown }): void {
  log.error({ job: e.job, err: e.error }, 'job failed');
  metrics.jobFailures.inc({ job: e.job });
}

export function configurationApplied(e: { digest: string; by: string }): void {
  log.info(e, 'configuration applied');
  metrics.configurationApplied.inc();
}
