/** The prober's way out: our own URLs and no others, within bounds. What it makes of answers is in test/ca/revocation/probe.test.ts. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { DialFault } from '../../src/dial/dial-fault.ts';
import { ownFetcher } from '../../src/dial/own-url.ts';

const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? '');
  if (request.url === '/own/elsewhere') response.writeHead(302, { Location: '/secret' }).end();
  else if (request.url === '/own/endless') response.writeHead(200).write('x'.repeat(1000));
  else if (request.url === '/own/half') response.writeHead(200, { 'Content-Length': '100' }).write('half', () => response.destroy());
  else response.writeHead(200, { 'Content-Type': 'Text/Plain; charset=utf-8' }).end('whole');
});
let base: string;
before(async () => {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const fetchOwn = ownFetcher((url) => url.startsWith(`${base}/own/`) || url.startsWith('https:'));
const fault = async (url: string, timeoutMs = 5000): Promise<string> => {
  const error = await fetchOwn(url, { maxOctets: 100, timeoutMs }).then(() => assert.fail('it came to an answer'), (caught: unknown) => caught);
  assert.ok(error instanceof DialFault, String(error));
  return error.message;
};

test('SF-1 the prober fetches what is ours, and nothing else, over plain HTTP, wherever an answer would lead', async () => {
  const whole = await fetchOwn(`${base}/own/a`, { maxOctets: 100, timeoutMs: 5000 });
  assert.deepEqual([whole.status, whole.contentType, Buffer.from(whole.body).toString()], [200, 'text/plain', 'whole']);
  const elsewhere = await fetchOwn(`${base}/own/elsewhere`, { maxOctets: 100, timeoutMs: 5000 });
  assert.equal(elsewhere.status, 302);
  for (const url of [`${base}/secret`, 'http://169.254.169.254/latest/', 'https://127.0.0.1/own/']) assert.equal(await fault(url), 'it is not a URL of ours');
  assert.deepEqual(asked, ['/own/a', '/own/elsewhere'], 'nothing of these was asked for');
});

test('an answer that is too long, too slow or cut off is a fault in words, and so is a host that is not there', async () => {
  assert.match(await fault(`${base}/own/endless`), /longer than 100 octets/);
  assert.match(await fault(`${base}/own/half`), /connection reset/);
  const slow = createServer();
  await new Promise<void>((resolve) => { slow.listen(0, '127.0.0.1', resolve); });
  const patient = ownFetcher(() => true);
  const { port } = slow.address() as AddressInfo;
  await assert.rejects(patient(`http://127.0.0.1:${port}/`, { maxOctets: 1, timeoutMs: 50 }), /no whole answer within 0\.05 s/);
  slow.closeAllConnections();
  await new Promise<void>((resolve) => { slow.close(() => resolve()); });
  await assert.rejects(patient(`http://127.0.0.1:${port}/`, { maxOctets: 1, timeoutMs: 5000 }), /connection refused/);
});
