/** CAA at the door: asked with each proof, and again before a certificate is made. Rows CA and I-02 of the conformance list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AcmeClient, newKey, nameOf, type OrderBody } from '../../support/acme-client.ts';
import { type DoorLab, failure, openDoorLab, SUCCESS } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';
import { rawStatement } from '../../../src/database/statement.ts';
import type { Evidence, ValidationResult } from '../../../src/validation/index.ts';

const HOUR = 3_600_000;
const directory = { caa: 'all', caaIdentities: ['ca.test', 'second.test'] } as const;

/** As the validator answers when CAA was asked `ageMs` ago by the lab's clock. */
const provenWithCaa = (lab: DoorLab, ageMs = 0): ValidationResult =>
  ({ ok: true, evidence: { type: 'http-01', at: 0, ms: 1, caa: { at: Date.now() + lab.skewMs - ageMs } } satisfies Evidence });

async function ready(client: AcmeClient, names: readonly string[], type = 'http-01'): Promise<OrderBody> {
  const { json } = await client.newOrder(names);
  await client.authorize(json, type, () => {});
  return json as OrderBody;
}

const finalize = (client: AcmeClient, order: OrderBody) =>
  client.post(order.finalize, { csr: buildCsr({ ...newKey(), names: order.identifiers.map(({ value }) => nameOf(value)) }).toString('base64url') });

test('CA-09: the directory says what CAA records call this CA', async () => {
  await using lab = await openDoorLab({ directory });
  assert.deepEqual((await (await lab.client()).open()).directory.meta.caaIdentities, ['ca.test', 'second.test']);
  await using off = await openDoorLab();
  assert.equal('caaIdentities' in (await (await off.client()).open()).directory.meta, false);
});

