/**
 * The race list (6.7) on both engines, every time over two fronts that share the database. R10 stands in renewal/replaces.test.ts, R11 in
 * binding.test.ts, R8 in revocation.test.ts; R13 is killed processes: test/crash, test/fronts.
 */
import assert from 'node:assert/strict';
import { rawStatement } from '../../../src/database/statement.ts';
import { AcmeClient, type Answer, jwkOf, newKey, type OrderBody, signJws, type Transport } from '../../support/acme-client.ts';
import { type DoorLab, SUCCESS } from '../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../support/acme-engines.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';

withPostgres();

const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: count }, (_, index) => work(index)));
const csrFor = (name: string): string => buildCsr({ ...newKey(), names: [{ type: 'dns', value: name }] }).toString('base64url');

/** Goes to each of two fronts in turn, where there may be two: on SQLite nonces are in the memory of the one front. */
async function inTurn(lab: DoorLab): Promise<Transport> {
  if (lab.database.engine === 'sqlite') return lab.send;
  const second = await lab.front('front-2');
  let turn = 0;
  return (request) => (turn++ % 2 === 0 ? lab.send : second.send)(request);
}

async function count(lab: DoorLab, from: string): Promise<number> {
  const row = await lab.database.one<{ n: number | string }>(rawStatement(`select count(*) as n from ${from}`));
  return Number(row?.n);
}

async function readyOrder(client: AcmeClient, name: string): Promise<OrderBody & { url: string }> {
  const answer = await client.newOrder([name]);
  await client.authorize(answer.json, 'http-01', () => {});
  return { ...answer.json, url: answer.headers['location'] };
}

onBothEngines('R1, N-06 of 50 copies of one request, one is acted on', async (lab) => {
  const client = await AcmeClient.registered(await inTurn(lab), lab.directoryUrl);
  const { newOrder } = client.directory;
  const jws = await client.prepare(newOrder, { identifiers: [{ type: 'dns', value: 'r1.internal' }] });
  const answers = await times(50, () => client.postRaw(newOrder, jws));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  for (const answer of answers) if (answer.status !== 201) refused(answer, 400, 'badNonce');
  assert.equal(await count(lab, 'acme_order'), 1);
});

onBothEngines('R2, A-10 of 20 newAccount with one key, one makes the account', async (lab) => {
  const [send, key] = [lab.send, newKey()];
  const second = (await lab.front('front-2')).send;
  const answers = await times(20, (index) => new AcmeClient(index % 2 === 0 ? send : second, lab.directoryUrl, key).newAccount());
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array<number>(19).fill(200), 201]);
  assert.equal(new Set(answers.map(({ headers }) => headers['location'])).size, 1);
});

/** Clients of one account, half of them at each front, so that each front's nonces are its own clients'. */
async function clientsOf(lab: DoorLab, howMany: number): Promise<[AcmeClient, ...AcmeClient[]]> {
  const [first, second, key] = [lab.send, (await lab.front('front-2')).send, newKey()];
  return (await times(howMany, (index) => AcmeClient.registered(index % 2 === 0 ? first : second, lab.directoryUrl, key))) as [AcmeClient, ...AcmeClient[]];
}

