/**
 * Whether this front takes requests, and how fresh what it publishes is. The status code answers the first question alone: a CRL that is late
 * gets no fresher for a front that a load balancer takes out, and neither does one that a CDN serves wrongly (docs/adr/0008).
 */
import type { Ca, IssuerFreshness } from '../../ca/index.ts';
import type { HttpReply } from '../../http/route.ts';

export interface ReadyzParts {
  readonly ca: Pick<Ca, 'measured'>;
  /** Whether requests can be served now; if not, why, in words for the operator. */
  readonly readiness: () => { readonly ready: boolean; readonly reasons: readonly string[] };
  readonly clock: { now(): number };
}

/** The detail is what was measured last, so that nobody who asks makes us look. */
export function readyz({ ca, readiness, clock }: ReadyzParts): HttpReply {
  const { ready, reasons } = readiness();
  const measured = ca.measured();
  const now = clock.now();
  const detail = measured && {
    measured: new Date(measured.at).toISOString(), ocspKeptResponses: measured.ocspKept, issuers: measured.issuers.map((issuer) => shown(issuer, now)),
  };
  return {
    status: ready ? 200 : 503, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
    body: `${JSON.stringify({ status: ready ? 'ready' : 'not ready', ...(ready ? {} : { reasons }), ...detail })}\n`,
  };
}

function shown({ issuerKey, concerns, crls, ocsp, probes, chainEnds, rootCrl }: IssuerFreshness, now: number) {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  return {
    issuerKey, concerns, chainLeftSeconds: seconds(chainEnds - now), shards: crls.shards,
    crls: crls.each.map(({ shard, thisUpdate, nextUpdate }) => ({ shard, ageSeconds: seconds(now - thisUpdate), leftSeconds: seconds(nextUpdate - now) })),
    ...(ocsp === undefined ? {} : { responderLeftSeconds: ocsp.notAfter === undefined ? 0 : seconds(ocsp.notAfter - now) }),
    ...(rootCrl === undefined ? {} : { rootCrlLeftSeconds: 'nextUpdate' in rootCrl ? seconds(rootCrl.nextUpdate - now) : 0 }),
    probes: { urls: probes.length, bad: probes.flatMap(({ url, what, fault }) => (fault === undefined ? [] : [{ url, what, fault }])) },
  };
}
