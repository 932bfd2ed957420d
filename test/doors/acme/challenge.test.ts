/** RFC 8555 §7.5, §8: authorizations and challenges, and how attempts survive their fronts. Rows Z and C of the conformance list. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import type { AcmeClient } from '../../support/acme-client.ts';
import { failure, openDoorLab, resumed, SUCCESS } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

/** An order for one name, its authorization and its first challenge of that type. */
async function begin(client: AcmeClient, name = 'c.internal', type = 'http-01') {
  const { json: order, headers } = await client.newOrder([name]);
  const authorizationUrl = order.authorizations[0] as string;
  const { json } = await client.post(authorizationUrl);
  const challenge = json.challenges.find((offered: { type: string }) => offered.type === type);
  return { orderUrl: headers['location'] as string, order, authorizationUrl, authorization: json, challenge };
}

const statusOf = async (client: AcmeClient, url: string) => (await client.post(url)).json.status as string;

test('Z-05, Z-10, Z-14, C-01: an authorization and its challenges say what they are', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { authorization, authorizationUrl } = await begin(client);
  assert.deepEqual(authorization, {
    identifier: { type: 'dns', value: 'c.internal' }, status: 'pending', expires: authorization.expires, challenges: authorization.challenges,
  });
  assert.deepEqual(authorization.challenges.map(({ type }: { type: string }) => type), ['http-01', 'dns-01', 'tls-alpn-01']);
  for (const challenge of authorization.challenges) {
    assert.deepEqual(Object.keys(challenge), ['type', 'url', 'status', 'token']);
    assert.equal(challenge.status, 'pending');
    assert.match(challenge.token, /^[A-Za-z0-9_-]{22}$/);
  }
  assert.equal((await client.post(authorizationUrl)).headers['location'], authorizationUrl);
});

test('C-02, C-03, C-04, ER-4: an answer is validated, and comes with its end, its URL and the way up', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge, authorizationUrl, orderUrl } = await begin(client);
  const answer = await client.post(challenge.url, { keyAuthorization: 'old clients send this' });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['link'], `<https://ca.test/acme/directory>;rel="index", <${authorizationUrl}>;rel="up"`);
  assert.deepEqual({ ...answer.json, validated: undefined }, { ...challenge, status: 'valid', validated: undefined });
  assert.match(answer.json.validated, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(await statusOf(client, authorizationUrl), 'valid');
  assert.equal(await statusOf(client, orderUrl), 'ready');
  const [given] = lab.validations;
  assert.deepEqual({ ...given, signal: undefined }, {
    type: 'http-01', name: { type: 'dns', value: 'c.internal' }, wildcard: false, token: challenge.token,
    keyAuthorization: client.keyAuthorization(challenge.token), accountUrls: [client.account], issuers: [], subdomains: false, caa: false,
    signal: undefined,
  });
});

test('C-05, S#post-as-get: POST-as-GET on a challenge validates nothing', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge } = await begin(client);
  assert.deepEqual((await client.post(challenge.url)).json, challenge);
  assert.equal(lab.validations.length, 0);
});

test('A2C#324: each challenge is proven by its own type and no other', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const types = ['http-01', 'dns-01', 'tls-alpn-01'];
  lab.validate = ({ type, name }) => (name.value.startsWith(type) ? SUCCESS : failure('unauthorized', 'another type'));
  for (const type of types) {
    const { challenge, authorizationUrl } = await begin(client, `${type}.internal`, type);
    assert.equal((await client.post(challenge.url, {})).json.status, 'valid');
    assert.deepEqual((await client.post(authorizationUrl)).json.challenges.map((each: { type: string }) => each.type), [type]);
  }
  assert.deepEqual(lab.validations.map(({ type }) => type), types);
});

test('C-06: what is decided is not validated again', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const done = await begin(client);
  await client.post(done.challenge.url, {});
  assert.equal((await client.post(done.challenge.url, {})).json.status, 'valid');
  lab.validate = () => failure('unauthorized', 'no');
  const failed = await begin(client, 'd.internal');
  await client.post(failed.challenge.url, {});
  refused(await client.post(failed.challenge.url, {}), 400, 'malformed', /invalid/);
  assert.equal((await client.post(failed.challenge.url)).json.status, 'invalid');
  assert.equal(lab.validations.length, 2);
});

test('C-07, R3: of 20 answers at once, to any challenge of an authorization, one is validated', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { authorization } = await begin(client);
  lab.validate = async () => { await sleep(50); return SUCCESS; };
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => client.post(authorization.challenges[i % 3].url, {})));
  assert.equal(lab.validations.length, 1);
  for (const answer of answers) {
    assert.equal(answer.status, 200, answer.text);
    assert.ok(['pending', 'processing', 'valid'].includes(answer.json.status));
  }
});

