/**
 * Golden behaviour (rows G-1 to G-14, §4.1 and §4.3): what every client needs, looked at in each answer of whole flows. Also the rows of §1
 * that are about all answers: T-18, T-19, E-01, E-05, E-06, O-15, O-20, S-04, S-06, X-07, Z-13.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseUnavailable } from '../../../src/database/errors.ts';
import { AcmeClient, type Answer, newKey, type OrderBody, type Transport } from '../../support/acme-client.ts';
import { type DoorLab, failure, openDoorLab, SUCCESS } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';

interface Exchange { readonly method: string; readonly url: string; readonly answer: Answer }

/** A transport that keeps what it has seen. */
function recording(send: Transport): { send: Transport; seen: Exchange[] } {
  const seen: Exchange[] = [];
  return {
    seen,
    async send(request) {
      const answer = await send(request);
      seen.push({ method: request.method, url: request.url, answer });
      return answer;
    },
  };
}

const csrFor = (...names: string[]): string => buildCsr({ ...newKey(), names: names.map((value) => ({ type: 'dns' as const, value })) }).toString('base64url');

/** An account, three kinds of orders, refusals: every exchange of them. */
async function everything(lab: DoorLab): Promise<Exchange[]> {
  const { send, seen } = recording(lab.send);
  const client = await AcmeClient.registered(send, lab.directoryUrl);
  await client.newAccount({ onlyReturnExisting: true });
  await client.get(client.directory.newNonce);
  const { order } = await client.issue(['g.internal', 'h.internal'], () => {});
  await client.issue(['*.w.internal'], () => {}, { type: 'dns-01' });
  await client.post((await client.post(client.account as string)).json.orders);
  const failed = await client.newOrder(['f.internal']);
  const { json } = await client.post(failed.json.authorizations[0]);
  lab.validate = () => failure('unauthorized', 'no');
  await client.post(json.challenges[0].url, {});
  lab.validate = () => SUCCESS;
  for (const url of [failed.headers['location'], failed.json.authorizations[0], json.challenges[0].url]) await client.post(url as string);
  await client.newOrder(['example.com', 'a_b']);
  await client.post(order.finalize, { csr: 'x' });
  await client.post(client.directory.newOrder, {}, { header: { nonce: 'AAAA' } });
  await client.post(`${order.finalize}/nowhere`);
  return seen;
}

test('G-1, G-7, G-9, T-18, T-19, E-01, E-05, O#1236: every answer has a nonce and may not be stored, says what it is, and is small', async () => {
  await using lab = await openDoorLab();
  const seen = await everything(lab);
  assert.ok(seen.length > 25, String(seen.length));
  for (const { method, url, answer: { status, headers, text, json } } of seen) {
    const where = `${method} ${url}: ${status} ${text}`;
    assert.match(headers['replay-nonce'] ?? '', /^[A-Za-z0-9_-]{22,}$/, where);
    assert.equal(headers['cache-control'], 'no-store', where);
    assert.ok(Buffer.byteLength(text) + JSON.stringify(headers).length < 16_384, where);
    const expected = text === '' ? undefined : status >= 400 ? 'application/problem+json' : text.startsWith('-----BEGIN') ? 'application/pem-certificate-chain' : 'application/json';
    assert.equal(headers['content-type'], expected, where);
    for (const problem of [status >= 400 ? json : undefined, json.error, ...(json.challenges ?? []).map((each: { error?: object }) => each.error)]) {
      if (problem === undefined) continue;
      assert.match(problem.type, /^urn:ietf:params:acme:error:[a-zA-Z]+$/, where);
      assert.equal(typeof problem.status, 'number', where);
      assert.equal(typeof problem.detail, 'string', where);
    }
    assert.doesNotMatch(text, /null/, where); // absent members are absent
    for (const link of (headers['link'] ?? '').split(/, (?=<)/).filter(Boolean)) assert.match(link, /^<https:\/\/ca\.test\/[^,>]+>;rel="[a-z-]+"$/, where);
    if (headers['retry-after'] !== undefined) assert.match(headers['retry-after'], /^([1-9]|[1-9]\d|[1-5]\d\d|600)$/, where);
  }
});

test('G-3, G-4, G-6, G-8, G-10, P#509: where orders and challenges say where they are, with the exact statuses', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const made = await new AcmeClient(lab.send, lab.directoryUrl).newAccount();
  assert.deepEqual([made.status, (await client.newAccount()).status], [201, 200]);
  const names = ['b.internal', 'a.internal', 'c.internal'];
  const ordered = await client.newOrder(names);
  assert.equal(ordered.status, 201);
  assert.deepEqual(ordered.json.identifiers.map(({ value }: { value: string }) => value), names);
  const url = ordered.headers['location'] as string;
  const authorization = await client.post(ordered.json.authorizations[0]);
  assert.equal(authorization.headers['location'], ordered.json.authorizations[0]);
  const challenge = await client.post(authorization.json.challenges[0].url, {});
  assert.match(challenge.headers['link'] ?? '', new RegExp(`<${ordered.json.authorizations[0]}>;rel="up"`));
  assert.equal(challenge.json.url, authorization.json.challenges[0].url);
  await client.authorize(ordered.json, 'http-01', () => {});
  assert.equal((await client.post(url)).headers['location'], url);
  const finalized = await client.post(ordered.json.finalize, { csr: csrFor(...names) });
  assert.deepEqual([finalized.status, finalized.headers['location']], [200, url]);
});

