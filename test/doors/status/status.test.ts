/** The status door: certificates, CRLs, health. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createStatusDoor, type StatusDoorParts } from '../../../src/doors/status/status.ts';
import { createApp } from '../../../src/http/app.ts';
import { openDoorLab, transportTo } from '../../support/acme-door.ts';

interface Detail {
  readonly status: string;
  readonly measured: string;
  readonly ocspKeptResponses: number;
  readonly issuers: readonly {
    readonly crls: readonly { readonly shard: number; readonly ageSeconds: number; readonly leftSeconds: number }[];
    readonly responderLeftSeconds: number;
    readonly probes: unknown;
    readonly concerns: unknown;
  }[];
}

async function openStatus(parts: StatusDoorParts) {
  const server = createServer(createApp({ doors: [createStatusDoor(parts)], random: (octets) => new Uint8Array(octets) }));
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const send = transportTo((server.address() as AddressInfo).port);
  return {
    get: (path: string, headers = {}, method = 'GET') => send({ method, url: `http://status.test${path}`, headers }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => { server.close(() => resolve()); });
    },
  };
}

test('T-CRL-9, T-CRL-9b root, issuer and CRLs are served as relying parties want them', async () => {
  await using lab = await openDoorLab();
  const der = Buffer.from('a CRL');
  let published: { der: Uint8Array; sha256: string; number: bigint; thisUpdate: number; nextUpdate: number } | undefined;
  const clock = { now: () => Date.UTC(2026, 10, 22) };
  const { ca } = lab.software;
  await using status = await openStatus({
    ca: { root: () => ca.root(), rootOf: (id) => ca.rootOf(id), chain: (id) => ca.chain(id), latestCrl: async () => published, ocsp: (request) => ca.ocsp(request), measured: () => ca.measured() }, clock,
    generation: () => lab.generation, readiness: () => ({ ready: true, reasons: [] }),
    rootCrl: (id) => (id === 'development-1' ? { der: Buffer.from('the root'), sha256: 'ef', thisUpdate: clock.now(), nextUpdate: clock.now() + 1000 } : undefined),
  });
  const root = await status.get('/ca/root.pem');
  assert.equal(root.status, 200);
  assert.equal(new X509Certificate(root.text).subject, 'CN=Test Root');
  const issuer = await status.get('/ca/development-1.cer');
  assert.equal(issuer.status, 200);
  assert.equal(issuer.headers['content-type'], 'application/pkix-cert');
  assert.equal(Number(issuer.headers['content-length']), ca.chain('development-1')[0]?.length);
  assert.equal((await status.get('/ca/nobody.cer')).status, 404);

  assert.equal((await status.get('/crl/development-1/1.crl')).status, 503);
  published = { der, sha256: 'ab', number: 1n, thisUpdate: clock.now() - 60_000, nextUpdate: clock.now() + 86_400_000 };
  const crl = await status.get('/crl/development-1/1.crl');
  assert.equal(crl.status, 200);
  assert.equal(crl.headers['content-type'], 'application/pkix-crl');
  assert.equal(crl.headers['last-modified'], 'Sat, 21 Nov 2026 23:59:00 GMT');
  assert.equal(crl.headers['cache-control'], 'public, max-age=600, no-transform, stale-if-error=85800');
  assert.equal(crl.headers['expires'], 'Sun, 22 Nov 2026 00:10:00 GMT');
  const etag = crl.headers['etag'] as string;
  assert.equal((await status.get('/crl/development-1/1.crl', { 'If-None-Match': etag })).status, 304);
  published = { ...published, der: Buffer.from('another CRL'), sha256: 'cd' };
  assert.notEqual((await status.get('/crl/development-1/1.crl', { 'If-None-Match': etag })).headers['etag'], etag);
  published = { ...published, thisUpdate: clock.now() - 86_400_000, nextUpdate: clock.now() + 1000 };
  assert.equal((await status.get('/crl/development-1/1.crl')).headers['cache-control'], 'public, max-age=1, no-transform, stale-if-error=0');
  for (const path of ['/crl/development-1/0.crl', '/crl/development-1/9.crl', '/crl/development-1/01.crl', '/crl/development-1/-1.crl', '/crl/nobody/0.crl', '/crl/development-1/1']) {
    assert.equal((await status.get(path)).status, 404, path);
  }
  assert.equal((await status.get('/crl/development-1/1.crl', {}, 'HEAD')).headers['content-length'], '11');
  const tag = (await status.get('/crl/development-1/1.crl')).headers['etag'] as string;
  for (const [known, code] of [[tag, 304], [`"x", W/${tag}`, 304], ['*', 304], ['"x"', 200], [tag.slice(1, -1), 200]] as const) {
    assert.equal((await status.get('/crl/development-1/1.crl', { 'If-None-Match': known })).status, code, known);
  }
  const zipped = await status.get('/crl/development-1/1.crl', { 'Accept-Encoding': 'gzip' });
  assert.deepEqual([zipped.text, zipped.headers['content-encoding']], ['another CRL', undefined]);
  assert.equal((await status.get('/crl/development-1/root.crl')).text, 'the root');
  assert.equal((await status.get('/crl/nobody/root.crl')).status, 404);
});

test('health and readiness: ready is 200, not ready is 503 with the reasons', async () => {
  await using lab = await openDoorLab();
  let reasons: string[] = ['signer is unavailable'];
  await using status = await openStatus({
    ca: lab.software.ca, clock: { now: () => Date.now() }, generation: () => lab.generation, readiness: () => ({ ready: reasons.length === 0, reasons }),
  });
  assert.equal((await status.get('/healthz')).status, 200);
  const not = await status.get('/readyz');
  assert.equal(not.status, 503);
  assert.deepEqual(not.json, { status: 'not ready', reasons });
  reasons = [];
  const ready = await status.get('/readyz');
  assert.deepEqual([ready.status, ready.json], [200, { status: 'ready' }]);
  const { ca } = lab.software;
  await ca.work.publishCrls();
  await ca.freshness();
  const { status: answer, measured, ocspKeptResponses, issuers: [issuer] } = (await status.get('/readyz')).json as Detail;
  assert.deepEqual([answer, measured, ocspKeptResponses], ['ready', new Date(ca.measured()?.at ?? 0).toISOString(), 0]);
  assert.deepEqual(issuer?.crls.map(({ shard }) => shard), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.ok(issuer?.crls.every(({ ageSeconds, leftSeconds }) => ageSeconds < 60 && leftSeconds > 8 * 86_400));
  assert.deepEqual([issuer?.responderLeftSeconds, issuer?.probes], [0, { urls: 0, bad: [] }]);
  assert.deepEqual(issuer?.concerns, [{ level: 'critical', what: 'there is no valid certificate for its OCSP responder' }], 'it is told, and the front stays ready');
  const wrong = await status.get('/readyz', {}, 'POST');
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers['allow'], 'GET, HEAD');
});