test('C-09, C-10, S-05, S#242: a wrong answer is final, and its problem is told at challenge, authorization and order', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge, authorizationUrl, orderUrl, order } = await begin(client);
  lab.validate = () => failure('unauthorized', 'The host answered 404.');
  const answer = await client.post(challenge.url, {});
  const error = { type: 'urn:ietf:params:acme:error:unauthorized', detail: 'The host answered 404.', status: 403 };
  assert.equal(answer.status, 200);
  assert.equal(answer.json.status, 'invalid');
  assert.deepEqual(answer.json.error, error);
  const { json: authorization } = await client.post(authorizationUrl);
  assert.equal(authorization.status, 'invalid');
  assert.deepEqual(authorization.challenges, [answer.json]);
  const { json } = await client.post(orderUrl);
  assert.equal(json.status, 'invalid');
  assert.deepEqual(json.error, { ...error, detail: 'c.internal: The host answered 404.' });
  refused(await client.post(order.finalize, { csr: 'AAAA' }), 403, 'orderNotReady', /invalid/);
});

test('C-08, ER-1: a host that cannot be reached is tried again, three times in all; meanwhile it is processing, with the error', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge, orderUrl } = await begin(client);
  lab.validate = () => failure('connection', 'Connection refused.');
  const answer = await client.post(challenge.url, {});
  assert.equal(answer.json.status, 'processing');
  assert.equal(answer.json.error.type, 'urn:ietf:params:acme:error:connection');
  assert.equal(answer.headers['retry-after'], '1');
  assert.equal(await resumed(lab.acme), 0, 'not due yet');
  for (const left of [1, 0]) {
    lab.skewMs += 5_000;
    assert.equal(await resumed(lab.acme), 1);
    assert.equal(await statusOf(client, challenge.url), left === 0 ? 'invalid' : 'processing');
  }
  assert.equal(await statusOf(client, orderUrl), 'invalid');
  assert.equal(lab.validations.length, 3);
  assert.equal(await resumed(lab.acme), 0);
});

test('C-08: a host that comes up between tries is valid', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge, orderUrl } = await begin(client);
  lab.validate = () => failure('dns', 'No such name.');
  await client.post(challenge.url, {});
  lab.validate = () => SUCCESS;
  lab.skewMs += 5_000;
  await resumed(lab.acme);
  const { json } = await client.post(challenge.url);
  assert.equal(json.status, 'valid');
  assert.equal('error' in json, false);
  assert.equal(await statusOf(client, orderUrl), 'ready');
});

test('C-08: the client asks for the next try at once; it counts, and one more POST makes no more of them', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge, orderUrl } = await begin(client);
  lab.validate = () => failure('connection', 'Connection refused.');
  for (const [validations, status] of [[1, 'processing'], [2, 'processing'], [3, 'invalid']] as const) {
    const { json } = await client.post(challenge.url, {});
    assert.equal(json.status, status);
    assert.equal(json.error.type, 'urn:ietf:params:acme:error:connection');
    assert.equal(lab.validations.length, validations);
  }
  refused(await client.post(challenge.url, {}), 400, 'malformed', /invalid/);
  assert.equal(await statusOf(client, orderUrl), 'invalid');
  assert.equal(await resumed(lab.acme), 0);
});

test('C-08, C-07: of 20 that ask for the next try at once, one is made, with the key of the day', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge } = await begin(client);
  lab.validate = () => failure('dns', 'No such name.');
  await client.post(challenge.url, {});
  lab.validate = () => SUCCESS;
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.post(challenge.url, {})));
  assert.ok(answers.some(({ json }) => json.status === 'valid'));
  assert.equal(lab.validations.length, 2);
  assert.equal(await statusOf(client, challenge.url), 'valid');
});

test('I8: a fault of ours never makes an authorization invalid, however often it happens', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge, orderUrl } = await begin(client);
  lab.validate = () => failure('connection', 'The resolver does not answer.', true);
  await client.post(challenge.url, {});
  for (let i = 0; i < 6; i++) {
    if (i === 3) lab.validate = () => { throw new Error('a bug in the validator'); };
    lab.skewMs += 60_000;
    assert.equal(await resumed(lab.acme), 1);
    assert.equal(await statusOf(client, challenge.url), 'processing');
  }
  assert.equal(await statusOf(client, orderUrl), 'pending');
  lab.validate = () => SUCCESS;
  lab.skewMs += 60_000;
  await resumed(lab.acme);
  assert.equal(await statusOf(client, orderUrl), 'ready');
});

