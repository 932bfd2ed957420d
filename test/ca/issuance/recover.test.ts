/** Recovery, in process: what was signed is recorded, what was not is issued anew, and one bad intent stands in nobody's way. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { type Database, openDatabase, rawStatement } from '../../../src/database/database.ts';
import { migrate } from '../../../src/database/migrate.ts';
import { forgetDaysBefore } from '../../../src/database/partitions.ts';
import { readEvidence } from '../../../src/ca/issuance/evidence.ts';
import type { DoorEvidence, Requester } from '../../../src/ca/index.ts';
import { openSoftwareCa, type SoftwareCa } from '../../support/software-ca.ts';
import { startSqlite } from '../../support/sqlite.ts';

const sqlite = startSqlite();
after(() => sqlite.stop());
const clock = { time: Date.parse('2026-11-22T12:00:00Z'), now: () => clock.time };
const loaded = loadConfig('ca-config', '/nowhere');
if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
const { generation } = loaded;
let database: Database;
let software: SoftwareCa;
beforeEach(async () => {
  database = await openDatabase(await sqlite.createDatabase());
  await migrate(database);
  software = openSoftwareCa({ database, clock, generation: () => generation });
  software.recovering = 'truth';
});

const MINUTE = 60_000;
const ask = (reference: string, more: Partial<Requester> = {}, evidence: DoorEvidence = { request: { jws: 'x' } }) => software.ca.issue({
  realm: 'default', door: 'test', profile: 'server', names: [{ type: 'dns', value: `${reference}.internal` }], requestRef: reference,
  publicKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' }),
  requester: { kind: 'acme-account', id: 'a', policies: ['private-names'], ...more }, evidence,
});
const states = async (): Promise<string[]> =>
  (await database.many<{ state: string }>(rawStatement('select state from intent order by created, state'))).map(({ state }) => state);
const change = (sql: string) => database.commit([{ statement: rawStatement(sql), values: {}, rows: 'any' }]);

test('signed, and the answer was lost: the certificate is recorded, nothing is signed again', async () => {
  software.signing = 'lose-answer';
  assert.equal((await ask('one')).kind, 'pending');
  assert.equal(await software.ca.work.recoverIntents(), 0, 'not before its deadline and 30 s more');
  clock.time += MINUTE;
  assert.equal(await software.ca.work.recoverIntents(), 1);
  assert.equal((await software.ca.progress('default', 'one')).kind, 'issued');
  assert.equal(software.signatures, 1);
});

test('not signed: the intent is closed, and the request is issued anew under another serial', async () => {
  software.signing = 'unavailable';
  assert.equal((await ask('one')).kind, 'pending');
  software.signing = 'ok';
  clock.time += MINUTE;
  await software.ca.work.recoverIntents();
  assert.deepEqual((await states()).toSorted(), ['closed', 'signed']);
  assert.equal((await software.ca.progress('default', 'one')).kind, 'issued');
});

test('issued anew, it is still the same requester: who signs for it, and what it may have at most', async () => {
  const bounds: Partial<Requester> = { group: 'default', restriction: { by: 'a credential', profiles: ['server'] } };
  software.signing = 'unavailable';
  await ask('bound', bounds);
  await ask('elsewhere', { group: 'default' });
  // What the evidence says binds, not what the profile would do by itself.
  await change(`update evidence set body = replace(body, '"group":"default","id":"a","kind":"acme-account","policies":["private-names"]}', '"group":"nobodys","id":"a","kind":"acme-account","policies":["private-names"]}')`);
  software.signing = 'ok';
  clock.time += MINUTE;
  await software.ca.work.recoverIntents();
  assert.equal((await software.ca.progress('default', 'bound')).kind, 'issued');
  const anew = await database.many<{ body: string }>(rawStatement("select e.body from certificate c join evidence e on e.digest = c.evidence_digest"));
  const [{ requester } = { requester: undefined }] = anew.map(({ body }) => JSON.parse(body) as { requester: Requester });
  assert.deepEqual(requester, { kind: 'acme-account', id: 'a', policies: ['private-names'], ...bounds });
  assert.equal((await software.ca.progress('default', 'elsewhere')).kind, 'none', 'no key of that group signs');
});

test('issued anew after midnight, evidence in parts stays whole for as long as the certificate does', async () => {
  clock.time = Date.parse('2026-11-22T07:59:40Z'); // a certificate of 160 hours ends at a minute to midnight
  const authorizations = Array.from({ length: 40 }, (_, index) => ({ index, seen: 'x'.repeat(400) }));
  const request = { payload: 'é"\\'.repeat(9000) };
  software.signing = 'unavailable';
  await ask('late', {}, { authorizations, request });
  software.signing = 'ok';
  clock.time += 12 * 60 * MINUTE;
  await software.ca.work.recoverIntents();
  const row = await database.one<{ day: number; evidence_digest: string }>(rawStatement('select day, evidence_digest from certificate'));
  assert.ok(row !== undefined);
  await forgetDaysBefore(database, row.day);
  const recorded = await readEvidence(database, 'default', row.evidence_digest);
  assert.deepEqual(recorded?.evidence, { authorizations, request });
});

test('no answer: the intent stays open', async () => {
  software.signing = 'unavailable';
  await ask('one');
  software.recovering = 'unavailable';
  clock.time += MINUTE;
  assert.equal(await software.ca.work.recoverIntents(), 0);
  assert.deepEqual(await states(), ['open']);
});

test('other bytes in the database than were signed: nothing is released, the intent stays open for an operator', async () => {
  software.signing = 'lose-answer';
  await ask('good');
  await ask('evil');
  const both = await database.many<{ id: string; request_ref: string; tbs: Uint8Array }>(rawStatement('select id, request_ref, tbs from intent'));
  const evil = both.find((row) => row.request_ref === 'evil');
  await database.commit([{ statement: rawStatement("update intent set tbs = :tbs where request_ref = 'good'"), values: { tbs: evil?.tbs ?? '' } }]);
  clock.time += MINUTE;
  await software.ca.work.recoverIntents();
  assert.equal((await software.ca.progress('default', 'good')).kind, 'open');
  assert.equal((await software.ca.progress('default', 'evil')).kind, 'issued');
});

test('an intent that cannot be read, and hundreds that cannot be settled, stand in nobody’s way', async () => {
  software.signing = 'lose-answer';
  await ask('broken');
  await change("update intent set tbs = x'00'");
  for (let index = 0; index < 130; index += 1) await ask(`orphan-${index}`);
  await change("update intent set issuer_key = 'gone' where request_ref like 'orphan-%'");
  clock.time += 1000;
  await ask('healthy');
  clock.time += MINUTE;
  await software.ca.work.recoverIntents();
  assert.equal((await software.ca.progress('default', 'healthy')).kind, 'issued');
  assert.equal((await software.ca.progress('default', 'broken')).kind, 'open');
  assert.equal((await software.ca.progress('default', 'orphan-7')).kind, 'open');
});
