/** OCSP at the door, on both engines: what is said of which serial, how it is asked, how it may be cached, and what no signature is spent on. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { Agent, createServer, type IncomingHttpHeaders, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import type { IssuedCertificate } from '../../../src/ca/index.ts';
import { windowOf } from '../../../src/ca/revocation/ocsp/window.ts';
import { createStatusDoor } from '../../../src/doors/status/status.ts';
import { createApp } from '../../../src/http/app.ts';
import { registry } from '../../../src/telemetry/metrics.ts';
import { ALGORITHMS } from '../../../src/x509/algorithm.ts';
import { parseCertificate } from '../../../src/x509/certificate.ts';
import { integerFromHex, nullValue, octetString, oid, sequence } from '../../../src/x509/der.ts';
import { encodeCertId } from '../../../src/x509/ocsp.ts';
import { encodeOcspRequest } from '../../../src/x509/ocsp-request.ts';
import { type FoundOcspResponse, type FoundResponseData, parseOcspResponse, parseResponseData } from '../../../src/x509/ocsp-response.ts';
import { LONGEST_RESPONDER_MS } from '../../../src/x509/shape.ts';
import { composeSerial } from '../../../src/x509/serial.ts';
import { onBothEngines } from '../../support/engines.ts';
import { until } from '../../support/processes.ts';
import { HOUR, openRevocationLab, type RevocationLab } from '../../support/revocation-lab.ts';

const MALFORMED = '30030a0101';
const TRY_LATER = '30030a0103';
const UNAUTHORIZED = '30030a0106';
const DAY = 24 * HOUR;

interface Answer { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }

test('T-OCS-7, T-INC-8 windows over all that can be configured: refreshed before half of a short life, eight hours before the end of a long one, and within four days', () => {
  const validity = fc.integer({ min: 8 * 3600, max: 240 * 3600 }).map((s) => s * 1000);
  fc.assert(fc.property(validity, fc.integer({ min: 0, max: 1000 * DAY }), fc.integer({ min: 1, max: 2000 * 3600 }), (validityMs, now, left) => {
    const end = Math.floor(now / 1000) * 1000 + left * 1000;
    const { thisUpdate, nextUpdate, refreshAt } = windowOf(now, validityMs, [end]);
    assert.ok(thisUpdate <= now && now - thisUpdate < 1000);
    assert.ok(nextUpdate <= end && nextUpdate - thisUpdate <= 10 * DAY);
    const length = nextUpdate - thisUpdate;
    assert.ok(length >= 8 * HOUR || nextUpdate === end);
    assert.ok(refreshAt <= thisUpdate + length / 2 && refreshAt <= thisUpdate + 4 * DAY);
    if (length >= 16 * HOUR) assert.ok(refreshAt <= nextUpdate - 8 * HOUR);
  }));
});

onBothEngines((newDatabase) => {
  let lab: RevocationLab;
  let good: IssuedCertificate;
  let door: { readonly port: number; ask(method: string, path: string, options?: { body?: Uint8Array; headers?: Record<string, string> }): Promise<Answer> } & AsyncDisposable;
  let another: typeof door;
  beforeEach(async () => {
    lab = await openRevocationLab(await newDatabase());
    assert.equal(await lab.software.ca.work.renewResponders(), 0);
    good = await lab.issue();
    [door, another] = [await openDoor(), await openDoor()];
  });
  afterEach(async () => {
    await door[Symbol.asyncDispose]();
    await another[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });

  async function openDoor(): Promise<typeof door> {
    const status = createStatusDoor({ ca: lab.software.ca, clock: lab.clock, generation: () => lab.generation, readiness: () => ({ ready: true, reasons: [] }) });
    const server = createServer(createApp({ doors: [status], random: (octets) => new Uint8Array(octets) }));
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const agent = new Agent({ keepAlive: true });
    const { port } = server.address() as AddressInfo;
    return {
      port,
      ask: (method, path, { body, headers = {} } = {}) => new Promise((resolve, reject) => {
        const sent = request({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
        });
        sent.on('error', reject);
        sent.end(body);
      }),
      async [Symbol.asyncDispose]() {
        agent.destroy();
        server.closeAllConnections();
        await new Promise<void>((resolve) => { server.close(() => resolve()); });
      },
    };
  }

  const issuer = () => {
    const [der] = lab.software.ca.chain('development-1');
    const { subject, spki } = parseCertificate(der as Uint8Array).tbs;
    return { subject, spki };
  };
  const certId = (serial = good.serial, hash: 'sha1' | 'sha256' = 'sha1') => encodeCertId(hash, issuer(), serial);
  const asked = (serial = good.serial) => encodeOcspRequest([certId(serial)]);
  const post = (body: Uint8Array, at = door) => at.ask('POST', '/ocsp', { body });
  const pathOf = (body: Uint8Array) => `/ocsp/${Buffer.from(body).toString('base64')}`;
  const get = (body: Uint8Array, headers = {}, at = door) => at.ask('GET', pathOf(body), { headers });

  /** Verified under the responder's certificate, and that under the issuer's. */
  function read({ status, headers, body }: Answer): FoundResponseData {
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'application/ocsp-response');
    const found = parseOcspResponse(body);
    assert.ok(typeof found === 'object', body.toString('hex'));
    const [der] = found.certificates;
    const { tbs } = parseCertificate(der as Uint8Array);
    assert.ok(ALGORITHMS['ecdsa-sha256-p256'].verify(tbs.spki, found.responseData, found.signature));
    assert.ok(new X509Certificate(Buffer.from(der as Uint8Array)).verify(new X509Certificate(Buffer.from(lab.software.ca.chain('development-1')[0] as Uint8Array)).publicKey));
    const data = parseResponseData(found.responseData);
    assert.ok(data.thisUpdate <= data.producedAt && data.producedAt <= lab.clock.now());
    assert.ok(data.nextUpdate <= tbs.notAfter, 'T-OCS-7: no response outlives its responder');
    assert.ok(data.nextUpdate - data.thisUpdate >= 8 * HOUR && data.nextUpdate - data.thisUpdate <= 10 * DAY);
    return data;
  }
  const statusIn = (answer: Answer) => read(answer).responses.map(({ status }) => status);
  const hex = ({ status, body }: Answer) => (status === 200 ? body.toString('hex') : `HTTP ${status}`);

  test('T-OCS-2 raw or encoded, behind one slash or two, with a space for a plus, and by POST: one answer, byte for byte', async () => {
    // A serial whose request has all of them.
    let odd = '';
    for (let tries = 0; !(odd.includes('//') && odd.includes('+')); tries += 1) {
      const serial = Buffer.from(good.serial, 'hex').fill(0xff, 7, 13);
      serial.writeUInt32BE(0xfbefbe00 + tries, 14);
      odd = Buffer.from(asked(serial.toString('hex'))).toString('base64');
    }
    const base64 = Buffer.from(asked()).toString('base64');
    const variants = [
      base64, encodeURIComponent(base64), base64.replaceAll('/', '%2F'), base64.replaceAll('+', '%2B'), base64.replaceAll('+', '%20'),
      base64.replaceAll('=', '%3D'), base64.replace(/=+$/, ''), `/${base64}`,
    ];
    const first = hex(await post(asked()));
    for (const variant of variants) assert.equal(hex(await door.ask('GET', `/ocsp/${variant}`)), first, variant);
    for (const variant of [odd, encodeURIComponent(odd)]) assert.equal(hex(await door.ask('GET', `/ocsp/${variant}`)), UNAUTHORIZED, 'it was read');
    assert.equal(lab.software.signatures, 3, 'the responder, a certificate and one response');
  });

  test('T-OCS-3 one, two, eight in one request, and the same twice; nine, and a foreign one among them, get no signature', async () => {
    const second = await lab.issue();
    await lab.software.ca.revoke(lab.request(second));
    assert.deepEqual(statusIn(await post(encodeOcspRequest([certId(), certId(second.serial)]))).map(({ kind }) => kind), ['good', 'revoked']);
    const eight = read(await post(encodeOcspRequest(Array.from({ length: 8 }, () => certId()))));
    assert.equal(eight.responses.length, 8);
    const before = lab.software.signatures;
    assert.equal(hex(await post(encodeOcspRequest(Array.from({ length: 9 }, () => certId())))), MALFORMED);
    const foreign = encodeCertId('sha1', { ...issuer(), subject: sequence() }, good.serial);
    for (const list of [[foreign], [certId(), foreign], [foreign, certId()]]) assert.equal(hex(await post(encodeOcspRequest(list))), UNAUTHORIZED);
    assert.equal(lab.software.signatures, before);
  });

  test('T-OCS-4 SHA-256 is answered by SHA-256, as it was asked; an unknown hash is unauthorized', async () => {
    const sha256 = certId(good.serial, 'sha256');
    assert.deepEqual(Buffer.from(read(await post(encodeOcspRequest([sha256]))).responses[0]?.certId ?? []), Buffer.from(sha256));
    const other = sequence(sequence(oid('2.5.4.3'), nullValue()), octetString(new Uint8Array(20)), octetString(new Uint8Array(20)), integerFromHex(good.serial));
    assert.equal(hex(await post(encodeOcspRequest([other]))), UNAUTHORIZED);
  });

  test('T-OCS-5 a serial is good from the moment that it is meant, before its certificate is recorded', async () => {
    lab.software.signing = 'hold';
    const under = lab.issue();
    await until('an intent is open', async () => (await lab.openSerial()) !== undefined);
    const serial = (await lab.openSerial()) ?? '';
    lab.software.signing = 'ok';
    assert.deepEqual(statusIn(await post(asked(serial))), [{ kind: 'good' }]);
    lab.software.release();
    assert.equal((await under).serial, serial);
  });

  test('T-OCS-6, T-INC-14 what was never issued is unauthorized, never good; made as ours are, it is counted and told to the auditor', async () => {
    const never = composeSerial(1, good.notBefore, good.notAfter, new Uint8Array(12));
    const counted = async (): Promise<number> => (await registry.getSingleMetric('chancery_ocsp_unissued_total')?.get())?.values.find(({ labels }) => labels['ours'] === 'true')?.value ?? 0;
    const alarms = await counted();
    const before = lab.software.signatures;
    for (const serial of [never, composeSerial(9, good.notBefore, good.notAfter, new Uint8Array(12)), '01', `00${'ff'.repeat(19)}`, `ff${never.slice(2)}`]) {
      assert.equal(hex(await post(asked(serial))), UNAUTHORIZED, serial);
      assert.equal(hex(await post(encodeOcspRequest([certId(), certId(serial)]))), UNAUTHORIZED, serial);
    }
    assert.equal(lab.software.signatures, before);
    assert.equal(await counted(), alarms + 2, 'alone, and beside one that is ours');
    await lab.software.ca.work.auditOcsp();
    assert.equal(await lab.count('audit_entry', `type = 'ocsp.unissued' and body like '%"asked":2%' and body like '%${never}%'`), 1);
  });

  test('T-OCS-8 a nonce of 1 to 128 octets comes back and nothing is kept; others are malformed', async () => {
    for (const length of [1, 16, 32, 128]) {
      const nonce = Buffer.alloc(length, length);
      for (const answer of [await post(encodeOcspRequest([certId()], nonce)), await get(encodeOcspRequest([certId()], nonce))]) {
        assert.deepEqual(Buffer.from(read(answer).nonce ?? []), nonce);
        assert.equal(answer.headers['cache-control'], 'no-store');
        assert.equal(answer.headers['etag'], undefined);
      }
    }
    const before = lab.software.signatures;
    for (const length of [0, 129]) assert.equal(hex(await post(encodeOcspRequest([certId()], Buffer.alloc(length)))), MALFORMED);
    assert.equal(lab.software.signatures, before);
  });

  test('T-OCS-9 a revocation shows within a second at each door, although its answer was kept', async () => {
    for (const at of [door, another]) assert.deepEqual(statusIn(await get(asked(), {}, at)), [{ kind: 'good' }]);
    const at = lab.clock.now();
    await lab.software.ca.revoke(lab.request(good, { reason: 'keyCompromise' }));
    lab.clock.time += 1000;
    for (const front of [door, another]) {
      assert.deepEqual(statusIn(await get(asked(), {}, front)), [{ kind: 'revoked', at, reason: 1 }]);
      assert.deepEqual(statusIn(await post(asked(), front)), [{ kind: 'revoked', at, reason: 1 }]);
    }
  });

  test('what is asked again is given again, until its refresh point; then it is signed anew', async () => {
    const first = hex(await get(asked()));
    const before = lab.software.signatures;
    lab.clock.time += 47 * HOUR;
    assert.equal(hex(await get(asked())), first);
    assert.equal(lab.software.signatures, before);
    lab.clock.time += HOUR;
    assert.notEqual(hex(await get(asked())), first);
    assert.equal(lab.software.signatures, before + 1);
    lab.clock.time -= 50 * HOUR; // the clock is set back: nothing from the future is given
    assert.ok(read(await get(asked())).thisUpdate <= lab.clock.now());
    const all = await Promise.all(Array.from({ length: 20 }, () => get(asked())));
    assert.equal(new Set(all.map(hex)).size, 1);
  });

  test('T-OCS-10 a responder is renewed at half of its life, both are valid for a while, and an expired one signs nothing', async () => {
    const [der] = (parseOcspResponse((await post(asked())).body) as FoundOcspResponse).certificates;
    const first = parseCertificate(der as Uint8Array).tbs;
    assert.equal(await lab.software.ca.work.renewResponders(), 0);
    assert.equal(await lab.count('certificate', "profile = 'ocsp-responder'"), 1);
    lab.clock.time += 15 * DAY;
    assert.equal(await lab.software.ca.work.renewResponders(), 0);
    assert.equal(await lab.count('certificate', "profile = 'ocsp-responder'"), 2);
    assert.ok(lab.clock.now() < first.notAfter, 'the old one is valid still');
    const later = await lab.issue();
    const [renewed] = (parseOcspResponse((await post(asked(later.serial))).body) as FoundOcspResponse).certificates;
    assert.notEqual(parseCertificate(renewed as Uint8Array).tbs.serial, first.serial);
    read(await post(asked(later.serial)));
    lab.clock.time = parseCertificate(renewed as Uint8Array).tbs.notAfter + 1000;
    const before = lab.software.signatures;
    assert.equal(hex(await post(encodeOcspRequest([certId(later.serial)], Buffer.alloc(8)))), TRY_LATER);
    assert.equal(lab.software.signatures, before);
  });

  test('T-OCS-11 malformed, cut short, too large, by other methods, with half a body: a 4xx or malformedRequest, never a 500, and no signature', async () => {
    const before = lab.software.signatures;
    const whole = Buffer.from(asked());
    for (const body of [new Uint8Array(), whole.subarray(0, -1), Buffer.concat([whole, Buffer.of(0)]), Buffer.alloc(10_001, 0x30), Buffer.from('hello')]) {
      assert.equal(hex(await post(body)), MALFORMED, String(body.length));
    }
    assert.equal((await post(Buffer.alloc(10 * 1024 * 1024)).catch(() => ({ status: 413 }))).status, 413);
    for (const path of ['/ocsp', '/ocsp/', '/ocsp?x', '/ocsp/%', '/ocsp/%zz', '/ocsp/!!!', '/ocsp/MA', `/ocsp/${'A'.repeat(12_000)}`, `${pathOf(whole)}=`, '/ocsp/%00', '/ocsp/../ca/root.pem']) {
      assert.equal(hex(await door.ask('GET', path)), MALFORMED, path);
    }
    assert.equal((await door.ask('PUT', '/ocsp', { body: whole })).status, 405);
    assert.equal((await door.ask('GET', '/ocspx')).status, 404);
    assert.equal(lab.software.signatures, before);
    for (let at = 0; at < whole.length; at += 1) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] as number) ^ 0x55;
      const answer = hex(await post(flipped));
      assert.ok([MALFORMED, UNAUTHORIZED].includes(answer), `octet ${at}: ${answer}`);
    }
    assert.equal(lab.software.signatures, before);
  });

  test('T-OCS-12 ETag, Last-Modified, Expires, 304 and HEAD', async () => {
    const first = await get(asked());
    const { thisUpdate, nextUpdate } = read(first);
    const { etag = '', expires = '' } = first.headers;
    assert.equal(first.headers['last-modified'], new Date(thisUpdate).toUTCString());
    assert.ok(Date.parse(expires) <= nextUpdate && Date.parse(expires) > lab.clock.now());
    assert.equal(first.headers['cache-control'], 'public, max-age=3600, no-transform, must-revalidate');
    for (const headers of [{ 'If-None-Match': etag }, { 'If-None-Match': `"x", W/${etag}` }, { 'If-Modified-Since': new Date(thisUpdate).toUTCString() }]) {
      const again = await get(asked(), headers);
      assert.deepEqual([again.status, again.body.length, again.headers['etag']], [304, 0, etag], JSON.stringify(headers));
    }
    assert.equal((await get(asked(), { 'If-None-Match': '"x"', 'If-Modified-Since': new Date(thisUpdate).toUTCString() })).status, 200);
    const head = await door.ask('HEAD', pathOf(asked()));
    assert.deepEqual([head.status, head.body.length, head.headers['content-length'], head.headers['etag']], [200, 0, String(first.body.length), etag]);
    lab.clock.time += 48 * HOUR - 60_000; // near the refresh point, others may keep it no longer than to there
    assert.equal((await get(asked())).headers['cache-control'], 'public, max-age=60, no-transform, must-revalidate');
    assert.equal((await post(Buffer.of(1))).headers['cache-control'], 'no-store');
  });

  test('T-OCS-13 another responder key in the configuration: from then on nothing that the old one signed is given', async () => {
    const answer = await get(asked());
    const first = hex(answer);
    const [der] = (parseOcspResponse(answer.body) as FoundOcspResponse).certificates;
    const { notBefore, notAfter } = parseCertificate(der as Uint8Array).tbs;
    assert.ok(notAfter - notBefore <= LONGEST_RESPONDER_MS, 'what the old key has signed, or a thief signs with it, is believed no longer');
    lab.software.rekeyResponder();
    assert.equal(await lab.software.ca.work.renewResponders(), 0);
    lab.clock.time += 1000;
    const second = await get(asked());
    assert.notEqual(hex(second), first);
    read(second);
  });

  test('while the signer is away: try later, and what is kept is given', async () => {
    const kept = hex(await get(asked()));
    lab.software.signing = 'unavailable';
    lab.clock.time += HOUR;
    assert.equal(hex(await get(asked())), kept);
    const other = await post(encodeOcspRequest([certId()], Buffer.alloc(8)));
    assert.equal(hex(other), TRY_LATER);
    assert.equal(other.headers['retry-after'], '2');
  });

  test('what is signed is audited: one entry for all of a minute', async () => {
    for (let index = 1; index <= 5; index += 1) await post(encodeOcspRequest([certId()], Buffer.of(index)));
    await lab.software.ca.work.auditOcsp();
    await lab.software.ca.work.auditOcsp();
    assert.equal(await lab.count('audit_entry', "type = 'ocsp.signed' and body like '%\"responses\":5,%'"), 1);
    assert.equal(await lab.count('audit_entry', "type like 'ocsp.%'"), 1);
  });

  test('T-OCS-11 a body that is shorter than it says leaves the server whole', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(door.port, '127.0.0.1', () => {
        socket.write('POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
        socket.end();
      });
      socket.on('close', () => resolve());
      socket.resume();
    });
    assert.deepEqual(statusIn(await post(asked())), [{ kind: 'good' }]);
  });
});
