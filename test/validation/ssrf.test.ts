// Nobody makes this server reach what the operator did not allow: acme.md I-03, SF-1 to SF-5, IP-08.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { after, beforeEach, test } from 'node:test';
import type { ValidationResult } from '../../src/validation/index.ts';
import { ownEndpoints } from '../../src/dial/own-endpoints.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { openLab, told } from './lab.ts';

// As in production: no loopback. The responders stand there all the same, and must see nobody.
const lab = await openLab({ loopback: false });
const { dns, http, tls } = lab;
after(() => lab[Symbol.asyncDispose]());
beforeEach(() => {
  dns.clear();
  http.behave('*', undefined);
});

const EXCLUDED = 'The target is not an address that this server may connect to.';

function excluded(result: ValidationResult): void {
  assert.ok(!result.ok, 'was proven');
  assert.equal(result.detail, EXCLUDED);
  assert.equal(result.problem, 'connection');
  assert.equal(result.transient, false);
  assert.equal(http.connections, 0);
  assert.equal(tls.hellos.length, 0);
}

for (const type of ['http-01', 'tls-alpn-01'] as const) {
  test(`I-03, ${type}: loopback names are excluded unless configured`, async () => {
    for (const name of ['localhost', 'localhost.', 'a.localhost', 'LOCALHOST']) excluded(await lab.prove(type, name));
  });

  test(`I-03, ${type}: addresses as dns identifiers, in whatever spelling, are no names`, async () => {
    for (const value of ['127.0.0.1', '169.254.169.254', '0x7f.1', '0x7f000001', '2130706433', '127.1', '[::1]', '::1', 'a.test:22', 'user@a.test', 'a.test/', 'a.test#']) {
      const result = await lab.prove(type, 'x', undefined, { name: { type: 'dns', value } });
      assert.ok(!result.ok);
      assert.match(result.detail, /cannot prove control of this name/, value);
    }
    assert.deepEqual(dns.questions, []);
  });

  test(`I-03, IP-08, ${type}: the same rules for literal IP identifiers`, async () => {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '0.0.0.0', '::', '169.254.169.254', 'fe80::1', '64:ff9b::7f00:1', '2002:7f00:1::', 'fd00:ec2::254', '100.100.100.200', '8.8.8.8']) {
      excluded(await lab.prove(type, address));
    }
  });

  test(`SF-1, SF-2, O#3249, ${type}: a name that leads to an excluded address`, async () => {
    for (const address of ['127.0.0.1', '169.254.169.254', '0.0.0.0', '255.255.255.255', '8.8.8.8']) {
      dns.set('evil.test', 'A', address);
      excluded(await lab.prove(type, 'evil.test'));
    }
    dns.clear();
    for (const address of ['::1', '::ffff:127.0.0.1', 'fe80::1', '64:ff9b::a9fe:a9fe']) {
      dns.set('evil.test', 'AAAA', address);
      excluded(await lab.prove(type, 'evil.test'));
    }
    dns.clear();
    dns.set('evil.test', 'CNAME', 'localhost');
    dns.fail('evil.test', 'not-followed');
    excluded(await lab.prove(type, 'evil.test'));
  });
}

test('SF-4: an open and a closed port behind an excluded address look the same', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  closed.close();
  const open = await lab.prove('http-01', '127.0.0.1');
  const shut = await lab.prove('http-01', '127.0.0.9');
  assert.ok(!open.ok && !shut.ok);
  assert.equal(open.detail, shut.detail);
});

test('SF-2: of several addresses only those that are allowed are dialled', async () => {
  await using mixed = await openLab({ deny: ['::1/128', '127.0.0.2/32'] });
  mixed.dns.set('a.test', 'AAAA', '::1');
  mixed.dns.set('a.test', 'A', '127.0.0.2', '127.0.0.1');
  const result = await mixed.prove('http-01', 'a.test', (c) => mixed.http.set(c.token, c.keyAuthorization));
  assert.ok(result.ok);
  assert.equal(result.evidence.address, '127.0.0.1');
  assert.equal(result.evidence.dials, undefined);
});

