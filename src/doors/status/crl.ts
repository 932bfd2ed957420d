/** CRLs over plain HTTP, as relying parties and the caches before them want them (RFC 5280 §4.2.1.13, RFC 9111). */
import type { Ca } from '../../ca/index.ts';
import type { Generation } from '../../config/generation.ts';
import type { HttpReply, HttpRequest } from '../../http/route.ts';

export interface CrlParts {
  readonly ca: Pick<Ca, 'latestCrl'>;
  readonly generation: () => Generation;
  readonly clock: { now(): number };
  readonly rootCrl?: (issuerKey: string) => ServedCrl | undefined;
}

/** Undefined for a shard that does not exist. */
export async function shardCrl({ ca, generation, clock }: CrlParts, { params, headers }: HttpRequest): Promise<HttpReply | undefined> {
  const { issuer = '', shard = '' } = params;
  const { issuers, revocation } = generation();
  if (!/^[1-9]\d{0,5}$/.test(shard) || Number(shard) > (issuers.get(issuer)?.shards ?? 0)) return undefined;
  const published = await ca.latestCrl(issuer, Number(shard));
  if (published === undefined) return notYet();
  return crlReply(published, headers, clock.now(), revocation.crlMaxAgeMs);
}

/** Undefined where there is none. */
export function rootCrl({ rootCrl: find, generation, clock }: CrlParts, { params, headers }: HttpRequest): HttpReply | undefined {
  const found = find?.(params['issuer'] ?? '');
  return found && crlReply(found, headers, clock.now(), generation().revocation.crlMaxAgeMs);
}

export interface ServedCrl {
  readonly der: Uint8Array;
  /** Hex, of `der`. */
  readonly sha256: string;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

/**
 * A revocation must be seen soon, however long the CRL itself is good for: caches keep it for `maxAgeMs` at most. Only while we cannot be
 * asked may they serve what they have, for as long as it is good (RFC 5861 §4).
 */
function crlReply({ der, sha256, thisUpdate, nextUpdate }: ServedCrl, headers: HttpRequest['headers'], now: number, maxAgeMs: number): HttpReply {
  const seconds = Math.floor(Math.max(0, Math.min(maxAgeMs, nextUpdate - now)) / 1000);
  const longer = Math.max(0, Math.floor((nextUpdate - now) / 1000) - seconds);
  const etag = `"${sha256}"`;
  const shared = {
    ETag: etag, 'Last-Modified': new Date(thisUpdate).toUTCString(), Expires: new Date(now + seconds * 1000).toUTCString(),
    'Cache-Control': `public, max-age=${seconds}, no-transform, stale-if-error=${longer}`,
  };
  if (isKnown(headers['if-none-match'], etag)) return { status: 304, headers: shared };
  return { status: 200, headers: { ...shared, 'Content-Type': 'application/pkix-crl' }, body: der };
}

/**
 * RFC 9110 §13.1.2. If-Modified-Since is not looked at, as §13.1.3 lets a server do: two CRLs of one second would be the same to it.
 */
const isKnown = (tags: string | undefined, etag: string): boolean =>
  tags?.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim())) === true;

const notYet = (): HttpReply => ({
  status: 503, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'Retry-After': '2' },
  body: '{"status":"this CRL has not been published yet"}\n',
});
