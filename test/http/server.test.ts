/** The HTTP floor: limits, errors that say nothing, certificates that change while it runs, and going away in time. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { get as getTls } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { createApp } from '../../src/http/app.ts';
import type { Door } from '../../src/http/route.ts';
import { logEventsTo } from '../../src/telemetry/events.ts';
import { registry } from '../../src/telemetry/metrics.ts';
import { ListenFault, type Listening, listenPlain, listenTls, type TlsIdentity } from '../../src/http/server.ts';

const random = (octets: number): Uint8Array => new Uint8Array(octets).fill(7);
const here = { name: 'test', host: '127.0.0.1', port: 0 };

const door: Door = {
  name: 'test',
  routes: [
    { method: 'GET', path: '/hello', handle: () => ({ status: 200, headers: { 'X-Two': ['a', 'b'] }, body: 'hello' }) },
    { method: 'POST', path: '/echo', handle: async (asked) => ({ status: 200, body: await asked.body() }) },
    { method: 'POST', path: '/unread', handle: () => ({ status: 200, body: 'ok' }) },
    { method: 'GET', path: '/fail', handle: () => { throw new Error('secret in /etc/chancery'); } },
    { method: 'GET', path: '/slow', handle: async () => { await sleep(300); return { status: 200, body: 'slow' }; } },
    { method: 'GET', path: '/who', handle: ({ correlation }) => ({ status: 200, body: correlation }) },
  ],
};
const app = () => createApp({ doors: [door], random });

interface Got { status: number; text: string; headers: IncomingMessage['headers'] }
const read = (response: IncomingMessage): Promise<Got> => new Promise((resolve, reject) => {
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('error', reject)
    .on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
});
const fetchFrom = ({ port }: Listening, path: string, options: { method?: string; body?: string | Buffer; agent?: Agent; headers?: Record<string, string> } = {}): Promise<Got> =>
  new Promise((resolve, reject) => {
    const { body, ...rest } = options;
    request({ host: '127.0.0.1', port, path, ...rest }, (response) => resolve(read(response))).on('error', reject).end(body);
  });

test('replies, several header lines, HEAD, 404 and 405', async () => {
  await using server = await listenPlain(app(), here);
  const hello = await fetchFrom(server, '/hello?x=1');
  assert.deepEqual([hello.status, hello.text, hello.headers['x-two'], hello.headers['content-length']], [200, 'hello', 'a, b', '5']);
  const head = await fetchFrom(server, '/hello', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '5']);
  assert.equal((await fetchFrom(server, '/nowhere')).status, 404);
  assert.equal((await fetchFrom(server, '/Hello')).status, 404);
  assert.equal((await fetchFrom(server, '/hello/')).status, 404);
  const wrong = await fetchFrom(server, '/echo', { method: 'DELETE' });
  assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'POST']);
});

test('a fault is a bare 500: no message, no path, no stack', async () => {
  await using server = await listenPlain(app(), here);
  const { status, text } = await fetchFrom(server, '/fail');
  assert.equal(status, 500);
  assert.equal(text, 'The server failed.\n');
});

test('a door that logs only faults: what succeeds is counted, what fails is logged as well', async () => {
  const logged: string[] = [];
  const take = (fields: object, text: string): void => void (text === 'request' && logged.push((fields as { path: string }).path));
  logEventsTo({ info: take, warn: take, error: take } as unknown as Parameters<typeof logEventsTo>[0]);
  await using server = await listenPlain(createApp({ doors: [{ ...door, name: 'quiet', logsOnlyFaults: true }], random }), here);
  for (const path of ['/hello', '/fail', '/nowhere']) await fetchFrom(server, path);
  logEventsTo({ info() {}, warn() {}, error() {} } as unknown as Parameters<typeof logEventsTo>[0]);
  assert.deepEqual(logged, ['/fail', '/nowhere']);
  const counted = (await registry.getSingleMetric('chancery_http_requests_total')?.get())?.values.filter(({ labels }) => labels['door'] === 'quiet');
  assert.deepEqual(counted?.map(({ labels, value }) => [Number(labels['status']), value]), [[200, 1], [500, 1]]);
});

test('correlation ids are ours and different, whatever the caller sends', async () => {
  await using server = await listenPlain(app(), here);
  const asked = (): Promise<Got> => fetchFrom(server, '/who', { headers: { 'X-Request-Id': 'mine', traceparent: 'x' } });
  const [a, b] = [await asked(), await asked()];
  assert.match(a.text, /^070707070707-/);
  assert.equal(a.headers['x-request-id'], a.text);
  assert.notEqual(a.text, b.text);
});

test('bodies: 64 KiB pass, one octet more is 413, and the connection lives on', async () => {
  await using server = await listenPlain(app(), here);
  using agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1 }), { [Symbol.dispose]() { agent.destroy(); } });
  const post = (length: number, headers = {}) => fetchFrom(server, '/echo', { method: 'POST', body: Buffer.alloc(length, 'a'), agent, headers });
  assert.equal((await post(65_536)).text.length, 65_536);
  assert.equal((await post(65_537)).status, 413);
  assert.equal((await post(0)).text, '');
  assert.equal((await post(3, { 'Transfer-Encoding': 'chunked' })).text, 'aaa');
  assert.equal((await post(500_000)).status, 413);
  assert.equal((await fetchFrom(server, '/unread', { method: 'POST', body: 'x', agent })).text, 'ok');
});

test('kept-alive connections are kept', async () => {
  await using server = await listenPlain(app(), here);
  using agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1 }), { [Symbol.dispose]() { agent.destroy(); } });
  for (const path of ['/hello', '/nowhere', '/fail', '/hello']) {
    assert.equal((await fetchFrom(server, path, { agent })).headers.connection, 'keep-alive', path);
  }
});

test('headers of more than 16 KiB are refused', async () => {
  await using server = await listenPlain(app(), here);
  assert.equal((await fetchFrom(server, '/hello', { headers: { 'X-Long': 'a'.repeat(17_000) } })).status, 431);
});

test('a caller that goes away in the middle of its body harms nobody', async () => {
  await using server = await listenPlain(app(), here);
  const socket = connect(server.port, '127.0.0.1');
  await new Promise<void>((resolve) => { socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc', () => resolve()); });
  await sleep(20);
  socket.destroy();
  assert.equal((await fetchFrom(server, '/hello')).status, 200);
});

test('a port that is taken is one sentence', async () => {
  await using server = await listenPlain(app(), here);
  await assert.rejects(listenPlain(app(), { ...here, port: server.port }), (error) => {
    assert.ok(error instanceof ListenFault);
    assert.equal(error.message, `listener test: 127.0.0.1 port ${server.port} is already in use: stop what listens there, or change the port (listeners in ca.yaml, and the URLs that name it)`);
    return true;
  });
  await assert.rejects(listenPlain(app(), { ...here, host: '203.0.113.1' }), /is not an address of this machine/);
});

test('draining lets running requests end, closes idle connections at once and cuts what hangs', async () => {
  const server = await listenPlain(app(), here);
  using agent = Object.assign(new Agent({ keepAlive: true }), { [Symbol.dispose]() { agent.destroy(); } });
  await fetchFrom(server, '/hello', { agent });
  const slow = fetchFrom(server, '/slow', { agent });
  await sleep(50);
  const started = Date.now();
  await server.drain();
  const { text, headers } = await slow;
  assert.equal(text, 'slow');
  assert.equal(headers.connection, 'close');
  assert.ok(Date.now() - started < 2_000);
  await assert.rejects(fetchFrom(server, '/hello'));

  const other = await listenPlain(app(), here);
  const hanging = connect(other.port, '127.0.0.1').on('error', () => {});
  await new Promise<void>((resolve) => { hanging.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n', () => resolve()); });
  const from = Date.now();
  await other.drain(200);
  assert.ok(Date.now() - from < 1_000);
  hanging.destroy();
});

test('T-01, T-02, TLS: the certificate is swapped while it runs; TLS 1.1 and plain HTTP are not served', async () => {
  const [first, second] = [selfSigned('first'), selfSigned('second')];
  await using server = await listenTls(app(), here, first);
  const ask = (options = {}): Promise<{ name: string; status: number }> => new Promise((resolve, reject) => {
    getTls({ host: '127.0.0.1', port: server.port, path: '/hello', rejectUnauthorized: false, agent: false, ...options }, (response) => {
      const name = (response.socket as import('node:tls').TLSSocket).getPeerCertificate().subject.CN;
      response.resume().on('end', () => resolve({ name: String(name), status: response.statusCode ?? 0 }));
    }).on('error', reject);
  });
  assert.deepEqual(await ask(), { name: 'first', status: 200 });
  server.setIdentity(second);
  assert.deepEqual(await ask(), { name: 'second', status: 200 });
  assert.equal((await ask({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).status, 200);
  await assert.rejects(ask({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  await assert.rejects(new Promise((resolve, reject) => { get({ host: '127.0.0.1', port: server.port, path: '/hello', agent: false }, resolve).on('error', reject); }));
});

function selfSigned(name: string): TlsIdentity {
  const directory = mkdtempSync(join(tmpdir(), 'chancery-tls-'));
  try {
    const [key, chain] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', chain, '-subj', `/CN=${name}`, '-days', '1'], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), chain: readFileSync(chain, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