onBothEngines('R3, C-07, B#8838 of 20 answers to the challenges of an authorization, one is validated', async (lab) => {
  const clients = await clientsOf(lab, 20);
  const [client] = clients;
  const { json: order } = await client.newOrder(['r3.internal']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  await Promise.all(clients.map((each, index) => each.post(authorization.challenges[index % authorization.challenges.length].url, {})));
  assert.equal(lab.validations.length, 1);
  assert.equal((await client.post(order.authorizations[0])).json.status, 'valid');
});

onBothEngines('R4, F-11 of 20 finalize requests with different keys, one makes the certificate, and only its sender is told that it is his', async (lab) => {
  const clients = await clientsOf(lab, 20);
  const order = await readyOrder(clients[0], 'r4.internal');
  const answers = await Promise.all(clients.map((each) => each.post(order.finalize, { csr: csrFor('r4.internal') })));
  for (const answer of answers) if (answer.status !== 200) refused(answer, 403, 'orderNotReady');
  assert.equal(answers.filter(({ json }) => json.status === 'valid').length, 1);
  assert.equal(lab.software.signatures, 1);
  assert.equal(await count(lab, 'certificate'), 1);
});

onBothEngines('R5, K-12 of 20 key changes to different keys, one wins, and no account is lost', async (lab) => {
  const clients = await clientsOf(lab, 20);
  const [{ account, key: oldKey, directory }] = clients;
  const keys = clients.map(() => newKey());
  const answers = await Promise.all(clients.map((client, index) => {
    const key = keys[index] as (typeof keys)[number];
    return client.post(directory.keyChange, signJws(key, { alg: key.type, jwk: jwkOf(key), url: directory.keyChange }, { account, oldKey: jwkOf(oldKey) }));
  }));
  for (const answer of answers) if (answer.status !== 200) refused(answer, 400, 'malformed');
  const winner = answers.findIndex(({ status }) => status === 200);
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  const found = await times(20, (index) => new AcmeClient(lab.send, lab.directoryUrl, keys[index]).newAccount({ onlyReturnExisting: true }));
  assert.deepEqual(found.map(({ status }) => status), keys.map((_, index) => (index === winner ? 200 : 400)));
  assert.equal(found[winner]?.headers['location'], account);
});

/** Ten orders; both things are done to each at once. Resolves to what was answered. */
async function both(lab: DoorLab, what: (client: AcmeClient, order: OrderBody & { url: string }) => Promise<Answer>): Promise<[Answer, Answer, string][]> {
  const second = (await lab.front('front-2')).send;
  return times(10, async (index) => {
    const name = `r${index}.internal`;
    const one = await lab.client();
    const two = await AcmeClient.registered(second, lab.directoryUrl, one.key);
    const order = await readyOrder(one, name);
    const [finalized, ended] = await Promise.all([one.post(order.finalize, { csr: csrFor(name) }), what(two, order)]);
    return [finalized, ended, order.url.split('/').at(-1) as string];
  });
}

const certificatesOf = (lab: DoorLab, order: string): Promise<number> => count(lab, `certificate where request_ref = '${order}'`);

onBothEngines('R6 an account that is deactivated while it finalizes has its certificate, or has none, as it was told', async (lab) => {
  const outcomes = await both(lab, (client) => client.post(client.account as string, { status: 'deactivated' }));
  for (const [finalized, deactivated, order] of outcomes) {
    assert.equal(deactivated.json.status, 'deactivated', deactivated.text);
    if (finalized.status !== 200) refused(finalized, 401, 'unauthorized');
    assert.equal(await certificatesOf(lab, order), finalized.status === 200 ? 1 : 0);
  }
});

onBothEngines('R7 an authorization that is deactivated while its order finalizes: the order is valid with a certificate, or invalid without', async (lab) => {
  const outcomes = await both(lab, (client, order) => client.post(order.authorizations[0] as string, { status: 'deactivated' }));
  for (const [finalized, deactivated, order] of outcomes) {
    assert.equal(deactivated.json.status, 'deactivated', deactivated.text);
    if (finalized.status !== 200) refused(finalized, 403, 'orderNotReady');
    assert.equal(await certificatesOf(lab, order), finalized.status === 200 ? 1 : 0);
  }
});

onBothEngines('R9, O-16 twenty equal orders at once are twenty orders, and share what is proven', async (lab) => {
  const clients = await clientsOf(lab, 20);
  const proven = await readyOrder(clients[0], 'r9.internal');
  const answers = await Promise.all(clients.map((each) => each.newOrder(['r9.internal', 'new.internal'])));
  assert.equal(new Set(answers.map(({ headers }) => headers['location'])).size, 20);
  for (const { json } of answers) assert.equal(json.authorizations[0], proven.authorizations[0]);
  assert.equal(new Set(answers.map(({ json }) => json.authorizations[1])).size, 20);
});

onBothEngines('R12, L-02 a list that is walked at one front while orders come at the other has each earlier order once', async (lab) => {
  const [walker, maker] = (await clientsOf(lab, 2)) as [AcmeClient, AcmeClient];
  const before = new Set<string>();
  for (let index = 0; index < 60; index += 1) before.add((await walker.newOrder([`r12-${index}.internal`])).headers['location'] as string);
  let over = false;
  let more = 0;
  const making = (async () => { while (!over) await maker.newOrder([`r12-more-${more++}.internal`]); })();
  try {
    for (let round = 0; round < 3; round += 1) {
      const seen: string[] = [];
      let pages = 0;
      for (let url: string | undefined = (await walker.post(walker.account as string)).json.orders; url !== undefined; pages += 1) {
        const { json, headers } = await walker.post(url);
        seen.push(...(json.orders as string[]));
        url = /<([^>]+)>;rel="next"/.exec(headers['link'] ?? '')?.[1];
      }
      assert.ok(pages > 1);
      assert.equal(new Set(seen).size, seen.length, 'an order came twice');
      for (const each of before) assert.ok(seen.includes(each), 'an order was passed over');
    }
  } finally {
    over = true;
    await making;
  }
});

onBothEngines('R14 the clock steps: no nonce works twice, what was valid expires once, and what was made remains', async (lab) => {
  const client = await AcmeClient.registered(await inTurn(lab), lab.directoryUrl);
  const { newOrder } = client.directory;
  const order = await readyOrder(client, 'r14.internal');
  const jws = await client.prepare(newOrder, { identifiers: [{ type: 'dns', value: 'n.internal' }] });
  assert.equal((await client.postRaw(newOrder, jws)).status, 201);
  const unused = await client.nonce();
  lab.validate = () => SUCCESS;
  for (const step of [-30 * 60_000, 29 * 60_000, 60_000, 3 * 3_600_000, -3 * 3_600_000]) {
    lab.skewMs += step;
    refused(await client.postRaw(newOrder, jws), 400, 'badNonce');
    client.forgetNonces();
    assert.equal((await client.post(order.url)).json.status, 'ready');
  }
  const first = await client.post(order.url, '', { header: { nonce: unused } });
  if (first.status !== 200) refused(first, 400, 'badNonce');
  refused(await client.post(order.url, '', { header: { nonce: unused } }), 400, 'badNonce');
  lab.skewMs += 25 * 3_600_000;
  client.forgetNonces();
  assert.equal((await client.post(order.url)).json.status, 'invalid');
  lab.skewMs -= 25 * 3_600_000;
  client.forgetNonces();
  const finalized = await client.post(order.finalize, { csr: csrFor('r14.internal') });
  assert.equal(finalized.json.status, 'valid', finalized.text);
  lab.skewMs -= 3_600_000;
  client.forgetNonces();
  assert.equal((await client.post(order.url)).json.status, 'valid');
});
