// dns-persist-01 over a real DNS responder: acme.md DP-02 to DP-05, DP-08, DP-10.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import type { ValidationInput } from '../../src/validation/index.ts';
import { openLab } from './lab.ts';

const lab = await openLab();
const { dns } = lab;
after(() => lab[Symbol.asyncDispose]());
beforeEach(() => dns.clear());

const ACCOUNT = 'https://ca.test/acme/account/1';
const NAME = '_validation-persist.a.test';
const put = (...records: (string | string[])[]) => dns.set(NAME, 'TXT', ...records);
const prove = (name = 'a.test', more: Partial<ValidationInput> = {}) =>
  lab.prove('dns-persist-01', name, undefined, { issuers: ['ca.test', 'second.test'], ...more });

async function failed(problem: string, detail: RegExp, name?: string, more?: Partial<ValidationInput>): Promise<void> {
  const result = await prove(name, more);
  assert.ok(!result.ok, 'was proven');
  assert.equal(result.problem, problem, result.detail);
  assert.match(result.detail, detail);
  assert.equal(result.transient, false);
}

test('DP-02, DP-08: a record with an issuer’s name and the account’s URL; long ones in several strings', async () => {
  for (const record of [`ca.test; accounturi=${ACCOUNT}`, `SECOND.test ;accounturi=${ACCOUNT}`, [`ca.test; ACCOUNTuri=`, ACCOUNT, `; other=${'x'.repeat(200)}`]]) {
    put(record);
    assert.ok((await prove()).ok, JSON.stringify(record));
  }
});

test('DP-03: records of other issuers, and other TXT records, are passed over', async () => {
  put('v=spf1 -all', `other.test; accounturi=${ACCOUNT}`);
  await failed('unauthorized', /has no record for ca\.test or second\.test/);
  put('v=spf1 -all', `other.test; accounturi=${ACCOUNT}`, `ca.test; accounturi=${ACCOUNT}`);
  assert.ok((await prove()).ok);
});

test('DP-03: what is malformed in a record of ours', async () => {
  const rows: [string, RegExp][] = [
    ['ca.test', /has no "accounturi"/],
    [`ca.test; accounturi=${ACCOUNT}; accounturi=${ACCOUNT}`, /has "accounturi" more than once/],
    [`ca.test; accounturi=${ACCOUNT}; policy=a; POLICY=b`, /has "policy" more than once/],
    [`ca.test; accounturi=${ACCOUNT}; persistUntil=soon`, /"persistUntil" that is no number/],
    [`ca.test; accounturi=${ACCOUNT}; persistUntil=1.5`, /"persistUntil" that is no number/],
    [`ca.test; accounturi=${ACCOUNT}; persistUntil=-1`, /"persistUntil" that is no number/],
  ];
  for (const [record, detail] of rows) {
    put(record);
    await failed('malformed', detail);
  }
});

test('DP-03: another account, another spelling of the account, and a time that is past', async () => {
  for (const url of ['https://ca.test/acme/account/2', ACCOUNT.toUpperCase(), `${ACCOUNT}/`]) {
    put(`ca.test; accounturi=${url}`);
    await failed('unauthorized', /is for another account than https:\/\/ca\.test\/acme\/account\/1/);
  }
  put(`ca.test; accounturi=${ACCOUNT}; persistUntil=${Math.floor(Date.now() / 1000) - 2}`);
  await failed('unauthorized', /"persistUntil", and that is past/);
  put(`ca.test; accounturi=${ACCOUNT}; persistuntil=${Math.floor(Date.now() / 1000) + 60}`);
  assert.ok((await prove()).ok);
});

test('DP-04: one record that fits is enough', async () => {
  put('ca.test', `ca.test; accounturi=https://ca.test/acme/account/2`, `second.test; accounturi=${ACCOUNT}`);
  assert.ok((await prove()).ok);
});

test('DP-05: wildcards, and whole domains, need policy=wildcard', async () => {
  put(`ca.test; accounturi=${ACCOUNT}`);
  await failed('unauthorized', /does not speak for wildcards/, '*.a.test');
  await failed('unauthorized', /does not speak for names below it/, 'a.test', { subdomains: true });
  put(`ca.test; accounturi=${ACCOUNT}; policy=WildCard`);
  assert.ok((await prove('*.a.test')).ok);
  assert.ok((await prove('a.test', { subdomains: true })).ok);
  put(`ca.test; accounturi=${ACCOUNT}; policy=other`);
  assert.ok((await prove()).ok);
  await failed('unauthorized', /does not speak for wildcards/, '*.a.test');
});

test('DP-05: a record at the parent says nothing about a name below it', async () => {
  put(`ca.test; accounturi=${ACCOUNT}; policy=wildcard`);
  for (const name of ['b.a.test', 'xa.test']) {
    const result = await prove(name);
    assert.ok(!result.ok && result.problem === 'dns', name);
  }
});

test('DP-10: a parameter that is empty or left open is no record of ours', async () => {
  for (const record of [`ca.test; accounturi=${ACCOUNT};`, `ca.test;; accounturi=${ACCOUNT}`, `ca.test; policy; accounturi=${ACCOUNT}`]) {
    put(record);
    await failed('unauthorized', /has no record for/);
  }
});

test('DP-10: a former URL of the account counts', async () => {
  put('ca.test; accounturi=https://old.test/acme/account/1');
  assert.ok((await prove('a.test', { accountUrls: [ACCOUNT, 'https://old.test/acme/account/1'] })).ok);
});