test('CA-08: a proof asks CAA under the identities, and a denial is final, of type caa, 403', async () => {
  await using lab = await openDoorLab({ directory });
  const client = await lab.client();
  lab.validate = () => failure('caa', 'CAA does not allow it: …');
  const { json: order } = await client.newOrder(['a.internal']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  const { json: challenge } = await client.post(authorization.challenges[0].url, {});
  assert.equal(challenge.status, 'invalid');
  assert.equal(challenge.error.type, 'urn:ietf:params:acme:error:caa');
  assert.equal(challenge.error.status, 403);
  const [asked] = lab.validations;
  assert.deepEqual([asked?.caa, asked?.issuers, asked?.accountUrls], [true, ['ca.test', 'second.test'], [client.account]]);
});

test('CA-10: `public` leaves out private zones, and `off` asks nothing', async () => {
  for (const [caa, expected] of [['all', true], ['public', false], ['off', false]] as const) {
    await using lab = await openDoorLab({ directory: { ...directory, caa } });
    const client = await lab.client();
    await ready(client, ['a.internal']);
    assert.equal(lab.validations[0]?.caa, expected, caa);
  }
  await using lab = await openDoorLab({ directory: { ...directory, caa: 'public' } });
  lab.generation = { ...lab.generation, validation: { ...lab.generation.validation, privateZones: ['b.internal'] } };
  const client = await lab.client();
  await ready(client, ['a.internal', 'b.internal', 'x.b.internal', 'xb.internal', '10.0.0.1']);
  assert.deepEqual(lab.validations.map(({ name, caa }) => [name.value, caa]),
    [['a.internal', true], ['b.internal', false], ['x.b.internal', false], ['xb.internal', true], ['10.0.0.1', false]]);
});

test('CA-08: what is at most eight hours old is not asked again', async () => {
  await using lab = await openDoorLab({ directory });
  lab.validate = () => provenWithCaa(lab);
  const client = await lab.client();
  const order = await ready(client, ['a.internal', 'b.internal']);
  lab.skewMs += 8 * HOUR - 60_000;
  client.forgetNonces();
  assert.equal((await finalize(client, order)).json.status, 'valid');
  assert.equal(lab.caaQuestions.length, 0);
});

test('T-INC-3, I-02, CA-08: after nine hours each name is asked again, itself, and one that is denied now stops the order', async () => {
  await using lab = await openDoorLab({ directory });
  lab.validate = () => provenWithCaa(lab);
  const client = await lab.client();
  const names = ['a.internal', 'b.internal', '*.c.internal'];
  const { json } = await client.newOrder(names);
  await client.authorize({ ...json, authorizations: json.authorizations.slice(0, 2) }, 'http-01', () => {});
  await client.authorize(json, 'dns-01', () => {});
  lab.skewMs += 9 * HOUR;
  client.forgetNonces();
  lab.checkCaa = ({ name }) => (name === 'b.internal' ? failure('caa', 'CAA does not allow it: the CAA records of b.internal name nobody.') : provenWithCaa(lab));
  refused(await finalize(client, json), 403, 'caa', /b\.internal/);
  assert.deepEqual(lab.caaQuestions.map(({ name, wildcard, method }) => [name, wildcard, method]),
    [['a.internal', false, 'http-01'], ['b.internal', false, 'http-01'], ['c.internal', true, 'dns-01']]);
  lab.checkCaa = () => provenWithCaa(lab);
  const { json: order } = await finalize(client, json);
  assert.equal(order.status, 'valid', 'the order stayed ready');
});

test('T-INC-2, I-02: of a hundred names each is asked for itself, and one that is denied stops the order wherever it stands', async () => {
  await using lab = await openDoorLab({ directory });
  lab.validate = () => provenWithCaa(lab);
  const client = await lab.client();
  const names = Array.from({ length: 100 }, (_, index) => `n${index}.internal`);
  const order = await ready(client, names);
  lab.skewMs += 9 * HOUR;
  client.forgetNonces();
  for (let at = 0; at < names.length; at += 1) {
    const from = lab.caaQuestions.length;
    lab.checkCaa = ({ name }) => (name === names[at] ? failure('caa', `CAA does not allow it: ${name}.`) : provenWithCaa(lab));
    refused(await finalize(client, order), 403, 'caa', new RegExp(`${names[at]}\\.`));
    const asked = lab.caaQuestions.slice(from).map(({ name }) => name);
    assert.ok(asked.includes(names[at] as string) && asked.every((name) => names.includes(name)));
    if (at === names.length - 1) assert.deepEqual(asked.toSorted(), names.toSorted(), 'each of them, and none twice');
  }
});

test('CA-08: several denied names are told one by one', async () => {
  await using lab = await openDoorLab({ directory });
  lab.validate = () => provenWithCaa(lab);
  lab.checkCaa = () => failure('caa', 'no');
  const client = await lab.client();
  const order = await ready(client, ['a.internal', 'b.internal']);
  lab.skewMs += 9 * HOUR;
  client.forgetNonces();
  const answer = await finalize(client, order);
  refused(answer, 403, 'caa');
  assert.deepEqual(answer.json.subproblems.map(({ identifier }: { identifier: { value: string } }) => identifier.value), ['a.internal', 'b.internal']);
});

test('CA-06, I8: a resolver that fails at finalize is 503 with Retry-After, and the order stays ready', async () => {
  await using lab = await openDoorLab({ directory });
  const client = await lab.client();
  const order = await ready(client, ['a.internal']); // proven while CAA was off: there is no answer to go by
  lab.checkCaa = () => failure('dns', 'Looking up CAA records for a.internal: the resolver failed (SERVFAIL)', true);
  const answer = await finalize(client, order);
  refused(answer, 503, 'dns', /SERVFAIL.*stays ready/);
  assert.equal(answer.headers['retry-after'], '5');
  lab.checkCaa = () => SUCCESS;
  assert.equal((await finalize(client, order)).json.status, 'valid');
});

test('what was asked again stands in the evidence', async () => {
  await using lab = await openDoorLab({ directory });
  const client = await lab.client();
  const order = await ready(client, ['a.internal']);
  lab.checkCaa = () => ({ ok: true, evidence: { type: 'http-01', at: 0, ms: 1, caa: { at: 7, domain: 'internal', records: ['0 issue ca.test'] } } });
  await finalize(client, order);
  const row = await lab.database.one<{ body: string }>(rawStatement('select body from evidence'), {});
  assert.deepEqual(JSON.parse(row?.body ?? '').authorizations[0].caa, [{ name: 'a.internal', caa: { at: 7, domain: 'internal', records: ['0 issue ca.test'] } }]);
});

test('CA-08, ST-01: an order that renews itself asks CAA before each certificate, and goes on when it is allowed again', async () => {
  const star = { minLifetimeMs: HOUR, maxDurationMs: 30 * 24 * HOUR, certificateGet: true };
  await using lab = await openDoorLab({ directory: { ...directory, star } });
  const client = await lab.client();
  const end = new Date(Date.now() + 10 * 24 * HOUR).toISOString().replace(/\.\d+Z$/, 'Z');
  const { json } = await client.newOrder(['a.internal'], { 'auto-renewal': { 'end-date': end, lifetime: 86_400 } });
  await client.authorize(json, 'http-01', () => {});
  assert.equal((await finalize(client, json)).json.status, 'valid');
  lab.caaQuestions.length = 0;
  lab.skewMs += 20 * HOUR;
  lab.checkCaa = () => failure('caa', 'CAA does not allow it.');
  assert.equal(await lab.acme.renewOrders(), 0);
  assert.deepEqual(lab.caaQuestions.map(({ name }) => name), ['a.internal']);
  lab.skewMs += 120_000;
  lab.checkCaa = () => provenWithCaa(lab);
  assert.equal(await lab.acme.renewOrders(), 1);
});
