// http-01 over real sockets: acme.md H-01 to H-05, HV-1 to HV-8, C-10, IP-04.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import type { ValidationProblem, ValidationResult } from '../../src/validation/index.ts';
import { type Http01Behaviour, startHttp01Responder } from '../support/http-01-responder.ts';
import { acmeCertificate } from '../support/tls-alpn-01-responder.ts';
import { type Challenge, openLab, told } from './lab.ts';

const lab = await openLab();
const { dns, http } = lab;
after(() => lab[Symbol.asyncDispose]());
beforeEach(() => {
  dns.clear();
  http.behave('*', undefined);
  dns.set('a.test', 'A', '127.0.0.1');
});

const serve = (c: Challenge) => http.set(c.token, c.keyAuthorization);
const serveAnd = (behaviour: Http01Behaviour) => (c: Challenge) => {
  serve(c);
  http.behave(c.token, behaviour);
};

function failed(result: ValidationResult, problem: ValidationProblem, detail: RegExp, transient = false): void {
  assert.ok(!result.ok, 'was proven');
  assert.match(result.detail, detail);
  assert.equal(result.problem, problem);
  assert.equal(result.transient, transient);
  assert.match(result.detail, /^[\x20-\x7e…]{1,600}$/);
}
const proven = (result: ValidationResult) => assert.ok(result.ok, JSON.stringify(result));

test('H-01: GET of the well-known path, with the name in Host, and evidence of it', async () => {
  const result = await lab.prove('http-01', 'a.test', serve);
  proven(result);
  const request = http.requests.at(-1);
  assert.match(request?.path ?? '', /^\/\.well-known\/acme-challenge\/[\w-]{22}$/);
  assert.equal(request?.host, `a.test:${http.port}`);
  assert.equal(result.evidence.address, '127.0.0.1');
  assert.equal(result.evidence.resolver, `127.0.0.1#${dns.port}`);
  assert.equal(result.evidence.status, 200);
  assert.ok(JSON.stringify(result.evidence).length < 600);
});

test('H-04: says who it is, accepts anything, asks for no compression, keeps nothing', async () => {
  await lab.prove('http-01', 'a.test', serve);
  assert.deepEqual(http.requests.at(-1)?.headers, [`Host: a.test:${http.port}`, 'User-Agent: Chancery', 'Accept: */*', 'Connection: close']);
});

test('H-04, HV-7: proxies of the environment are not used', async () => {
  process.env['HTTP_PROXY'] = process.env['http_proxy'] = 'http://127.0.0.1:1';
  try {
    proven(await lab.prove('http-01', 'a.test', serve));
  } finally {
    delete process.env['HTTP_PROXY'];
    delete process.env['http_proxy'];
  }
});

test('H-02: whitespace after the key authorization is ignored, before it is not', async () => {
  proven(await lab.prove('http-01', 'a.test', serveAnd('padded')));
  failed(await lab.prove('http-01', 'a.test', serveAnd('indented')), 'unauthorized', /did not answer with the key authorization/);
});

test('H-02: bodies in chunks, and bodies that end with the connection, are read', async () => {
  proven(await lab.prove('http-01', 'a.test', serveAnd('chunked')));
  proven(await lab.prove('http-01', 'a.test', serveAnd('until-close')));
});

test('H-02, C-10, S#body-limit: any other status, body or length fails as unauthorized', async () => {
  failed(await lab.prove('http-01', 'a.test', serveAnd('not-found')), 'unauthorized', /^http:\/\/a\.test.* at 127\.0\.0\.1 answered with status 404 and not 200\.$/);
  failed(await lab.prove('http-01', 'a.test'), 'unauthorized', /status 404/);
  failed(await lab.prove('http-01', 'a.test', serveAnd('wrong-body')), 'unauthorized', /did not answer with the key authorization/);
  failed(await lab.prove('http-01', 'a.test', serveAnd('huge-body')), 'unauthorized', /did not answer with the key authorization/);
  failed(await lab.prove('http-01', 'a.test', serveAnd('gzip')), 'unauthorized', /did not answer with the key authorization/);
  for (const status of [201, 204, 206, 300, 304, 500]) {
    const raw = `HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`;
    failed(await lab.prove('http-01', 'a.test', serveAnd({ raw })), 'unauthorized', new RegExp(`status ${status}`));
  }
});

