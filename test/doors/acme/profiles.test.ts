/** draft-ietf-acme-profiles: what a directory offers, what an order asks for. Rows PR-01 to PR-06, and a Boulder bug. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcmeClient, newKey } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';

const csr = (name: string): string => buildCsr({ ...newKey(), names: [{ type: 'dns', value: name }] }).toString('base64url');

async function ready(client: AcmeClient, profile: string) {
  const { json, headers } = await client.newOrder(['p.internal'], { profile });
  await client.authorize(json, 'http-01', () => {});
  return { order: json, url: headers['location'] as string };
}

/** Takes `profile` from what the default directory offers, as `config apply` would. */
function withdraw(lab: DoorLab, profile: string, everywhere = false): void {
  const directory = lab.generation.directories.get('default');
  assert.ok(directory);
  const profiles = new Map(lab.generation.profiles);
  if (everywhere) profiles.delete(profile);
  const directories = new Map([['default', { ...directory, profiles: directory.profiles.filter((name) => name !== profile) }]]);
  lab.generation = { ...lab.generation, profiles, directories };
}

test('PR-01 each directory lists its own profiles, each with a text for people', async () => {
  await using lab = await openDoorLab({ directories: [{ name: 'clients', profiles: ['client'], defaultProfile: 'client' }] });
  const { meta } = (await lab.client()).directory;
  assert.deepEqual(meta.profiles, { server: 'TLS server', client: 'TLS client', peer: 'TLS server and client' });
  const clients = await AcmeClient.registered(lab.send, 'https://ca.test/acme/d/clients/directory');
  assert.deepEqual(clients.directory.meta.profiles, { client: 'TLS client' });
  assert.equal((await clients.newOrder(['p.internal'])).json.profile, 'client');
  refused(await clients.newOrder(['p.internal'], { profile: 'server' }), 400, 'invalidProfile', /there are: client/);
});

test('PR-02, PR-03 an order says its profile, chosen or by default, and every later look at it says the same', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  for (const [asked, profile] of [[undefined, 'server'], ['', 'server'], ['client', 'client'], ['server', 'server']] as const) {
    const { json, headers } = await client.newOrder(['p.internal'], asked === undefined ? {} : { profile: asked });
    assert.equal(json.profile, profile);
    assert.equal((await client.post(headers['location'] as string)).json.profile, profile);
  }
  for (const profile of ['nope', 'self', 'workload', 'Server', 'toString', 7, {}, ['server']]) refused(await client.newOrder(['p.internal'], { profile }), 400, 'invalidProfile');
});

test('PR-04 a profile that was withdrawn after the order is not issued, and the order can wait for its return', async () => {
  for (const everywhere of [false, true]) {
    await using lab = await openDoorLab();
    const client = await lab.client();
    const { order, url } = await ready(client, 'client');
    const before = lab.generation;
    withdraw(lab, 'client', everywhere);
    refused(await client.post(order.finalize, { csr: csr('p.internal') }), 400, 'invalidProfile');
    assert.equal((await client.post(url)).json.status, 'ready');
    lab.generation = before;
    assert.equal((await client.post(order.finalize, { csr: csr('p.internal') })).json.status, 'valid');
  }
});

test('PR-05, B#8144, B#7967 orders of two profiles do not mix, whatever they have in common', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const [first, second] = [await ready(client, 'client'), await ready(client, 'server')];
  assert.notEqual(first.url, second.url);
  for (const [{ order, url }, profile] of [[first, 'client'], [second, 'server']] as const) {
    assert.equal((await client.post(order.finalize, { csr: csr('p.internal') })).json.profile, profile);
    assert.equal((await client.post(url)).json.profile, profile);
  }
});

test('PR-06 a policy that gives an account nothing under a profile refuses it as that', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const policy = lab.generation.policies.get('private-names');
  assert.ok(policy);
  lab.generation = { ...lab.generation, policies: new Map(lab.generation.policies).set('private-names', { ...policy, profiles: ['server'] }) };
  refused(await client.newOrder(['p.internal'], { profile: 'client' }), 400, 'invalidProfile', /no policy gives this requester/i);
  assert.equal((await client.newOrder(['p.internal'], { profile: 'server' })).status, 201);
});
