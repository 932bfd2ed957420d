/** The status door: what relying parties and orchestrators fetch over plain HTTP. Everything in it is signed by itself, or no secret. */
import type { Ca } from '../../ca/index.ts';
import type { Generation } from '../../config/generation.ts';
import type { Door, HttpReply } from '../../http/route.ts';
import { encodePem } from '../../x509/pem.ts';
import { rootCrl, type ServedCrl, shardCrl } from './crl.ts';
import { ocspRoute } from './ocsp.ts';
import { readyz, type ReadyzParts } from './readyz.ts';

export interface StatusDoorParts extends ReadyzParts {
  readonly ca: Pick<Ca, 'root' | 'rootOf' | 'chain' | 'latestCrl' | 'ocsp' | 'measured'>;
  readonly generation: () => Generation;
  /** The CRL of the offline root above an issuer key; undefined where none is configured. */
  readonly rootCrl?: (issuerKey: string) => ServedCrl | undefined;
}

export function createStatusDoor(parts: StatusDoorParts): Door {
  return {
    name: 'status',
    raw: [ocspRoute(parts)],
    logsOnlyFaults: true,
    routes: [
      { method: 'GET', path: '/ca/root.pem', handle: () => rootPem(parts.ca.root()) },
      { method: 'GET', path: '/ca/:issuer/root.pem', handle: ({ params }) => rootPem(parts.ca.rootOf(params['issuer'] ?? '')) },
      { method: 'GET', path: '/ca/:issuer.cer', handle: ({ params }) => issuerCertificate(parts, params['issuer'] ?? '') },
      { method: 'GET', path: '/crl/:issuer/root.crl', handle: (request) => rootCrl(parts, request) ?? notFound() },
      { method: 'GET', path: '/crl/:issuer/:shard.crl', handle: async (request) => (await shardCrl(parts, request)) ?? notFound() },
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

const told = (status: number, body: object): HttpReply =>
  ({ status, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }, body: `${JSON.stringify(body)}\n` });

const notFound = (): HttpReply => told(404, { status: 'not found' });
