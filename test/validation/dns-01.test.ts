// dns-01 over real sockets: acme.md H-06, H-07, IP-02.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import type { ValidationProblem, ValidationResult } from '../../src/validation/index.ts';
import { type Challenge, openLab } from './lab.ts';

const lab = await openLab();
const { dns } = lab;
after(() => lab[Symbol.asyncDispose]());
beforeEach(() => dns.clear());

const NAME = '_acme-challenge.a.test';
const digest = (c: Challenge) => createHash('sha256').update(c.keyAuthorization).digest('base64url');
const publish = (...others: string[]) => (c: Challenge) => dns.set(NAME, 'TXT', ...others, digest(c));

function failed(result: ValidationResult, problem: ValidationProblem, detail: RegExp, transient = false): void {
  assert.ok(!result.ok, 'was proven');
  assert.match(result.detail, detail);
  assert.equal(result.problem, problem);
  assert.equal(result.transient, transient);
  assert.match(result.detail, /^[\x20-\x7e…]{1,400}$/);
}
const proven = (result: ValidationResult) => assert.ok(result.ok, JSON.stringify(result));

test('H-06: the digest in the TXT record of _acme-challenge, and evidence of it', async () => {
  const result = await lab.prove('dns-01', 'a.test', publish());
  proven(result);
  assert.equal(result.evidence.resolver, `127.0.0.1#${dns.port}`);
  assert.equal(result.evidence.lookups?.[0]?.name, NAME);
});

test('H-06: for a wildcard the same name without its asterisk', async () => {
  proven(await lab.prove('dns-01', '*.a.test', publish()));
});

test('H-06: any one of several records', async () => {
  proven(await lab.prove('dns-01', 'a.test', publish('old', 'older')));
});

test('H-06: a record in several strings', async () => {
  proven(await lab.prove('dns-01', 'a.test', (c) => dns.set(NAME, 'TXT', [digest(c).slice(0, 10), digest(c).slice(10)])));
});

test('H-06: a CNAME into another zone', async () => {
  dns.set(NAME, 'CNAME', 'a.acme.elsewhere.test');
  proven(await lab.prove('dns-01', 'a.test', (c) => dns.set('a.acme.elsewhere.test', 'TXT', digest(c))));
});

test('H-06: case, padding and whitespace count', async () => {
  for (const change of [(text: string) => text.toLowerCase(), (text: string) => `${text}=`, (text: string) => ` ${text}`, (text: string) => `${text} `, () => '']) {
    failed(await lab.prove('dns-01', 'a.test', (c) => dns.set(NAME, 'TXT', change(digest(c)))), 'unauthorized', /has one TXT record, but none with the digest/);
  }
});

test('H-06: the key authorization itself is not its digest', async () => {
  failed(await lab.prove('dns-01', 'a.test', (c) => dns.set(NAME, 'TXT', c.keyAuthorization)), 'unauthorized', /none with the digest/);
});

test('H-07: no name, no record, wrong record', async () => {
  failed(await lab.prove('dns-01', 'a.test'), 'dns', /_acme-challenge\.a\.test: the name does not exist/);
  dns.set(NAME, 'A', '10.0.0.1');
  failed(await lab.prove('dns-01', 'a.test'), 'unauthorized', /_acme-challenge\.a\.test has no TXT record/);
  dns.set(NAME, 'TXT', 'one', 'two');
  failed(await lab.prove('dns-01', 'a.test'), 'unauthorized', /has 2 TXT records, but none with the digest of this challenge; the first is "one"/);
});

test('H-07: what is repeated of a record is short and printable, and nothing of a zone that a CNAME leads to', async () => {
  dns.set(NAME, 'TXT', ['\u001b[31m', 'x'.repeat(255), 'y'.repeat(255)]);
  failed(await lab.prove('dns-01', 'a.test'), 'unauthorized', /the first is "\?\[31mx{59}…"\.$/);
  dns.set(NAME, 'CNAME', 'internal.test');
  dns.set('internal.test', 'TXT', 'secret');
  const result = await lab.prove('dns-01', 'a.test');
  assert.ok(!result.ok);
  assert.doesNotMatch(result.detail, /secret/);
});

test('H-07: a resolver that fails, refuses or is silent is our side’s fault, and transient', async () => {
  for (const fault of ['servfail', 'refused', 'drop', 'garbage', 'wrong-id'] as const) {
    dns.fail(NAME, fault);
    failed(await lab.prove('dns-01', 'a.test', publish()), 'dns', /^Looking up TXT records for _acme-challenge\.a\.test: /, true);
  }
});

test('DR-2: over TCP when truncated', async () => {
  dns.fail(NAME, 'truncate-partial');
  proven(await lab.prove('dns-01', 'a.test', publish('first')));
});

test('IP-02: not for IP addresses', async () => {
  failed(await lab.prove('dns-01', '127.0.0.1'), 'unauthorized', /cannot prove control/);
  assert.deepEqual(dns.questions, []);
});
