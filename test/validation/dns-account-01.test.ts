// dns-account-01 over a real DNS responder: acme.md DA-01 to DA-03.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { accountLabel } from '../../src/validation/dns-account-01.ts';
import { type Challenge, openLab } from './lab.ts';

const lab = await openLab();
const { dns } = lab;
after(() => lab[Symbol.asyncDispose]());
beforeEach(() => dns.clear());

const ACCOUNT = 'https://ca.test/acme/account/1';
const FORMER = 'https://old.test/acme/account/1';
const nameFor = (url: string) => `${accountLabel(url)}._acme-challenge.a.test`;
const digest = (c: Challenge) => createHash('sha256').update(c.keyAuthorization).digest('base64url');

test('DA-01: the label of the draft’s own example', () => {
  assert.equal(accountLabel('https://example.com/acme/acct/ExampleAccount'), '_ujmmovf2vn55tgye');
});

test('DA-01, DA-02: the digest at the account’s own name, for wildcards too, through a CNAME too', async () => {
  for (const name of ['a.test', '*.a.test']) {
    assert.ok((await lab.prove('dns-account-01', name, (c) => dns.set(nameFor(ACCOUNT), 'TXT', 'old', digest(c)))).ok);
  }
  dns.set(nameFor(ACCOUNT), 'CNAME', 'a.elsewhere.test');
  assert.ok((await lab.prove('dns-account-01', 'a.test', (c) => dns.set('a.elsewhere.test', 'TXT', digest(c)))).ok);
});

test('DA-01: a record that was made under a former external URL counts', async () => {
  const more = { accountUrls: [ACCOUNT, FORMER] };
  assert.ok((await lab.prove('dns-account-01', 'a.test', (c) => dns.set(nameFor(FORMER), 'TXT', digest(c)), more)).ok);
  dns.set(nameFor(ACCOUNT), 'TXT', 'wrong');
  assert.ok((await lab.prove('dns-account-01', 'a.test', (c) => dns.set(nameFor(FORMER), 'TXT', digest(c)), more)).ok);
});

test('DA-02: a failure names the account; neither another account’s record nor that of dns-01 counts', async () => {
  const put = (name: string) => (c: Challenge) => dns.set(name, 'TXT', digest(c));
  for (const name of [nameFor('https://ca.test/acme/account/2'), '_acme-challenge.a.test']) {
    const result = await lab.prove('dns-account-01', 'a.test', put(name), { accountUrls: [ACCOUNT, FORMER] });
    assert.ok(!result.ok && result.problem === 'dns' && !result.transient);
    assert.match(result.detail, /NXDOMAIN\)\. The label is that of the account https:\/\/ca\.test\/acme\/account\/1\.$/);
  }
  dns.set(nameFor(ACCOUNT), 'TXT', 'wrong');
  const result = await lab.prove('dns-account-01', 'a.test');
  assert.ok(!result.ok && result.problem === 'unauthorized');
  assert.match(result.detail, /none with the digest.* The label is that of the account https:/);
});

test('DA-02: a resolver that fails is our side’s fault', async () => {
  dns.fail(nameFor(ACCOUNT), 'servfail');
  const result = await lab.prove('dns-account-01', 'a.test');
  assert.ok(!result.ok && result.transient);
});