test('HV-6: nothing of a body from a private address is told to the client; the record keeps its beginning for the operator', async () => {
  const result = await lab.prove('http-01', 'a.test', serveAnd('wrong-body'));
  assert.doesNotMatch(told(result), /secret/);
  assert.equal(result.evidence.excerpt, 'the internal secret of this host');
});

test('H-05, HV-8, HV-9: what is not HTTP/1.1, too large or cut off fails as connection, at once', async () => {
  const begin = performance.now();
  for (const behaviour of ['http2', 'huge-header', 'reset', { raw: 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx' }, { raw: '' }] as const) {
    failed(await lab.prove('http-01', 'a.test', serveAnd(behaviour)), 'connection', /^Fetching http:\/\/a\.test.* at a\.test \(127\.0\.0\.1\): /);
  }
  assert.ok(performance.now() - begin < 1000);
});

test('HV-9: an answer without end is not read to the end, nor is one that two parsers would read differently taken', async () => {
  failed(await lab.prove('http-01', 'a.test', serveAnd('endless')), 'unauthorized', /did not answer with the key authorization/);
  for (const field of ['Content-Length: 1\r\nContent-Length: 2', 'Transfer-Encoding: gzip, chunked', 'X : y', 'X: y\r\n z', 'X: y\nContent-Length: 1', 'Content-Length: +1']) {
    failed(await lab.prove('http-01', 'a.test', serveAnd({ raw: `HTTP/1.1 200 OK\r\n${field}\r\n\r\nx` })), 'connection', /makes no sense/);
  }
});

test('HV-8: a host that hangs or drips ends at the total deadline', async () => {
  for (const behaviour of ['hang', 'slow-loris'] as const) {
    const begin = performance.now();
    failed(await lab.prove('http-01', 'a.test', serveAnd(behaviour)), 'connection', /no answer within 1 seconds/);
    assert.ok(performance.now() - begin < 1500);
  }
});

test('a refused connection says to which address', async () => {
  dns.set('refused.test', 'A', '127.0.0.3');
  failed(await lab.prove('http-01', 'refused.test'), 'connection', /^Connecting to refused\.test \(127\.0\.0\.3\) port \d+: connection refused$/);
});

test('C-10, H-07: a name that does not exist fails as dns; a resolver that is silent or fails is our side’s', async () => {
  failed(await lab.prove('http-01', 'none.test'), 'dns', /^Looking up addresses for none\.test: the name does not exist/);
  dns.fail('a.test', 'drop');
  failed(await lab.prove('http-01', 'a.test'), 'dns', /did not answer in time/, true);
  dns.fail('a.test', 'servfail');
  failed(await lab.prove('http-01', 'a.test'), 'dns', /SERVFAIL/, true);
});

test('a resolver that outlasts the whole attempt does not make it final', async () => {
  await using slow = await openLab({ totalTimeoutMs: 200, queryTimeoutMs: 5000, lookupTimeoutMs: 5000 });
  slow.dns.fail('*', 'drop');
  failed(await slow.prove('http-01', 'a.test'), 'dns', /did not answer in time/, true);
});

test('stopping the server ends an attempt as transient', async () => {
  const stop = new AbortController();
  const result = lab.prove('http-01', 'a.test', (c) => {
    serveAnd('hang')(c);
    setTimeout(() => stop.abort(), 50);
  }, { signal: stop.signal });
  failed(await result, 'connection', /stopped before it had an answer/, true);
  failed(await lab.prove('http-01', 'a.test', serve, { signal: AbortSignal.abort() }), 'connection', /stopped/, true);
});

test('HV-2: IPv6 first, IPv4 when it cannot be reached', async () => {
  dns.set('both.test', 'A', '127.0.0.1');
  dns.set('both.test', 'AAAA', '::1');
  const result = await lab.prove('http-01', 'both.test', serve);
  proven(result);
  assert.deepEqual(result.evidence.dials?.map(({ address, outcome }) => [address, outcome]), [['::1', 'failed'], ['127.0.0.1', 'connected']]);
});

test('HV-2, IP-04, O#559: what IPv6 answers is the answer', async (t) => {
  const v6 = await startHttp01Responder({ host: '::1', port: http.port }).catch(() => undefined);
  if (v6 === undefined) return t.skip('no IPv6 on this machine');
  try {
    dns.set('both.test', 'A', '127.0.0.1');
    dns.set('both.test', 'AAAA', '::1');
    const connections = http.connections;
    const result = await lab.prove('http-01', 'both.test', serve);
    failed(result, 'unauthorized', /at ::1 answered with status 404/);
    assert.equal(http.connections, connections);
    // IP-04, GH-559: an IPv6 literal stands in brackets in Host.
    proven(await lab.prove('http-01', '::1', (c) => v6.set(c.token, c.keyAuthorization)));
    assert.equal(v6.requests.at(-1)?.host, `[::1]:${http.port}`);
  } finally {
    await v6.close();
  }
});

test('IP-04: an IP identifier is dialled as it is, without DNS, and stands in Host', async () => {
  const result = await lab.prove('http-01', '127.0.0.1', serve);
  proven(result);
  assert.equal(http.requests.at(-1)?.host, `127.0.0.1:${http.port}`);
  assert.deepEqual(dns.questions, []);
  assert.equal(result.evidence.resolver, undefined);
});

test('*.localhost is loopback, without DNS', async () => {
  proven(await lab.prove('http-01', 'shop.localhost', serve));
  assert.deepEqual(dns.questions, []);
});

test('HV-1: a name is resolved once, and what came is dialled (no rebinding between check and dial)', async () => {
  await lab.prove('http-01', 'a.test', serve);
  assert.deepEqual(dns.questions.toSorted(), ['udp A a.test', 'udp AAAA a.test']);
});

test('H-03: redirects are followed, each status, to other names and schemes', async () => {
  dns.set('b.test', 'A', '127.0.0.1');
  for (const status of [301, 302, 303, 307, 308]) {
    const result = await lab.prove('http-01', 'a.test', (c) => {
      http.set(`target-${status}`, c.keyAuthorization);
      http.behave(c.token, { redirect: `http://b.test:${http.port}/.well-known/acme-challenge/target-${status}`, status });
    });
    proven(result);
    assert.equal(http.requests.at(-1)?.host, `b.test:${http.port}`);
    assert.deepEqual(result.evidence.redirects, [`http://b.test:${http.port}/.well-known/acme-challenge/target-${status}`]);
  }
});

test('H-03: a redirect without a Location is an answer with the wrong status', async () => {
  failed(await lab.prove('http-01', 'a.test', serveAnd({ raw: 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n' })), 'unauthorized', /status 302/);
});

test('H-03, HV-5: an https hop is not verified, but must be TLS 1.2', async () => {
  const certificate = acmeCertificate('wrong.test', 'x');
  const https = await startHttp01Responder({ tls: certificate });
  const old = await startHttp01Responder({ tls: { ...certificate, maxVersion: 'TLSv1.1' } });
  await using secure = await openLab({ redirectPorts: [https.port, old.port] });
  try {
    secure.dns.set('a.test', 'A', '127.0.0.1');
    const to = (port: number) => (c: Challenge) => {
      https.set('t', c.keyAuthorization);
      secure.http.behave(c.token, { redirect: `https://a.test:${port}/.well-known/acme-challenge/t` });
    };
    proven(await secure.prove('http-01', 'a.test', to(https.port)));
    failed(await secure.prove('http-01', 'a.test', to(old.port)), 'tls', /^TLS with a\.test \(127\.0\.0\.1\): /);
  } finally {
    await https.close();
    await old.close();
  }
});

test('H-03: circles and more than ten redirects end', async () => {
  const path = (token: string) => `http://a.test:${http.port}/.well-known/acme-challenge/${token}`;
  failed(await lab.prove('http-01', 'a.test', (c) => http.behave(c.token, { redirect: path(c.token) })), 'connection', /circle/);
  const chain = (length: number) => (c: Challenge) => {
    for (let i = 0; i < length; i++) http.behave(`hop${i}`, { redirect: path(i + 1 === length ? c.token : `hop${i + 1}`) });
    http.set('end', c.keyAuthorization);
    http.behave(c.token, { redirect: path('end') });
  };
  const from = (first: string) => ({ token: first });
  proven(await lab.prove('http-01', 'a.test', chain(9), from('hop0')));
  failed(await lab.prove('http-01', 'a.test', chain(10), from('hop0')), 'connection', /more than 10 redirects/);
});

test('a wildcard is not proven by http-01', async () => {
  failed(await lab.prove('http-01', '*.a.test', serve), 'unauthorized', /cannot prove control/);
  failed(await lab.prove('http-01', 'a.test', serve, { wildcard: true }), 'unauthorized', /cannot prove control/);
});

test('I-05: a token that could be anything else than a token is our own mistake and is not sent', async () => {
  failed(await lab.prove('http-01', 'a.test', undefined, { token: 'x HTTP/1.1\r\nHost: b' }), 'connection', /This server failed/, true);
});
