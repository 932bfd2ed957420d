/** dns-account-01 and dns-persist-01 at the door. Rows DA and DP of the conformance list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDoorLab } from '../../support/acme-door.ts';

const directory = { challenges: ['http-01', 'dns-account-01', 'dns-persist-01'], caaIdentities: ['ca.test', 'second.test'] } as const;

test('DP-01: a dns-persist-01 challenge names issuers and account, and has no token', async () => {
  await using lab = await openDoorLab({ directory });
  const client = await lab.client();
  const { json: order } = await client.newOrder(['a.internal']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  const challenge = authorization.challenges.find(({ type }: { type: string }) => type === 'dns-persist-01');
  assert.deepEqual(challenge, {
    type: 'dns-persist-01', url: challenge.url, status: 'pending', accounturi: client.account, 'issuer-domain-names': ['ca.test', 'second.test'],
  });
  const { json: done } = await client.post(challenge.url, {});
  assert.equal(done.status, 'valid');
  assert.deepEqual(lab.validations[0]?.accountUrls, [client.account]);
});

test('DA-02, DA-03, Z-08, B#8504, A2C#wildcard: both drafts prove wildcards, also for the next order, http-01 does not', async () => {
  await using lab = await openDoorLab({ directory });
  const client = await lab.client();
  const { json: order } = await client.newOrder(['*.a.internal']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  assert.deepEqual(authorization.challenges.map(({ type }: { type: string }) => type), ['dns-account-01', 'dns-persist-01']);
  for (const type of ['dns-account-01', 'dns-persist-01']) await client.issue([`*.${type}.internal`], () => {}, { type });
  assert.equal((await client.newOrder(['*.dns-account-01.internal'])).json.status, 'ready');
});

test('IP-02: neither is offered for addresses', async () => {
  await using lab = await openDoorLab({ directory });
  const client = await lab.client();
  const { json: order } = await client.newOrder(['10.0.0.1']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  assert.deepEqual(authorization.challenges.map(({ type }: { type: string }) => type), ['http-01']);
});

test('DA-01, DP-10: the account’s URLs under former external URLs are known to the validator', async () => {
  await using lab = await openDoorLab({ directory: { ...directory, formerUrls: ['https://old.test'] } });
  const client = await lab.client();
  const { json: order } = await client.newOrder(['a.internal']);
  await client.authorize(order, 'dns-account-01', () => {});
  assert.deepEqual(lab.validations[0]?.accountUrls, [client.account, client.account?.replace('https://ca.test', 'https://old.test')]);
});

test('DP-06: a proof by dns-persist-01 serves its order alone; the record is looked at again for the next', async () => {
  await using lab = await openDoorLab({ directory });
  const client = await lab.client();
  for (const [type, status] of [['dns-persist-01', 'pending'], ['dns-account-01', 'ready']] as const) {
    const name = `${type}.internal`;
    const { json: order } = await client.newOrder([name]);
    await client.authorize(order, type, () => {});
    assert.equal((await client.newOrder([name])).json.status, status, type);
  }
});
