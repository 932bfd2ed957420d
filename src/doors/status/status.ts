/** The status door: what relying parties and orchestrators fetch over plain HTTP. Everything in it is signed by itself, or no secret. */
import { createHash } from 'node:crypto';
import type { Ca } from '../../ca/index.ts';
import type { Generation } from '../../config/generation.ts';
import type { Door, HttpReply, HttpRequest } from '../../http/route.ts';
import { encodePem } from '../../x509/pem.ts';

export interface StatusDoorParts {
  readonly ca: Pick<Ca, 'root' | 'rootOf' | 'chain' | 'latestCrl'>;
  readonly generation: () => Generation;
  /** Whether requests can be served now; if not, why, in words for the operator. */
  readonly readiness: () => { readonly ready: boolean; readonly reasons: readonly string[] };
  readonly clock: { now(): number };
}

export function createStatusDoor(parts: StatusDoorParts): Door {
  return {
    name: 'status',
    routes: [
      { method: 'GET', path: '/ca/root.pem', handle: () => rootPem(parts.ca.root()) },
      { method: 'GET', path: '/ca/:issuer/root.pem', handle: ({ params }) => rootPem(parts.ca.rootOf(params['issuer'] ?? '')) },
      { method: 'GET', path: '/ca/:issuer.cer', handle: ({ params }) => issuerCertificate(parts, params['issuer'] ?? '') },
      { method: 'GET', path: '/crl/:issuer/:shard.crl', handle: (request) => crl(parts, request) },
      { method: 'GET', path: '/healthz', handle: () => told(200, { status: 'alive' }) },
      { method: 'GET', path: '/readyz', handle: () => readyz(parts) },
    ],
  };
}

function rootPem(root: Uint8Array | undefined): HttpReply {
  if (root === undefined) return notFound();
  const headers = { 'Content-Type': 'application/x-pem-file', 'Cache-Control': 'public, max-age=3600' };
  return { status: 200, headers, body: encodePem('CERTIFICATE', root) };
}

/** RFC 5280 §4.2.2.1: one certificate, DER. */
function issuerCertificate({ ca }: StatusDoorParts, issuer: string): HttpReply {
  const [certificate] = ca.chain(issuer);
  if (certificate === undefined) return notFound();
  return { status: 200, headers: { 'Content-Type': 'application/pkix-cert', 'Cache-Control': 'public, max-age=3600' }, body: certificate };
}

/** RFC 5280 §4.2.1.13. It may be kept until the next one is due to appear, half of its life on; after that it is asked for again. */
async function crl({ ca, generation, clock }: StatusDoorParts, { params, headers }: HttpRequest): Promise<HttpReply> {
  const { issuer = '', shard = '' } = params;
  const shards = generation().issuers.get(issuer)?.shards ?? 0;
  if (!/^[1-9]\d{0,5}$/.test(shard) || Number(shard) > shards) return notFound();
  const published = await ca.latestCrl(issuer, Number(shard));
  if (published === undefined) return { ...told(503, { status: 'this CRL has not been published yet' }), headers: { 'Retry-After': '2' } };
  const { der, thisUpdate, nextUpdate } = published;
  const now = clock.now();
  const fresh = Math.max(0, Math.min(thisUpdate + (nextUpdate - thisUpdate) / 2, nextUpdate) - now);
  const seconds = Math.floor(Math.min(fresh, MAX_CRL_AGE_MS) / 1000);
  const etag = `"${createHash('sha256').update(der).digest('base64url')}"`;
  const shared = {
    ETag: etag, 'Last-Modified': new Date(thisUpdate).toUTCString(), Expires: new Date(now + seconds * 1000).toUTCString(),
    'Cache-Control': `public, max-age=${seconds}, no-transform, must-revalidate`,
  };
  if (headers['if-none-match'] === etag) return { status: 304, headers: shared };
  return { status: 200, headers: { ...shared, 'Content-Type': 'application/pkix-crl' }, body: der };
}

/** A revocation must be seen soon, however long the CRL itself is good for. */
const MAX_CRL_AGE_MS = 10 * 60_000;

function readyz({ readiness }: StatusDoorParts): HttpReply {
  const { ready, reasons } = readiness();
  return told(ready ? 200 : 503, ready ? { status: 'ready' } : { status: 'not ready', reasons });
}

const told = (status: number, body: object): HttpReply =>
  ({ status, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }, body: `${JSON.stringify(body)}\n` });

const notFound = (): HttpReply => told(404, { status: 'not found' });
