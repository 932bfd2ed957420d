/** RFC 9444: an authorization for a domain that stands for all names below it. Rows SD of the conformance list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AcmeClient, newKey, nameOf, type OrderBody } from '../../support/acme-client.ts';
import { openDoorLab } from '../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../support/acme-engines.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';

withPostgres();

const directory = { subdomains: true } as const;
const below = (value: string, ancestorDomain: unknown) => ({ type: 'dns', value, ancestorDomain }) as never;

const finalize = (client: AcmeClient, order: OrderBody) =>
  client.post(order.finalize, { csr: buildCsr({ ...newKey(), names: order.identifiers.map(({ value }) => nameOf(value)) }).toString('base64url') });

test('SD-01: the directory says so exactly when it is so', async () => {
  await using lab = await openDoorLab({ directory });
  assert.equal((await (await lab.client()).open()).directory.meta.subdomainAuthAllowed, true);
  await using off = await openDoorLab();
  assert.equal('subdomainAuthAllowed' in (await (await off.client()).open()).directory.meta, false);
});

onBothEngines('SD-01, SD-03, SD-04: one authorization for the ancestor of several names, by DNS alone, and the certificate for it', async (lab) => {
  const client = await lab.client();
  const { json: order } = await client.newOrder([
    below('a.x.internal', 'x.internal'), below('b.c.x.internal', 'x.internal'), below('*.x.internal', 'x.internal'), 'other.internal',
  ]);
  assert.equal(order.authorizations.length, 2);
  assert.deepEqual(order.identifiers.map(({ value }: { value: string }) => value), ['a.x.internal', 'b.c.x.internal', '*.x.internal', 'other.internal']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  assert.deepEqual(authorization.identifier, { type: 'dns', value: 'x.internal' });
  assert.equal(authorization.subdomainAuthAllowed, true);
  assert.equal(authorization.wildcard, true);
  assert.deepEqual(authorization.challenges.map(({ type }: { type: string }) => type), ['dns-01']);
  assert.equal('subdomainAuthAllowed' in (await client.post(order.authorizations[1])).json, false);
  await client.authorize(order, 'dns-01', () => {});
  assert.deepEqual(lab.validations.map(({ name, subdomains }) => [name.value, subdomains]), [['x.internal', true], ['other.internal', false]]);
  assert.equal((await finalize(client, order)).json.status, 'valid');
}, { directory });

test('SD-01: where it is not allowed, the name itself is to be proven', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { json: order } = await client.newOrder([below('a.x.internal', 'x.internal')]);
  const { json: authorization } = await client.post(order.authorizations[0]);
  assert.deepEqual(authorization.identifier, { type: 'dns', value: 'a.x.internal' });
  assert.equal('subdomainAuthAllowed' in authorization, false);
});

test('SD-02: an ancestor that is none', async () => {
  await using lab = await openDoorLab({ directory });
  const client = await lab.client();
  for (const ancestor of ['a.x.internal', 'y.internal', 'ternal', 'x.internal.', '*.internal', 'a.a.x.internal', '', 7, {}, '10.0.0.1']) {
    refused(await client.newOrder([below('a.x.internal', ancestor)]), 400, 'malformed', /is not a domain above a\.x\.internal/);
  }
  refused(await client.newOrder([{ type: 'ip', value: '10.0.0.1', ancestorDomain: '0.0.1' } as never]), 400, 'malformed', /not a domain above/);
  for (const odd of [{ toString: 1 }, [{ toString: 1 }], 1, true]) refused(await client.newOrder([below('a.b.internal', odd)]), 400, 'malformed', /"ancestorDomain" is not a domain above/);
});

test('SD-03: without a DNS challenge nothing can prove a domain', async () => {
  await using lab = await openDoorLab({ directory: { ...directory, challenges: ['http-01', 'tls-alpn-01'] } });
  const client = await lab.client();
  refused(await client.newOrder([below('a.x.internal', 'x.internal')]), 403, 'rejectedIdentifier', /No challenge/);
});

test('SD-05: policy still decides about each name, and the end of the proof is the end of the order', async () => {
  await using lab = await openDoorLab({ directory });
  const client = await lab.client();
  refused(await client.newOrder([below('a.x.example.com', 'x.example.com')]), 403, 'rejectedIdentifier');
  const { json: order, headers } = await client.newOrder([below('a.x.internal', 'x.internal'), below('b.x.internal', 'x.internal')]);
  await client.authorize(order, 'dns-01', () => {});
  await client.post(order.authorizations[0], { status: 'deactivated' });
  assert.equal((await client.post(headers['location'] as string)).json.status, 'invalid');
});

test('CA-08, SD-05: CAA is asked for the names themselves, not for the domain that was proven', async () => {
  await using lab = await openDoorLab({ directory: { ...directory, caa: 'all', caaIdentities: ['ca.test'] } });
  lab.validate = () => ({ ok: true, evidence: { type: 'dns-01', at: 0, ms: 1, caa: { at: Date.now() } } });
  const client = await lab.client();
  const { json: order } = await client.newOrder([below('a.x.internal', 'x.internal'), below('*.x.internal', 'x.internal')]);
  await client.authorize(order, 'dns-01', () => {});
  assert.equal((await finalize(client, order)).json.status, 'valid');
  assert.deepEqual(lab.caaQuestions.map(({ name, wildcard }) => [name, wildcard]), [['a.x.internal', false], ['x.internal', true]]);
});

onBothEngines('SD-05: a proof for a domain serves later orders for names below it, and one from newAuthz does too', async (lab) => {
  const client = await lab.client();
  const { json: order } = await client.newOrder([below('a.x.internal', 'x.internal')]);
  await client.authorize(order, 'dns-01', () => {});
  const { json: later } = await client.newOrder(['b.x.internal', '*.c.x.internal', 'xx.internal']);
  assert.equal(later.authorizations[0], order.authorizations[0]);
  assert.equal(later.authorizations.length, 2, 'one for both names below it, one for the other');
  const ahead = await client.post(client.directory.newAuthz, { identifier: { type: 'dns', value: 'y.internal', subdomainAuthAllowed: true } });
  assert.equal(ahead.json.subdomainAuthAllowed, true);
  await client.authorize({ ...order, authorizations: [ahead.headers['location'] as string] }, 'dns-01', () => {});
  assert.equal((await client.newOrder(['deep.down.y.internal'])).json.status, 'ready');
  const stranger = await lab.client();
  assert.equal((await stranger.newOrder(['deep.down.y.internal'])).json.status, 'pending');
}, { directory });