test('G-5, §4.3: finalize ends within one request; while it cannot, it says processing and when to come back', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const ordered = await client.newOrder(['s.internal']);
  await client.authorize(ordered.json, 'http-01', () => {});
  const began = Date.now();
  const { status, json } = await client.post(ordered.json.finalize, { csr: csrFor('s.internal') });
  assert.deepEqual([status, json.status], [200, 'valid']);
  assert.ok(Date.now() - began < 10_000, 'the most impatient client waits 10 s');

  const second = await client.newOrder(['s.internal']);
  lab.software.signing = 'hold';
  const waited = await client.post(second.json.finalize, { csr: csrFor('s.internal') });
  assert.deepEqual([waited.status, waited.json.status], [200, 'processing']);
  assert.match(waited.headers['retry-after'] ?? '', /^\d+$/);
  lab.software.release();
});

test('G-11, G-12, S-01, Dogtag#ready: the order is ready in the very moment in which its last authorization is valid, and shows no invalid challenge before', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  for (let i = 0; i < 5; i++) {
    const { json: order, headers } = await client.newOrder([`m${i}.internal`, `n${i}.internal`]);
    let over = false;
    const watching = (async () => {
      while (!over) {
        const authorizations = await Promise.all(order.authorizations.map((url: string) => client.post(url)));
        const { json } = await client.post(headers['location'] as string); // read last: it may only be further on
        const valid = authorizations.every((each) => each.json.status === 'valid');
        if (valid) assert.equal(json.status, 'ready');
        for (const each of authorizations) if (each.json.status === 'pending') assert.doesNotMatch(each.text, /"invalid"/);
      }
    })();
    await client.authorize(order, 'http-01', () => {});
    over = true;
    await watching;
  }
});

test('G-13: meta is there, with or without terms', async () => {
  await using lab = await openDoorLab();
  assert.equal(typeof (await new AcmeClient(lab.send, lab.directoryUrl).open()).directory.meta, 'object');
});

test('G-2, N-08: the refusal of a nonce is 400, in the words that acme.sh greps for', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  refused(await client.post(client.account as string, '', { header: { nonce: 'AAAA' } }), 400, 'badNonce', /^JWS has an invalid anti-replay nonce: "AAAA"$/);
});

test('O-15, S-06, P#500: what an order lists never changes, in whatever order it was asked for', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const names = ['z.internal', 'a.internal', '10.0.0.3', 'm.internal'];
  const { json: order, headers } = await client.newOrder(names);
  const lists = ({ identifiers, authorizations, finalize, expires }: OrderBody) => ({ identifiers, authorizations, finalize, expires });
  const shuffled = [...order.authorizations].reverse();
  await client.authorize({ ...order, authorizations: shuffled }, 'http-01', () => {});
  assert.deepEqual(lists((await client.post(headers['location'] as string)).json), lists(order));
  const csr = buildCsr({ ...newKey(), names: [...order.identifiers].reverse() }).toString('base64url');
  const finalized = await client.post(order.finalize, { csr });
  assert.equal(finalized.json.status, 'valid');
  assert.deepEqual(lists(finalized.json), lists(order));
});

test('O-20: nobody orders without an account', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const nobody = (client.account as string).replace(/[0-9a-f]{8}$/, '00000000');
  refused(await client.post(client.directory.newOrder, { identifiers: [] }, { header: { kid: nobody } }), 400, 'accountDoesNotExist');
  await client.post(client.account as string, { status: 'deactivated' });
  refused(await client.newOrder(['o.internal']), 401, 'unauthorized');
});

test('Z-13: a valid authorization expires, and says so', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { json: order } = await client.newOrder(['z.internal']);
  await client.authorize(order, 'http-01', () => {});
  const { json } = await client.post(order.authorizations[0]);
  assert.equal(json.status, 'valid');
  lab.skewMs += Date.parse(json.expires) - Date.now() + 1000;
  client.forgetNonces();
  assert.equal((await client.post(order.authorizations[0])).json.status, 'expired');
  refused(await client.post(order.authorizations[0], { status: 'deactivated' }), 400, 'malformed', /expired/);
});

test('S-04: nothing is left half done: what the signer refused can be finalized again', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { json: order, headers } = await client.newOrder(['j.internal']);
  await client.authorize(order, 'http-01', () => {});
  lab.software.signing = 'refuse';
  refused(await client.post(order.finalize, { csr: csrFor('j.internal') }), 500, 'serverInternal');
  assert.equal((await client.post(headers['location'] as string)).json.status, 'ready');
  lab.software.signing = 'ok';
  assert.equal((await client.post(order.finalize, { csr: csrFor('j.internal') })).json.status, 'valid');
});

test('E-06, I8: without a database every answer is 503 with Retry-After in seconds, and a nonce for the next try', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { newOrder } = client.directory;
  const jws = await client.prepare(newOrder, { identifiers: [{ type: 'dns', value: 'e.internal' }] });
  const { one } = lab.database;
  lab.database.one = () => Promise.reject(new DatabaseUnavailable('the database is away', { ambiguous: false }));
  const answer = await client.postRaw(newOrder, jws);
  refused(answer, 503, 'serverInternal', /Try again/);
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
  lab.database.one = one;
  assert.equal((await client.newOrder(['e.internal'])).status, 201);
});

test('X-07, Q-06, Q-08: ids and tokens cannot be guessed: 128 random bits each, none like another', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const ids = new Set<string>();
  for (let i = 0; i < 30; i++) {
    const { json, headers } = await client.newOrder([`q${i}.internal`]);
    const { json: authorization } = await client.post(json.authorizations[0]);
    const { token } = authorization.challenges[0];
    assert.equal(Buffer.from(token, 'base64url').length, 16);
    // the first two octets are the day on which it may be forgotten
    for (const url of [headers['location'], json.authorizations[0]] as string[]) ids.add((url.split('/').at(-1) as string).slice(4));
    ids.add(token);
  }
  assert.equal(ids.size, 90);
  for (const id of ids) if (id.length === 32) assert.match(id, /^[0-9a-f]{32}$/);
});
