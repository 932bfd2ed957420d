/** The path to a certificate over a real database: its three outcomes, its one certificate per reference, its commits. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import type { IssuanceOutcome, IssuanceRequest } from '../../../src/ca/index.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Generation } from '../../../src/config/generation.ts';
import { type Database, openDatabase, rawStatement } from '../../../src/database/database.ts';
import { migrate } from '../../../src/database/migrate.ts';
import { parseCertificate } from '../../../src/x509/certificate.ts';
import { factsOf } from '../../../src/x509/tbs.ts';
import { openSoftwareCa, type SoftwareCa } from '../../support/software-ca.ts';
import { startSqlite } from '../../support/sqlite.ts';

const sqlite = startSqlite();
const clock = { time: Date.parse('2026-11-22T12:00:00Z'), now: () => clock.time };
const generation = loaded();
let database: Database;
let software: SoftwareCa;
before(() => assert.ok(generation.profiles.has('server')));
beforeEach(async () => {
  database = await openDatabase(await sqlite.createDatabase());
  await migrate(database);
  software = openSoftwareCa({ database, clock, generation: () => generation });
});
after(() => sqlite.stop());

function loaded(): Generation {
  const result = loadConfig('ca-config', '/nowhere');
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.generation;
}

const spki = (): Uint8Array => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });

const request = (change: Partial<IssuanceRequest> = {}): IssuanceRequest => ({
  realm: 'default', door: 'test', profile: 'server', names: [{ type: 'dns', value: 'www.internal' }], publicKey: spki(),
  requester: { kind: 'acme-account', id: 'a', policies: ['private-names'] }, requestRef: 'order-1', evidence: { request: { jws: 'x' } }, ...change,
});

const count = async (table: string, where = '1 = 1'): Promise<number> =>
  Number((await database.one<{ n: number }>(rawStatement(`select count(*) as n from ${table} where ${where}`)))?.n);

const kinds = (outcome: IssuanceOutcome): string[] => (outcome.kind === 'refused' ? outcome.reasons.map((reason) => reason.kind) : [outcome.kind]);

test('issued: two commits, the facts that were asked for, and everything recorded', async () => {
  const publicKey = spki();
  const before = database.counters.commits;
  const outcome = await software.ca.issue(request({ publicKey }));
  assert.equal(outcome.kind, 'issued');
  assert.equal(database.counters.commits - before, 2);
  if (outcome.kind !== 'issued') return;
  const facts = factsOf(parseCertificate(outcome.certificate.der).tbs);
  assert.deepEqual(facts.names, [{ type: 'dns', value: 'www.internal' }]);
  assert.deepEqual(Buffer.from(facts.spki), Buffer.from(publicKey));
  assert.equal(facts.notBefore, clock.now() - 3_600_000);
  assert.equal(facts.notAfter - facts.notBefore + 1000, 160 * 3_600_000);
  for (const [table, rows] of Object.entries({ intent: 1, certificate: 1, certificate_name: 1, evidence: 1, audit_entry: 2 })) assert.equal(await count(table), rows, table);
  assert.equal(await count('intent', "state = 'signed'"), 1);
});

test('twenty calls with one reference: one certificate, one signature', async () => {
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => software.ca.issue(request())));
  assert.equal(outcomes.filter((outcome) => outcome.kind === 'issued' && outcome.first).length, 1);
  assert.ok(outcomes.every((outcome) => outcome.kind !== 'refused'));
  assert.equal(software.signatures, 1);
  assert.equal(await count('certificate'), 1);
  const again = await software.ca.issue(request());
  assert.ok(again.kind === 'issued' && !again.first);
});

test('all reasons at once, and nothing is written', async () => {
  const outcome = await software.ca.issue(request({
    names: [{ type: 'dns', value: 'www.example.com' }, { type: 'dns', value: 'ok.internal' }, { type: 'ip', value: '8.8.8.8' }],
    publicKey: generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' }),
    notAfter: clock.now() + 400 * 86_400_000,
  }));
  assert.deepEqual(kinds(outcome).sort(), ['bad-key', 'name-not-allowed', 'name-not-allowed', 'validity-not-allowed']);
  for (const table of ['intent', 'certificate', 'evidence', 'audit_entry']) assert.equal(await count(table), 0, table);
  assert.equal(software.signatures, 0);
});

test('a key of the CA itself, an unknown profile, an internal one', async () => {
  const issuer = parseCertificate(software.ca.chain('development-1')[0] as Uint8Array).tbs.spki;
  assert.deepEqual(kinds(await software.ca.issue(request({ publicKey: issuer }))), ['bad-key']);
  assert.deepEqual(kinds(await software.ca.issue(request({ profile: 'sevrer' }))), ['profile-unknown']);
  assert.notEqual((await software.ca.issue(request({ profile: 'self' }))).kind, 'issued');
});

test('the signer cannot answer: pending, the intent stays open, a second call is pending too', async () => {
  software.signing = 'unavailable';
  assert.deepEqual(kinds(await software.ca.issue(request())), ['pending']);
  software.signing = 'ok';
  assert.deepEqual(kinds(await software.ca.issue(request())), ['pending']);
  assert.equal(await count('intent', "state = 'open'"), 1);
  assert.deepEqual(await software.ca.progress('default', 'order-1'), { kind: 'open' });
});

test('the signer refuses: the intent is closed with its reason, and the reference is free again', async () => {
  software.signing = 'refuse';
  assert.deepEqual(kinds(await software.ca.issue(request())), ['not-lawful']);
  assert.equal(await count('intent', "state = 'closed'"), 1);
  assert.deepEqual(await software.ca.progress('default', 'order-1'), { kind: 'none' });
  software.signing = 'ok';
  assert.equal((await software.ca.issue(request())).kind, 'issued');
});

test("what the door commits together with the intent did not hold: 'moved-on', and nothing is written", async () => {
  const never = rawStatement("update lease set holder = 'x' where name = 'no such lease'");
  assert.deepEqual(kinds(await software.ca.issue(request({ together: [{ statement: never, values: {} }] }))), ['moved-on']);
  assert.equal(await count('intent'), 0);
  assert.equal(await count('audit_entry'), 0);
});

test('T-INC-15 validity: exactly what was asked within the profile, or refused: no certificate is dated back', async () => {
  const notAfter = clock.now() + 5 * 86_400_000;
  const outcome = await software.ca.issue(request({ notAfter }));
  assert.ok(outcome.kind === 'issued' && outcome.certificate.notAfter === notAfter);
  for (const asked of [{ notAfter: clock.now() - 1000 }, { notBefore: clock.now() + 60_000 }, { notBefore: clock.now() - 7_200_000 }]) {
    assert.deepEqual(kinds(await software.ca.issue(request({ requestRef: 'order-2', ...asked }))), ['validity-not-allowed']);
  }
});

test('evidence of a hundred authorizations is kept in parts of at most 8 KiB', async () => {
  const names = Array.from({ length: 100 }, (_, index) => ({ type: 'dns' as const, value: `host-${index}.internal` }));
  const authorizations = names.map(({ value }) => ({ identifier: value, type: 'http-01', address: '192.168.1.1', at: clock.now(), filler: 'x'.repeat(200) }));
  assert.equal((await software.ca.issue(request({ names, evidence: { authorizations } }))).kind, 'issued');
  const rows = await database.many<{ body: string }>(rawStatement('select body from evidence'));
  assert.ok(rows.length > 3);
  assert.ok(rows.every(({ body }) => Buffer.byteLength(body) <= 8192));
});

test('the sequencer numbers every entry once, without a gap', async () => {
  for (let index = 0; index < 5; index += 1) await software.ca.issue(request({ requestRef: `order-${index}` }));
  await Promise.all([software.ca.work.sequenceAudit(), software.ca.work.sequenceAudit()]);
  const rows = await database.many<{ seq: number }>(rawStatement('select seq from audit_entry order by seq'));
  assert.deepEqual(rows.map(({ seq }) => seq), Array.from({ length: 10 }, (_, index) => index + 1));
});

test('CRL numbers go up, also when the clock goes back', async () => {
  assert.equal(await software.ca.work.publishCrls(), 0);
  const numbers = async (): Promise<number[]> => (await database.many<{ number: number }>(rawStatement('select number from crl order by shard'))).map(({ number }) => number);
  const first = await numbers();
  assert.equal(first.length, 8);
  await software.ca.work.publishCrls();
  assert.deepEqual(await numbers(), first, 'a fresh shard is left alone');
  clock.time += 8 * 86_400_000;
  await software.ca.work.publishCrls();
  const second = await numbers();
  assert.ok(second.every((number, shard) => number > (first[shard] ?? 0)));
  clock.time -= 8 * 86_400_000;
});
