/** Several directories on one server: accounts, orders and all that belongs to them are strangers in another. Rows D-05 and 6.8. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AcmeClient, newKey } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';

let lab: DoorLab;
before(async () => {
  lab = await openDoorLab({
    directories: [{
      name: 'eu', profiles: ['client'], defaultProfile: 'client', challenges: ['dns-01'], termsOfService: 'https://ca.test/eu-terms',
      website: 'https://ca.test/eu',
    }],
  });
});
after(() => lab[Symbol.asyncDispose]());

const EU = 'https://ca.test/acme/d/eu';
const moved = (url: string): string => url.replace('https://ca.test/acme', EU);

/** A client whose one key has an account in both directories, and all that it has in the first. */
async function both() {
  const key = newKey();
  const here = await lab.client(key);
  const there = await AcmeClient.registered(lab.send, `${EU}/directory`, key);
  const { order, orderUrl } = await here.issue(['one.internal'], () => {});
  const pending = await here.newOrder(['two.internal']);
  const { json: authorization } = await here.post(pending.json.authorizations[0]);
  const ready = await here.newOrder(['three.internal']);
  await here.authorize(ready.json, 'http-01', () => {});
  return {
    here, there,
    resources: {
      account: here.account as string, orders: (await here.post(here.account as string)).json.orders as string, order: orderUrl, finalize: ready.json.finalize as string, authorization: pending.json.authorizations[0] as string,
      challenge: authorization.challenges[0].url as string, certificate: order.certificate as string,
    },
  };
}

test('D-05: each directory has URLs, profiles, challenges and terms of its own', async () => {
  const client = new AcmeClient(lab.send, `${EU}/directory`);
  await client.open();
  assert.deepEqual(client.directory.meta.profiles, { client: 'TLS client' });
  assert.equal(client.directory.meta.termsOfService, 'https://ca.test/eu-terms');
  assert.equal((await lab.client()).directory.meta.termsOfService, undefined);
  for (const [name, url] of Object.entries(client.directory)) if (name !== 'meta') assert.ok(String(url).startsWith(`${EU}/`), name);
  refused(await client.newAccount(), 403, 'userActionRequired');
  await client.newAccount({ termsOfServiceAgreed: true });
  refused(await client.newOrder(['a.internal'], { profile: 'server' }), 400, 'invalidProfile');
  const { json } = await client.newOrder(['a.internal']);
  assert.equal(json.profile, 'client');
  const { json: authorization } = await client.post(json.authorizations[0]);
  assert.deepEqual(authorization.challenges.map(({ type }: { type: string }) => type), ['dns-01']);
  refused(await client.newOrder([{ type: 'ip', value: '10.0.0.1' }]), 403, 'rejectedIdentifier');
});

test('D-05, 6.8, O#20363: every resource of one directory, asked for at the other, is not there', async () => {
  const { here, there, resources } = await both();
  const csr = buildCsr({ ...newKey(), names: [{ type: 'dns', value: 'three.internal' }] }).toString('base64url');
  const payloads: Record<keyof typeof resources, readonly ('' | object)[]> = {
    account: ['', {}, { status: 'deactivated' }], orders: [''], order: [''], finalize: [{ csr }], authorization: ['', { status: 'deactivated' }],
    challenge: ['', {}], certificate: [''],
  };
  for (const [name, url] of Object.entries(resources) as [keyof typeof resources, string][]) {
    for (const payload of payloads[name]) {
      // The other directory's account, at the other directory's URL: as if it did not exist.
      const stranger = await there.post(moved(url), payload);
      if (name === 'account') refused(stranger, 403, 'unauthorized');
      else refused(stranger, 404, 'malformed');
      // This directory's account at the other's URL, and the other's account here: no such kid.
      refused(await here.post(moved(url), payload), 400, 'malformed', /not the URL of an account here/);
      refused(await there.post(url, payload), 400, 'malformed', /not the URL of an account here/);
      // An id of this directory spelled as the other's kid.
      refused(await here.post(moved(url), payload, { header: { kid: moved(here.account as string) } }), 400, 'accountDoesNotExist');
    }
  }
  for (const [name, url] of Object.entries(resources)) {
    if (name !== 'finalize' && name !== 'challenge') assert.equal((await here.post(url)).status, 200, `${name} is as it was`);
  }
  assert.equal((await here.post(resources.finalize, { csr })).json.status, 'valid');
});

test('D-05: a key known in one directory is new in another, and is deactivated in one alone', async () => {
  const key = newKey();
  const here = await lab.client(key);
  const there = new AcmeClient(lab.send, `${EU}/directory`, key);
  refused(await there.newAccount({ onlyReturnExisting: true }), 400, 'accountDoesNotExist');
  assert.equal((await there.newAccount({ termsOfServiceAgreed: true })).status, 201);
  assert.notEqual(there.account, here.account);
  assert.equal((await there.post(there.account as string, { status: 'deactivated' })).json.status, 'deactivated');
  assert.equal((await here.post(here.account as string)).json.status, 'valid');
});

test('D-05: a request signed for one directory is none for another, whatever its path', async () => {
  const { here, there } = await both();
  for (const [client, other] of [[here, there], [there, here]] as const) {
    const order = { identifiers: [{ type: 'dns', value: 'x.internal' }] };
    const jws = await client.prepare(client.directory.newOrder, order);
    refused(await client.postRaw(other.directory.newOrder, jws), 403, 'unauthorized', /"url"/);
  }
});
