/** Two fronts on one PostgreSQL are one server: whatever a client does at one of them holds at the other, at once. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { AcmeClient, type Answer, newKey, type OrderBody, type Transport } from '../support/acme-client.ts';
import { buildCsr } from '../support/csr.ts';
import { count, type Fleet, FRONTS, openFleet } from '../support/fleet.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { until } from '../support/processes.ts';

const A = 0;
const B = 1;

let fleet: Fleet;
/** Each request goes to the front that `turn` names: all to one, or alternating. */
let turn: () => number = () => A;
let send: Transport & Disposable;
before(async () => {
  fleet = await openFleet();
  send = transportTo(fleet.world, () => turn());
});
after(async () => {
  send?.[Symbol.dispose]();
  await fleet?.[Symbol.asyncDispose]();
});

const alternating = (): (() => number) => {
  let requests = 0;
  return () => requests++ % FRONTS;
};
const prove = ({ token, keyAuthorization }: { token: string; keyAuthorization: string }): void => fleet.responder.set(token, keyAuthorization);
const csrFor = (name: string): string => buildCsr({ ...newKey(), names: [{ type: 'dns', value: name }] }).toString('base64url');
const typeOf = ({ json }: Answer): string => String(json.type).replace('urn:ietf:params:acme:error:', '');
const tally = (answers: readonly Answer[]): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const answer of answers) {
    const what = answer.status < 400 ? String(answer.status) : `${answer.status} ${typeOf(answer)}`;
    found[what] = (found[what] ?? 0) + 1;
  }
  return found;
};

/** A client with an order whose names are proven. */
async function readyOrder(name: string): Promise<{ client: AcmeClient; order: OrderBody; url: string }> {
  const client = await AcmeClient.registered(send, fleet.world.directoryUrl);
  const ordered = await client.newOrder([name]);
  await client.authorize(ordered.json as OrderBody, 'http-01', prove);
  return { client, order: ordered.json as OrderBody, url: ordered.headers['location'] as string };
}

test('a client that changes the front at every request gets its certificate', async () => {
  turn = alternating();
  const client = await AcmeClient.registered(send, fleet.world.directoryUrl);
  const { pem, orderUrl } = await client.issue(['turns.localhost', 'more.turns.localhost'], prove);
  assert.match(pem, /BEGIN CERTIFICATE/);
  for (turn of [() => A, () => B]) assert.equal((await client.post(orderUrl)).json.status, 'valid');
});

test('django-ca#85: a nonce is accepted once, whichever front made it and whichever redeems it', async () => {
  turn = () => A;
  const client = await AcmeClient.registered(send, fleet.world.directoryUrl);
  for (const [maker, redeemer] of [[A, A], [A, B], [B, A], [B, B]] as const) {
    client.forgetNonces();
    turn = () => maker;
    const jws = await client.prepare(client.account as string, '');
    turn = () => redeemer;
    assert.equal((await client.postRaw(client.account as string, jws)).status, 200);
    for (turn of [() => A, () => B]) {
      const again = await client.postRaw(client.account as string, jws);
      assert.deepEqual([again.status, typeOf(again)], [400, 'badNonce'], `made at ${maker}, redeemed at ${redeemer}`);
    }
  }
});

test('of 50 copies of one signed request, sent at once to both fronts, one succeeds', async () => {
  turn = () => A;
  const client = await AcmeClient.registered(send, fleet.world.directoryUrl);
  const { newOrder } = client.directory;
  const copy = await client.prepare(newOrder, { identifiers: [{ type: 'dns', value: 'copies.localhost' }] });
  turn = alternating();
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.postRaw(newOrder, copy)));
  assert.deepEqual(tally(answers), { 201: 1, '400 badNonce': 49 });
  const orders = `select count(*) from acme_order where account = '${client.account?.split('/').pop()}'`;
  assert.equal(await count(fleet.world.database, orders), 1);
});

test('of 20 finalize requests, sent at once to both fronts, one certificate comes', async () => {
  turn = alternating();
  const { client, order, url } = await readyOrder('finalized.localhost');
  const csrs = [csrFor('finalized.localhost'), csrFor('finalized.localhost')];
  const signed = [];
  for (let index = 0; index < 20; index += 1) signed.push(await client.prepare(order.finalize, { csr: csrs[index % 4 < 2 ? 0 : 1] }));
  const answers = await Promise.all(signed.map((jws) => client.postRaw(order.finalize, jws)));
  for (const answer of answers) {
    if (answer.status === 200) assert.deepEqual(answer.json.identifiers, order.identifiers);
    else assert.deepEqual([answer.status, typeOf(answer)], [403, 'orderNotReady'], answer.text);
  }
  await until('the order is valid', async () => (await client.post(url)).json.status === 'valid');
  const { certificate } = (await client.post(url)).json as OrderBody;
  for (const { json } of answers) if (json.status === 'valid') assert.equal(json.certificate, certificate);
  const ofOrder = (table: string): string => `select count(*) from ${table} where request_ref = '${url.split('/').pop()}'`;
  assert.equal(await count(fleet.world.database, ofOrder('certificate')), 1);
  assert.equal(await count(fleet.world.database, ofOrder('intent')), 1);
});

