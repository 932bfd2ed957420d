/** RFC 8555 §6.1–6.3, §7.1.1: HTTP as ACME wants it, and the directory. Rows T, D and E of the conformance list. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { PROBLEMS, several, toProblem } from '../../../src/doors/acme/problem.ts';
import { AcmeClient, newKey } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

let lab: DoorLab;
let client: AcmeClient;
before(async () => {
  lab = await openDoorLab({
    directory: { formerUrls: ['https://old.test:8443'], website: 'https://ca.test/about' },
    directories: [{ name: 'staging' }],
  });
  client = await lab.client();
});
after(() => lab[Symbol.asyncDispose]());

const order = { identifiers: [{ type: 'dns', value: 't.internal' }] };

test('T-03: text that is not UTF-8 is refused', async () => {
  refused(await client.postRaw(client.directory.newOrder, Buffer.from('{"protected":"\xff"}', 'latin1')), 400, 'malformed', /UTF-8/);
});

test('T-04: every answer may be read by scripts, and a preflight is answered', async () => {
  const preflight = await client.get(client.directory.newOrder, 'OPTIONS', { Origin: 'https://x', 'Access-Control-Request-Method': 'POST' });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers['access-control-allow-methods'], 'POST');
  assert.equal(preflight.headers['access-control-allow-headers'], 'Content-Type');
  assert.equal(preflight.headers['access-control-max-age'], '86400');
  for (const answer of [await client.get(client.directoryUrl), await client.post(client.account as string), preflight]) {
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.equal(answer.headers['access-control-expose-headers'], 'Link, Location, Replay-Nonce, Retry-After');
  }
});

test('T-05: another content type is 415; parameters do not matter', async () => {
  const { newOrder } = client.directory;
  for (const type of ['application/json', 'text/plain', 'application/jose', '']) {
    refused(await client.post(newOrder, order, { contentType: type }), 415, 'malformed');
  }
  for (const type of ['application/jose+json; charset=utf-8', 'Application/JOSE+JSON']) {
    assert.equal((await client.post(newOrder, order, { contentType: type })).status, 201);
  }
});

test('T-06, T-08: the wrong method is 405, with Allow', async () => {
  const { json, headers } = await client.newOrder(['t.internal']);
  for (const url of [client.account, headers['location'], json.finalize, json.authorizations[0], client.directory.newOrder, client.directory.newAccount]) {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await client.get(url as string, method);
      refused(answer, 405, 'malformed', /POST/);
      assert.equal(answer.headers['allow'], 'POST');
    }
  }
  assert.equal((await client.get(client.directory.newNonce, 'DELETE')).headers['allow'], 'GET, HEAD, POST');
});

test('T-07: the directory by GET, HEAD and POST-as-GET', async () => {
  const got = await client.get(client.directoryUrl);
  assert.equal(got.status, 200);
  const head = await client.get(client.directoryUrl, 'HEAD');
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
  assert.deepEqual((await client.post(client.directoryUrl)).json, got.json);
});

test('T-10: unknown paths are 404, as a problem document', async () => {
  for (const path of ['', '/', '/acme', '/acme/', '/acme/nowhere', '/acme/new-certificate', '/acme/d/nobody/directory', '/acme/d/default/directory', '/acme/directory/', '/acme/%zz', '/acme/account/']) {
    const answer = await client.get(`https://ca.test${path}`);
    if (path.startsWith('/acme')) refused(answer, 404, 'malformed');
    else assert.equal(answer.status, 404);
  }
});

test('T-11, T-12, T-16, T-20: no User-Agent, a Replay-Nonce in the request, a content type on GET, any language: all pass', async () => {
  assert.equal((await client.get(client.directoryUrl, 'GET', {
    'User-Agent': '', 'Replay-Nonce': 'x', 'Content-Type': 'application/jose+json', 'Accept-Language': 'tlh', 'Accept-Encoding': 'gzip',
  })).status, 200);
});

test('T-14, T-15: the index link is on all but the directory, each relation on a line of its own', async () => {
  assert.equal((await client.get(client.directoryUrl)).headers['link'], undefined);
  assert.equal((await client.post(client.account as string)).headers['link'], '<https://ca.test/acme/directory>;rel="index"');
  const { json } = await client.newOrder(['t.internal']);
  const { json: authorization } = await client.post(json.authorizations[0]);
  const path = new URL(authorization.challenges[0].url).pathname;
  const jws = JSON.stringify(await client.prepare(authorization.challenges[0].url, {}));
  const lines = await new Promise<string[]>((resolve, reject) => {
    const sent = request({ port: lab.port, path, method: 'POST', headers: { 'Content-Type': 'application/jose+json' } }, (response) => {
      response.resume();
      resolve(response.rawHeaders.filter((_, i) => response.rawHeaders[i - 1]?.toLowerCase() === 'link'));
    });
    sent.on('error', reject).end(jws);
  });
  assert.deepEqual(lines, ['<https://ca.test/acme/directory>;rel="index"', `<${json.authorizations[0]}>;rel="up"`]);
});

test('T-17, G-14: chunked bodies and Expect: 100-continue are accepted', async () => {
  const { newOrder } = client.directory;
  for (const headers of [{ 'Transfer-Encoding': 'chunked' }, { Expect: '100-continue' }]) {
    const jws = JSON.stringify(await client.prepare(newOrder, order));
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request({ port: lab.port, path: '/acme/new-order', method: 'POST', headers: { 'Content-Type': 'application/jose+json', ...headers } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject);
      if ('Expect' in headers) sent.on('continue', () => sent.end(jws)).flushHeaders();
      else sent.end(jws);
    });
    assert.equal(status, 201);
  }
});

test('T-21: no URL comes from the Host header; former URLs are still understood', async () => {
  const spoofed = await client.get(client.directoryUrl, 'GET', { Host: 'evil.example' });
  assert.doesNotMatch(spoofed.text, /evil/);
  const former = (url: string) => url.replace('https://ca.test', 'https://old.test:8443');
  const account = client.account as string;
  const answer = await client.post(account, '', { header: { url: former(account), kid: former(account) } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['location'], account);
});

test('D-01, D-02, D-03: the directory names what there is, and always has meta', async () => {
  const { json, headers } = await client.get(client.directoryUrl);
  assert.equal(headers['content-type'], 'application/json');
  assert.deepEqual(json, {
    newNonce: 'https://ca.test/acme/new-nonce', newAccount: 'https://ca.test/acme/new-account', newOrder: 'https://ca.test/acme/new-order',
    newAuthz: 'https://ca.test/acme/new-authz', keyChange: 'https://ca.test/acme/key-change',
    revokeCert: 'https://ca.test/acme/revoke-cert',
    renewalInfo: 'https://ca.test/acme/renewal-info',
    meta: { externalAccountRequired: false, website: 'https://ca.test/about', profiles: json.meta.profiles },
  });
  assert.deepEqual(Object.keys(json.meta.profiles), ['server', 'client', 'peer']);
});

test('D-05: accounts and orders of one directory are strangers in another', async () => {
  const key = newKey();
  const here = await lab.client(key);
  const { headers, json } = await here.newOrder(['t.internal']);
  const there = new AcmeClient(lab.send, 'https://ca.test/acme/d/staging/directory', key);
  await there.open();
  assert.equal(there.directory.newOrder, 'https://ca.test/acme/d/staging/new-order');
  assert.equal((await there.newAccount({ onlyReturnExisting: true })).json.type, 'urn:ietf:params:acme:error:accountDoesNotExist');
  there.account = here.account;
  refused(await there.post(there.directory.newOrder, order), 400, 'malformed', /kid/);
  there.account = here.account?.replace('/acme/', '/acme/d/staging/');
  refused(await there.post(there.directory.newOrder, order), 400, 'accountDoesNotExist');
  assert.equal((await there.newAccount()).status, 201);
  for (const url of [headers['location'], json.finalize, json.authorizations[0]]) {
    refused(await there.post((url as string).replace('/acme/', '/acme/d/staging/')), 404, 'malformed');
  }
});

test('E-01, E-03: what is ours is never described, and clients are told to come back', () => {
  const { problem, headers, ours } = toProblem(new Error('secret at /etc/passwd'));
  assert.equal(ours, true);
  assert.equal(problem.status, 500);
  assert.equal(problem.type, 'urn:ietf:params:acme:error:serverInternal');
  assert.doesNotMatch(JSON.stringify(problem), /secret|passwd/);
  assert.deepEqual(headers, { 'Retry-After': '60' });
  const unavailable = Object.assign(new Error('connection refused'), { name: 'DatabaseUnavailable' });
  assert.equal(toProblem(unavailable).problem.status, 503);
});

test('E-01, E-04, O-08: several faults are subproblems, and only there an identifier stands', () => {
  const identifier = { type: 'dns', value: 'a.b' } as const;
  const { problem } = toProblem(several([
    { type: 'rejectedIdentifier', detail: 'no', identifier }, { type: 'malformed', detail: 'bad' },
  ]));
  assert.equal(problem.type, 'urn:ietf:params:acme:error:malformed');
  assert.equal('identifier' in problem, false);
  assert.deepEqual(problem.subproblems?.[0], { type: 'urn:ietf:params:acme:error:rejectedIdentifier', detail: 'no', status: 403, identifier });
  const single = toProblem(several([{ type: 'rejectedIdentifier', detail: 'no', identifier }])).problem;
  assert.equal(single.detail, 'a.b: no');
  assert.equal('subproblems' in single, false);
});

test('E-02: every type has a status', () => {
  for (const [type, status] of Object.entries(PROBLEMS)) assert.ok(status >= 400 && status < 600, type);
});