test('I-03, SF-2, Q-03, P#294: every redirect is checked like the first target, and reaches nothing', async () => {
  await using inner = await openLab({ deny: ['127.0.0.2/32'], redirectPorts: [80, 443] });
  const internal = await startHttp01Responder({ host: '127.0.0.2', port: inner.http.port });
  try {
    inner.dns.set('a.test', 'A', '127.0.0.1');
    inner.dns.set('internal.test', 'A', '127.0.0.2');
    const redirected = (location: string) => inner.prove('http-01', 'a.test', (c) => inner.http.behave(c.token, { redirect: location }));
    for (const location of ['http://127.0.0.2/', 'http://internal.test/', 'http://169.254.169.254/latest/meta-data/', 'http://[::ffff:127.0.0.2]/', 'https://internal.test/']) {
      const result = await redirected(location);
      assert.ok(!result.ok);
      assert.equal(result.detail, EXCLUDED, location);
    }
    for (const location of [
      'http://127.0.0.1:8200/', `http://internal.test:${internal.port}/`, 'gopher://internal.test/', 'file:///etc/passwd', 'http://a.test:22/',
      'http://0x7f.2/', 'http://2130706434/', 'http://a@internal.test/', 'http://a.test\\@internal.test/',
    ]) {
      const result = await redirected(location);
      assert.ok(!result.ok);
      assert.match(result.detail, /is not followed/, location);
      assert.equal(result.problem, 'connection');
    }
    assert.equal(internal.connections, 0);
  } finally {
    await internal.close();
  }
});

test('SF-1: the server’s own listeners and database are not dialled, whatever is allowed', async () => {
  const own = await startHttp01Responder();
  await using inner = await openLab({ redirectPorts: [own.port], own: [{ host: '0.0.0.0', port: own.port }, { host: '10.1.2.3', port: 80 }] });
  try {
    inner.dns.set('a.test', 'A', '127.0.0.1');
    for (const host of ['127.0.0.1', 'a.test', '[::1]', '[::ffff:127.0.0.1]']) {
      const result = await inner.prove('http-01', 'a.test', (c) => inner.http.behave(c.token, { redirect: `http://${host}:${own.port}/` }));
      assert.ok(!result.ok);
      assert.equal(result.detail, EXCLUDED, host);
    }
    assert.equal(own.connections, 0);
  } finally {
    await own.close();
  }
});

test('SF-1: which endpoints are one’s own', () => {
  const isOwn = ownEndpoints(
    [{ host: '0.0.0.0', port: 1 }, { host: 'localhost', port: 2 }, { host: '10.0.0.5', port: 3 }, { host: '::', port: 4 }, { host: 'db.internal', port: 5 }],
    () => ['192.168.1.9', 'fd00::9'],
  );
  for (const [address, port] of [['127.0.0.1', 1], ['127.9.9.9', 1], ['192.168.1.9', 1], ['::ffff:192.168.1.9', 1], ['fd00::9', 4], ['::1', 2], ['10.0.0.5', 3], ['::ffff:a00:5', 3]] as const) {
    assert.ok(isOwn(address, port), `${address} ${port}`);
  }
  for (const [address, port] of [['192.168.1.10', 1], ['127.0.0.1', 3], ['192.168.1.9', 2], ['10.0.0.5', 80], ['10.0.0.5', 5]] as const) {
    assert.equal(isOwn(address, port), false, `${address} ${port}`);
  }
});

test('I-03: nothing that was fetched is repeated, redirected or not', async () => {
  await using inner = await openLab();
  inner.dns.set('a.test', 'A', '127.0.0.1');
  inner.http.behave('secret', 'wrong-body');
  for (const redirect of [`http://a.test:${inner.http.port}/.well-known/acme-challenge/secret`, '/.well-known/acme-challenge/secret']) {
    const result = await inner.prove('http-01', 'a.test', (c) => inner.http.behave(c.token, { redirect }));
    assert.ok(!result.ok);
    assert.doesNotMatch(told(result), /internal secret/);
  }
});

test('HV-1, SF-3, I-03: a name that answers differently the second time is judged the second time', async () => {
  await using inner = await openLab({ deny: ['127.0.0.2/32'] });
  inner.dns.set('rebind.test', 'A', '127.0.0.1');
  const result = await inner.prove('http-01', 'rebind.test', (c) => {
    inner.http.behave(c.token, 'slow-loris');
    setImmediate(function flip() {
      if (inner.http.connections === 0) return void setImmediate(flip);
      inner.dns.set('rebind.test', 'A', '127.0.0.2');
      inner.http.behave(c.token, undefined);
    });
  });
  assert.ok(!result.ok);
  inner.http.behave('*', { redirect: `http://rebind.test:${inner.http.port}/again` });
  const second = await inner.prove('http-01', 'rebind.test');
  assert.ok(!second.ok);
  assert.equal(second.detail, EXCLUDED);
});