test('an account made at one front is known at the other, and its end as well', async () => {
  turn = () => A;
  const client = await AcmeClient.registered(send, fleet.world.directoryUrl);
  turn = () => B;
  assert.equal((await client.newOrder(['elsewhere.localhost'])).status, 201);
  assert.equal((await client.newAccount({ onlyReturnExisting: true })).status, 200);
  turn = () => A;
  assert.equal((await client.post(client.account as string, { status: 'deactivated' })).json.status, 'deactivated');
  turn = () => B;
  const refused = await client.newOrder(['elsewhere.localhost']);
  assert.deepEqual([refused.status, typeOf(refused)], [401, 'unauthorized']); // RFC 8555 §7.3.6
});

test('R8: of 20 revocations, sent at once to both fronts by account and by key, one revokes; the next order needs no proof', async () => {
  turn = alternating();
  const client = await AcmeClient.registered(send, fleet.world.directoryUrl);
  const { pem, key } = await client.issue(['revoked.localhost'], prove);
  const payload = { certificate: new X509Certificate(pem).raw.toString('base64url'), reason: 4 };
  const holder = await new AcmeClient(send, fleet.world.directoryUrl, key).open();
  const { revokeCert } = client.directory;
  const signed = [];
  for (let index = 0; index < 10; index += 1) signed.push(await client.prepare(revokeCert, payload), await holder.prepare(revokeCert, payload, { byKey: true }));
  const answers = await Promise.all(signed.map((jws) => client.postRaw(revokeCert, jws)));
  assert.deepEqual(tally(answers), { 200: 1, '400 alreadyRevoked': 19 });
  assert.equal((await client.newOrder(['revoked.localhost'])).json.status, 'ready');
});

test('R13, R3: a validation whose front is killed is finished by the other', async (t) => {
  turn = () => A;
  const client = await AcmeClient.registered(send, fleet.world.directoryUrl);
  const { json: order, headers } = await client.newOrder(['orphan.localhost']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  const challenge = authorization.challenges.find(({ type }: { type: string }) => type === 'http-01');
  prove({ token: challenge.token, keyAuthorization: client.keyAuthorization(challenge.token) });
  fleet.responder.behave(challenge.token, 'hang');
  const before = fleet.responder.connections;
  const answered = client.post(challenge.url, {}).catch(() => 'lost');
  await until('the host is asked', () => fleet.responder.connections > before);
  const front = fleet.world.fronts[A];
  front?.kill('SIGKILL');
  assert.equal(await front?.ended, 'SIGKILL');
  fleet.responder.behave(challenge.token, undefined);
  await answered;
  const killed = Date.now();
  turn = () => B;
  client.forgetNonces();
  assert.equal((await client.post(challenge.url)).json.status, 'processing');
  const orderUrl = headers['location'] as string;
  await until('the order is ready', async () => (await client.post(orderUrl)).json.status === 'ready', 60_000);
  t.diagnostic(`taken over ${Math.round((Date.now() - killed) / 1000)} s after the kill`);
  const finalized = await client.post(order.finalize, { csr: csrFor('orphan.localhost') });
  assert.equal(finalized.json.status, 'valid', finalized.text);
  await fleet.world.startFront(A);
});

test('PostgreSQL is stopped and started again while clients ask: they all get their certificates', async () => {
  let stop = false;
  const certificates: string[] = [];
  const clients = Array.from({ length: 6 }, async (_, client) => {
    using transport = transportTo(fleet.world, alternating());
    const persistent = new PersistentClient(transport, fleet.world.directoryUrl, fleet.responder);
    for (let order = 0; !stop; order += 1) certificates.push(await persistent.certificate([`c${client}-${order}.localhost`]));
  });
  const all = Promise.all(clients);
  try {
    for (const how of ['crash', 'orderly'] as const) {
      const soFar = certificates.length;
      await Promise.race([all, until('certificates come', () => certificates.length > soFar + 6, 60_000)]);
      await fleet.postgres.halt(how);
      await fleet.postgres.start();
    }
    const soFar = certificates.length;
    await Promise.race([all, until('certificates come again', () => certificates.length > soFar + 6, 60_000)]);
  } finally {
    stop = true;
  }
  await all;
  assert.equal(await count(fleet.world.database, "select count(*) from acme_attempt where state = 'invalid'"), 0);
  assert.ok(certificates.every((pem) => pem.includes('BEGIN CERTIFICATE')));
});

test('afterwards nothing is left open, and every invariant holds', async () => {
  const { world } = fleet;
  await until('all is settled', async () => (await count(world.database,
    "select (select count(*) from intent where state = 'open') + (select count(*) from audit_entry where seq is null)")) === 0, 75_000);
  await checkInvariants(world, { settled: true, status: true });
});