test('a validation that takes longer than 2 s is processing, with Retry-After, and then what it is', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge } = await begin(client);
  const { promise, resolve } = Promise.withResolvers<void>();
  lab.validate = async () => { await promise; return SUCCESS; };
  const started = Date.now();
  const answer = await client.post(challenge.url, {});
  const took = Date.now() - started;
  assert.ok(took >= 1_900 && took < 4_000, `answered after ${took} ms`);
  assert.equal(answer.json.status, 'processing');
  assert.equal(answer.headers['retry-after'], '1');
  resolve();
  for (let i = 0; i < 50 && (await statusOf(client, challenge.url)) !== 'valid'; i++) await sleep(20);
  assert.equal(await statusOf(client, challenge.url), 'valid');
});

test('O#restart: an attempt whose front died is resumed by another, and the dead one cannot come back with an outcome', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge, orderUrl } = await begin(client);
  const stuck = Promise.withResolvers<void>();
  lab.validate = async () => { await stuck.promise; return failure('unauthorized', 'too late to say so'); };
  await client.post(challenge.url, {});
  const second = await lab.front('front-2');
  lab.validate = () => SUCCESS;
  assert.equal(await resumed(second.acme), 0, 'the lease still runs');
  lab.skewMs += 31_000;
  assert.equal(await resumed(second.acme), 1);
  stuck.resolve();
  await sleep(50);
  assert.equal(await statusOf(client, challenge.url), 'valid');
  assert.equal(await statusOf(client, orderUrl), 'ready');
});

test('of many fronts that resume at once, one does', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { challenge } = await begin(client);
  lab.validate = () => failure('connection', 'refused');
  await client.post(challenge.url, {});
  const fronts = await Promise.all([1, 2, 3, 4].map((n) => lab.front(`other-${n}`)));
  lab.validate = () => SUCCESS;
  lab.skewMs += 5_000;
  const taken = await Promise.all(fronts.map(({ acme }) => resumed(acme)));
  assert.equal(taken.reduce((sum, n) => sum + n, 0), 1);
  assert.equal(lab.validations.length, 2);
});

test('a front that stops puts its validations back at once', async () => {
  await using lab = await openDoorLab();
  const front = await lab.front('stopping');
  const client = await lab.client();
  const { challenge } = await begin(client);
  lab.validate = ({ signal }) => new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(failure('connection', 'stopped', true)));
  });
  const answering = lab.acme[Symbol.asyncDispose];
  const posted = client.post(challenge.url, {});
  while (lab.validations.length === 0) await sleep(5);
  await answering();
  assert.equal((await posted).json.status, 'processing');
  lab.validate = () => SUCCESS;
  lab.skewMs += 1;
  assert.equal(await resumed(front.acme), 1);
  assert.equal(await statusOf(client, challenge.url), 'valid');
});

test('C-11: tokens are never repeated', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const tokens = new Set<string>();
  const { json } = await client.newOrder(Array.from({ length: 50 }, (_, i) => `t${i}.internal`));
  for (const url of json.authorizations) tokens.add((await client.post(url)).json.challenges[0].token);
  assert.equal(tokens.size, 50);
});

test('Z-11, Z-12, R7: an authorization is deactivated for good, and its order with it', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { authorizationUrl, challenge, orderUrl } = await begin(client);
  await client.post(challenge.url, {});
  assert.equal(await statusOf(client, orderUrl), 'ready');
  for (const status of ['valid', 'revoked', 7, null]) refused(await client.post(authorizationUrl, { status }), 400, 'malformed');
  const answer = await client.post(authorizationUrl, { status: 'deactivated' });
  assert.equal(answer.json.status, 'deactivated');
  assert.equal(await statusOf(client, orderUrl), 'invalid');
  refused(await client.post(authorizationUrl, { status: 'deactivated' }), 400, 'malformed');
  const pending = await begin(client);
  await client.post(pending.authorizationUrl, { status: 'deactivated' });
  refused(await client.post(pending.challenge.url, {}), 400, 'malformed', /deactivated/);
});

test('T-09: an empty object changes nothing; unknown challenges are not there', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { authorizationUrl, authorization } = await begin(client);
  assert.deepEqual((await client.post(authorizationUrl, {})).json, authorization);
  refused(await client.post(authorization.challenges[0].url.replace('http-01', 'nope-01'), {}), 404, 'malformed');
  const { json } = await client.newOrder(['10.1.2.3']);
  const url = (await client.post(json.authorizations[0])).json.challenges[0].url.replace(/[^/]+$/, 'dns-01');
  refused(await client.post(url, {}), 404, 'malformed');
});

