/** RFC 8555 §7.1.3, §7.4.1: proofs that count for later orders, and authorizations ahead of any. Rows O-13 to O-17 and Z-01 to Z-04. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Directory } from '../../../src/config/generation.ts';
import type { AcmeClient, OrderBody } from '../../support/acme-client.ts';
import { type DoorLab, failure, openDoorLab, SUCCESS } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

const HOUR = 3_600_000;
let lab: DoorLab;
let client: AcmeClient;
before(async () => {
  lab = await openDoorLab({ directories: [{ name: 'other' }] });
});
after(() => lab[Symbol.asyncDispose]());

const order = async (names: readonly string[], by = client): Promise<OrderBody & { url: string }> => {
  const answer = await by.newOrder(names);
  assert.equal(answer.status, 201, answer.text);
  return { ...answer.json, url: answer.headers['location'] };
};

async function proven(names: readonly string[], type = 'http-01'): Promise<OrderBody> {
  client = await lab.client();
  const first = await order(names);
  await client.authorize(first, type, () => {});
  return first;
}

test('O-13, O-14, O-17, B#8514: names that were proven need no second proof; the order lists them all and is ready at once', async () => {
  const first = await proven(['a.internal', 'b.internal', '10.1.2.3']);
  const validations = lab.validations.length;
  const second = await order(['10.1.2.3', 'b.internal', 'new.internal', 'a.internal']);
  assert.equal(second.status, 'pending');
  const [a, b, ip] = first.authorizations;
  assert.deepEqual([second.authorizations[0], second.authorizations[1], second.authorizations[3]], [ip, b, a]);
  assert.equal(first.authorizations.includes(second.authorizations[2] as string), false);
  const third = await order(['a.internal', 'b.internal']);
  assert.equal(third.status, 'ready');
  const { pem } = await client.issue(['a.internal', '10.1.2.3'], () => {});
  assert.match(pem, /BEGIN CERTIFICATE/);
  assert.equal(lab.validations.length, validations);
});

test('O-16, R9: the same order again is another order, also 20 times at once', async () => {
  const first = await proven(['r9.internal']);
  const orders = await Promise.all(Array.from({ length: 20 }, () => order(['r9.internal'])));
  assert.equal(new Set(orders.map(({ url }) => url)).size, 20);
  for (const { status, authorizations } of orders) assert.deepEqual([status, authorizations], ['ready', first.authorizations]);
  const pending = await Promise.all(Array.from({ length: 20 }, () => order(['r9b.internal'])));
  assert.equal(new Set(pending.flatMap(({ authorizations }) => authorizations)).size, 20, 'a pending authorization was shared');
});

test('O-17, B#order-reuse: what is pending, invalid or deactivated is not used again, nor is an older proof then', async () => {
  client = await lab.client();
  const first = await order(['p.internal']);
  assert.notDeepEqual((await order(['p.internal'])).authorizations, first.authorizations);
  lab.validate = () => failure('unauthorized', 'no');
  const { json } = await client.post(first.authorizations[0] as string);
  assert.equal((await client.post(json.challenges[0].url, {})).json.status, 'invalid');
  lab.validate = () => SUCCESS;
  const second = await order(['p.internal']);
  assert.equal(second.status, 'pending');
  const third = await order(['p.internal']);
  for (const each of [second, third]) await client.authorize(each, 'http-01', () => {});
  const [last] = (await order(['p.internal'])).authorizations as [string];
  assert.ok([...second.authorizations, ...third.authorizations].includes(last));
  assert.equal((await client.post(last, { status: 'deactivated' })).json.status, 'deactivated');
  assert.equal((await order(['p.internal'])).status, 'pending');
});

test('O-17: a wildcard and its base are proven apart, and a wildcard by DNS alone', async () => {
  const first = await proven(['*.w.internal'], 'dns-01');
  assert.equal((await order(['w.internal'])).status, 'pending');
  assert.deepEqual((await order(['*.w.internal'])).authorizations, first.authorizations);
  await proven(['v.internal']);
  assert.equal((await order(['*.v.internal'])).status, 'pending');
});

test('O-17: a proof by a challenge that is not offered any more does not count', async () => {
  await proven(['c.internal']);
  const given = lab.generation;
  const directory = { ...(given.directories.get('default') as Directory), challenges: ['dns-01' as const] };
  lab.generation = { ...given, directories: new Map([['default', directory]]) };
  try {
    assert.equal((await order(['c.internal'])).status, 'pending');
  } finally {
    lab.generation = given;
  }
  assert.equal((await order(['c.internal'])).status, 'ready');
});

test('O-17, D-05: nobody uses the proof of another account, or of another directory', async () => {
  await proven(['x.internal']);
  const stranger = await lab.client();
  assert.equal((await order(['x.internal'], stranger)).status, 'pending');
  const there = await lab.client(client.key);
  Object.assign(there, { directory: undefined, directoryUrl: lab.directoryUrl.replace('/acme/', '/acme/d/other/') });
  await there.newAccount();
  assert.equal((await order(['x.internal'], there)).status, 'pending');
});

test('O-17, O-19, B#expired: a proof is used again for as long as the directory says; the order ends with it', async () => {
  const first = await proven(['t.internal']);
  const { json: authorization } = await client.post(first.authorizations[0] as string);
  lab.skewMs += 22 * HOUR;
  client.forgetNonces();
  const late = await order(['t.internal']);
  assert.equal(late.status, 'ready');
  assert.ok(Date.parse(late.expires) <= Date.parse(authorization.expires));
  lab.skewMs += 1.5 * HOUR;
  client.forgetNonces();
  assert.equal((await order(['t.internal'])).status, 'pending', 'a proof with half an hour left');
  const given = lab.generation;
  await proven(['u.internal']);
  for (const [validAuthorizationLifetimeMs, status] of [[0, 'pending'], [HOUR / 6, 'ready']] as const) {
    const directory = given.directories.get('default') as Directory;
    lab.generation = { ...given, directories: new Map([['default', { ...directory, limits: { ...directory.limits, validAuthorizationLifetimeMs } }]]) };
    assert.equal((await order(['u.internal'])).status, status);
  }
  lab.generation = given;
});

test('Z-01: a name is authorized ahead of its order, which is then ready at once', async () => {
  client = await lab.client();
  const { newAuthz } = client.directory;
  const answer = await client.post(newAuthz, { identifier: { type: 'dns', value: 'Z.internal' } });
  assert.equal(answer.status, 201, answer.text);
  assert.deepEqual(answer.json.identifier, { type: 'dns', value: 'z.internal' });
  assert.equal(answer.json.status, 'pending');
  assert.equal('wildcard' in answer.json, false);
  const url = answer.headers['location'] as string;
  assert.deepEqual((await client.post(url)).json, answer.json);
  assert.equal((await client.post(answer.json.challenges[0].url, {})).json.status, 'valid');
  const ready = await order(['z.internal']);
  assert.deepEqual([ready.status, ready.authorizations], ['ready', [url]]);
  const again = await client.post(newAuthz, { identifier: { type: 'dns', value: 'z.internal' } });
  assert.equal(again.status, 201);
  assert.notEqual(again.headers['location'], url);
  assert.equal((await client.post(newAuthz, { identifier: { type: 'ip', value: '10.0.0.9' } })).status, 201);
});

test('Z-02, Z-03, Z-04: what cannot be authorized ahead', async () => {
  client = await lab.client();
  const ask = (identifier: unknown) => client.post(client.directory.newAuthz, { identifier });
  refused(await ask({ type: 'dns', value: '*.z.internal' }), 400, 'malformed', /wildcard/);
  refused(await ask({ type: 'dns', value: 'example.com' }), 403, 'rejectedIdentifier', /example\.com/);
  refused(await ask({ type: 'email', value: 'x' }), 400, 'unsupportedIdentifier');
  for (const identifier of [undefined, null, 'z.internal', [], {}, { type: 'dns', value: 'a_b' }]) refused(await ask(identifier), 400, 'malformed');
  refused(await client.post(client.directory.newAuthz), 400, 'malformed');
  refused(await client.get(client.directory.newAuthz), 405, 'malformed');
});

test('SD-01, O-17: a domain that was authorized with all below it is proof for each name below it, wildcards too', async () => {
  await using below = await openDoorLab({ directory: { subdomains: true } });
  const mine = await below.client();
  const { json } = await mine.post(mine.directory.newAuthz, { identifier: { type: 'dns', value: 'zone.internal', subdomainAuthAllowed: true } });
  assert.equal(json.subdomainAuthAllowed, true);
  assert.deepEqual([...new Set(json.challenges.map(({ type }: { type: string }) => type.slice(0, 4)))], ['dns-']);
  assert.equal((await mine.post(json.challenges.find(({ type }: { type: string }) => type === 'dns-01').url, {})).json.status, 'valid');
  const ordered = await mine.newOrder(['a.zone.internal', '*.b.zone.internal', 'zone.internal']);
  assert.equal(ordered.json.status, 'ready', ordered.text);
  assert.equal(ordered.json.authorizations.length, 1);
  assert.match((await mine.issue(['a.zone.internal', '*.b.zone.internal'], () => {}, { type: 'dns-01' })).pem, /BEGIN CERTIFICATE/);
  assert.equal((await mine.newOrder(['otherzone.internal'])).json.status, 'pending');
});
