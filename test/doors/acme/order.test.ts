/** RFC 8555 §7.4: orders. Rows O of the conformance list. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { AcmeClient } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

let lab: DoorLab;
let client: AcmeClient;
before(async () => {
  lab = await openDoorLab();
  client = await lab.client();
});
after(() => lab[Symbol.asyncDispose]());

const dns = (value: unknown) => ({ type: 'dns', value });
const orderFor = (...identifiers: unknown[]) => client.post(client.directory.newOrder, { identifiers });

test('O-01, O-21: an order is 201 with its URL, and says what it is; it has no certificate', async () => {
  const { status, json, headers } = await client.newOrder(['a.internal', '10.0.0.1']);
  assert.equal(status, 201);
  assert.match(headers['location'] ?? '', /^https:\/\/ca\.test\/acme\/order\/[0-9a-f]{36}$/);
  assert.deepEqual(json, {
    status: 'pending', expires: json.expires, identifiers: [dns('a.internal'), { type: 'ip', value: '10.0.0.1' }], profile: 'server',
    authorizations: json.authorizations, finalize: `${headers['location']}/finalize`,
  });
  assert.match(json.expires, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(json.authorizations.length, 2);
  const read = await client.post(headers['location'] as string);
  assert.equal(read.status, 200);
  assert.deepEqual(read.json, json);
  assert.equal(read.headers['location'], headers['location']);
});

test('O-02: identifiers are an array of type and value', async () => {
  const { newOrder } = client.directory;
  for (const payload of [{}, { identifiers: [] }, { identifiers: {} }, { identifiers: null }, { identifiers: 'a.internal' }]) {
    refused(await client.post(newOrder, payload), 400, 'malformed', /identifiers/);
  }
  for (const identifier of [{}, { type: 'dns' }, { value: 'a.internal' }, dns(7), null, 'a.internal', []]) refused(await orderFor(identifier), 400, 'malformed');
  refused(await client.post(newOrder), 400, 'malformed', /object/);
});

test('O-03, Q-07: types that we do not know, names that policy refuses', async () => {
  for (const type of ['email', 'permanent-identifier', 'DNS', '', '__proto__', 'toString']) {
    refused(await orderFor({ type, value: 'a.internal' }), 400, 'unsupportedIdentifier');
  }
  refused(await orderFor(dns('example.com')), 403, 'rejectedIdentifier', /^example\.com is not allowed by policy/);
  refused(await orderFor({ type: 'ip', value: '8.8.8.8' }), 403, 'rejectedIdentifier', /8\.8\.8\.8/);
});

test('O-04: upper case is lowered', async () => {
  assert.deepEqual((await orderFor(dns('WWW.Example.INTERNAL'))).json.identifiers, [dns('www.example.internal')]);
});

test('O-05, S#empty-label: what is no DNS name is refused before anybody looks it up', async () => {
  for (const value of [
    '', '.', 'a.internal.', '.internal', 'a..internal', '-a.internal', 'a-.internal', 'a_b.internal', 'a b.internal', 'a.internal:80', 'x@a.internal',
    'https://a.internal', '127.0.0.1', '0x7f.1', '2130706433', '[::1]', '::1', 'a.*.internal', '*.*.internal', '*a.internal', '*', '*.', 'a*.internal',
    'xn--a.internal', 'ab--cd.internal', 'ä.internal', 'a\u0000.internal', `${'a'.repeat(64)}.internal`, `${'a.'.repeat(130)}internal`, '😀.internal', 'a\n.internal',
  ]) refused(await orderFor(dns(value)), 400, 'malformed');
  for (const value of ['localhost', 'xn--mnchen-3ya.internal', `${'a'.repeat(63)}.internal`, '1.internal']) {
    assert.equal((await orderFor(dns(value))).status, 201, value);
  }
});

test('IP-01: addresses only in their canonical form', async () => {
  for (const value of ['::FFFF:10.0.0.1', 'FD00::1', 'fe80::1%eth0', '010.0.0.1', '10.0.0.0/8', '[fd00::1]', '10.0.0', 'fd00:0::1', 'a.internal']) {
    refused(await orderFor({ type: 'ip', value }), 400, 'malformed');
  }
  assert.equal((await orderFor({ type: 'ip', value: 'fd00::1' })).status, 201);
});

test('O-06: repeated names collapse', async () => {
  const { json } = await orderFor(dns('a.internal'), dns('A.internal'), dns('a.internal'), dns('b.internal'));
  assert.deepEqual(json.identifiers, [dns('a.internal'), dns('b.internal')]);
  assert.equal(json.authorizations.length, 2);
});

test('O-07, Z-06, Z-07, ER-2, S#wildcard-and-apex: a wildcard, its base and a name below it stand beside each other', async () => {
  const { json, status } = await orderFor(dns('*.w.internal'), dns('w.internal'), dns('x.w.internal'));
  assert.equal(status, 201);
  assert.deepEqual(json.identifiers.map(({ value }: { value: string }) => value), ['*.w.internal', 'w.internal', 'x.w.internal']);
  assert.equal(json.authorizations.length, 3);
  const [wild, base] = await Promise.all(json.authorizations.slice(0, 2).map((url: string) => client.post(url)));
  assert.deepEqual(wild.json.identifier, dns('w.internal'));
  assert.equal(wild.json.wildcard, true);
  assert.deepEqual(wild.json.challenges.map(({ type }: { type: string }) => type), ['dns-01']);
  assert.equal('wildcard' in base.json, false);
});

test('O-08, ER-6: several faults are told at once, each with its identifier', async () => {
  const answer = await orderFor(dns('a.example.com'), dns('good.internal'), dns('b.example.com'));
  refused(answer, 403, 'rejectedIdentifier');
  assert.deepEqual(answer.json.subproblems.map(({ identifier }: { identifier: unknown }) => identifier), [dns('a.example.com'), dns('b.example.com')]);
  for (const { type } of answer.json.subproblems) assert.equal(type, 'urn:ietf:params:acme:error:rejectedIdentifier');
  const mixed = await orderFor(dns('a_b'), { type: 'email', value: 'x' });
  refused(mixed, 400, 'malformed');
  assert.equal(mixed.json.subproblems.length, 2);
});

test('O-09: a hundred names, and no more', async () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => dns(`h${i}.internal`));
  refused(await orderFor(...names(101)), 400, 'malformed', /Order cannot contain more than 100 identifiers/);
  const { status, json, headers } = await orderFor(...names(100));
  assert.equal(status, 201);
  const read = await client.post(headers['location'] as string);
  assert.deepEqual(read.json.authorizations, json.authorizations);
});

test('O-10, G-14, S#zero-times: validity that was asked for is granted or refused, never ignored', async () => {
  const { newOrder } = client.directory;
  const ask = (more: object) => client.post(newOrder, { identifiers: [dns('v.internal')], ...more });
  const later = (ms: number) => new Date(Date.now() + ms).toISOString();
  for (const more of [
    { notAfter: 'tomorrow' }, { notAfter: 7 }, { notBefore: '2026-02-30T00:00:00Z' }, { notAfter: later(-1000) },
    { notBefore: later(7_200_000), notAfter: later(3_600_000) }, { notAfter: later(400 * 86_400_000) },
  ]) refused(await ask(more), 400, 'malformed');
  for (const more of [{ notBefore: '0001-01-01T00:00:00Z', notAfter: '0001-01-01T00:00:00Z' }, { notBefore: '', notAfter: null }, {}]) {
    const { status, json } = await ask(more);
    assert.equal(status, 201);
    assert.equal('notBefore' in json || 'notAfter' in json, false);
  }
});

test('O-11: what is granted is echoed, and stands in the certificate', async () => {
  const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_600_000).toISOString().replace('.000', '.789');
  const { order, pem } = await client.issue(['v.internal'], () => {}, { order: { notAfter } });
  const granted = (order as unknown as { notAfter: string }).notAfter;
  assert.equal(granted, `${notAfter.slice(0, 19)}Z`);
  assert.equal(new Date(new X509Certificate(pem).validTo).getTime(), Date.parse(granted));
});

test('O-11, B#8319: fractions of a second are cut from notBefore, in the order as in the certificate', async () => {
  const notBefore = `${new Date(Date.now() - 60_000).toISOString().slice(0, 19)}.789Z`;
  const { order, pem } = await client.issue(['v.internal'], () => {}, { order: { notBefore } });
  const granted = (order as unknown as { notBefore: string }).notBefore;
  assert.equal(granted, `${notBefore.slice(0, 19)}Z`);
  assert.equal(Date.parse(new X509Certificate(pem).validFrom), Date.parse(granted));
});

test('O-12: profiles are those that the directory lists', async () => {
  const { newOrder } = client.directory;
  const ask = (profile: unknown) => client.post(newOrder, { identifiers: [dns('p.internal')], profile });
  for (const profile of ['nope', 'workload', 'self', '__proto__', 7, {}]) refused(await ask(profile), 400, 'invalidProfile', /server, client, peer/);
  assert.equal((await ask('client')).json.profile, 'client');
  assert.equal((await ask('')).json.profile, 'server');
});

test('O-18, O-19: an order that expired is invalid; it expires no later than its authorizations', async () => {
  const directory = lab.generation.directories.get('default');
  assert.ok(directory);
  const limits = { ...directory.limits, orderLifetimeMs: 7_200_000, pendingAuthorizationLifetimeMs: 3_600_000 };
  await using other = await openDoorLab({ directory: { limits } });
  const mine = await other.client();
  const { json, headers } = await mine.newOrder(['e.internal']);
  const authorization = await mine.post(json.authorizations[0]);
  assert.ok(Date.parse(json.expires) <= Date.parse(authorization.json.expires));
  other.skewMs += 3_601_000;
  const late = await mine.post(headers['location'] as string);
  assert.equal(late.json.status, 'invalid');
  assert.ok(late.json.error);
  assert.equal((await mine.post(json.authorizations[0])).json.status, 'expired');
  refused(await mine.post(authorization.json.challenges[0].url, {}), 400, 'malformed', /expired/);
});

test('S-07, 6.8: what belongs to another account is as if it did not exist', async () => {
  const { order, orderUrl } = await client.issue(['mine.internal'], () => {});
  const stranger = await lab.client();
  const { json: authorization } = await client.post(order.authorizations[0] as string);
  for (const url of [orderUrl, order.finalize, order.authorizations[0], authorization.challenges[0].url, order.certificate]) {
    for (const payload of ['', {}, { status: 'deactivated' }] as const) {
      const foreign = await stranger.post(url as string, payload);
      refused(foreign, 404, 'malformed', /^No such/);
      const missing = await stranger.post((url as string).replace(/[0-9a-f]{8}(?=\/|$)/, '00000000'), payload);
      assert.equal(missing.status, 404);
    }
  }
  assert.equal((await client.post(orderUrl)).json.status, 'valid');
});
