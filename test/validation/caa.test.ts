// CAA over a real DNS responder: acme.md CA-01 to CA-09, IP-06, DR-2, §6.2; RFC 8659, RFC 8657.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { caaFault, type CaaQuestion } from '../../src/validation/caa.ts';
import type { ValidationResult } from '../../src/validation/index.ts';
import { openLab } from './lab.ts';

const ACCOUNT = 'https://ca.test/acme/account/1';
const FORMER = 'https://old.test/acme/account/1';
const lab = await openLab();
const { dns } = lab;
after(() => lab[Symbol.asyncDispose]());
beforeEach(() => dns.clear());

const ask = (name: string, more: Partial<CaaQuestion> = {}): Promise<ValidationResult> =>
  lab.validator.checkCaa(
    { name, wildcard: false, method: 'http-01', issuers: ['ca.test', 'second.test'], accountUrls: [ACCOUNT, FORMER], ...more },
    new AbortController().signal,
  );
const issue = (value: string, flags = 0) => ({ flags, tag: 'issue', value });
const property = (tag: string, value: string, flags = 0) => ({ flags, tag, value });

const allowed = (result: ValidationResult) => assert.ok(result.ok, JSON.stringify(result));
function denied(result: ValidationResult, detail: RegExp): void {
  assert.ok(!result.ok, 'was allowed');
  assert.equal(result.problem, 'caa');
  assert.equal(result.transient, false);
  assert.match(result.detail, detail);
}

test('CA-01: from the name up to its top-level domain, the first records that there are decide', async () => {
  dns.set('test', 'CAA', issue('other.test'));
  dns.set('b.test', 'CAA', issue('ca.test'));
  allowed(await ask('x.a.b.test'));
  assert.deepEqual(dns.questions.map((question) => question.replace('udp CAA ', '')), ['x.a.b.test', 'a.b.test', 'b.test']);
  denied(await ask('c.test'), /^CAA does not allow it: the CAA records of test do not name this certificate authority\.$/);
  dns.set('x.a.b.test', 'CAA', issue('other.test'));
  denied(await ask('x.a.b.test'), /the CAA records of x\.a\.b\.test/);
});

test('CA-01: no records anywhere allow it, and each domain was asked', async () => {
  const result = await ask('x.y.test');
  allowed(result);
  assert.equal(dns.questions.length, 3);
  assert.equal(result.evidence.caa?.domain, undefined);
  assert.ok((result.evidence.caa?.at ?? 0) > 0);
});

test('CA-01: a CNAME is followed at each step, and its target is not climbed from', async () => {
  dns.set('a.b.test', 'CNAME', 'deep.elsewhere.example');
  dns.set('elsewhere.example', 'CAA', issue('other.test'));
  dns.set('b.test', 'CAA', issue('ca.test'));
  allowed(await ask('a.b.test'));
  dns.set('deep.elsewhere.example', 'CAA', issue(';'));
  denied(await ask('a.b.test'), /the CAA records of a\.b\.test/);
});

test('CA-02: records without issue or issuewild allow it', async () => {
  dns.set('a.test', 'CAA', property('iodef', 'mailto:x@a.test'));
  allowed(await ask('a.test'));
  dns.set('a.test', 'CAA', property('future', 'whatever'), property('contactemail', 'x@a.test'));
  allowed(await ask('a.test'));
});

test('CA-03: an issue of nobody allows nobody', async () => {
  for (const value of [';', '', 'other.test', 'ca.test.evil.test', 'xca.test', 'ca.test; broken', 'ca test']) {
    dns.set('a.test', 'CAA', issue(value));
    denied(await ask('a.test'), /do not name this certificate authority/);
  }
});

test('CA-04, B#8643, B#8033: issuewild speaks for wildcards, and for nothing else', async () => {
  dns.set('a.test', 'CAA', issue('ca.test'), property('issuewild', ';'));
  allowed(await ask('a.test'));
  denied(await ask('a.test', { wildcard: true }), /do not name/);
  dns.set('a.test', 'CAA', issue(';'), property('ISSUEWILD', 'CA.test'));
  denied(await ask('a.test'), /do not name/);
  allowed(await ask('a.test', { wildcard: true }));
  dns.set('a.test', 'CAA', property('issuewild', ';'));
  allowed(await ask('a.test'));
  denied(await ask('a.test', { wildcard: true }), /do not name/);
  dns.set('a.test', 'CAA', issue('ca.test'));
  allowed(await ask('a.test', { wildcard: true }));
});

test('CA-05: an unknown property stops it only when critical; tags and issuers in any case', async () => {
  dns.set('a.test', 'CAA', issue('ca.test'), property('future', 'x', 128));
  denied(await ask('a.test'), /have the critical property "future", which is not understood here/);
  dns.set('a.test', 'CAA', issue('ca.test'), property('future', 'x', 1));
  denied(await ask('a.test'), /critical/);
  dns.set('a.test', 'CAA', property('IsSuE', ' CA.TEST ', 128), property('iodef', 'mailto:x@a.test', 128), property('future', 'x', 64));
  allowed(await ask('a.test'));
  dns.set('a.test', 'CAA', issue('ca.test'), property('no tag', 'x', 128));
  denied(await ask('a.test'), /critical/);
});

test('CA-06: a resolver that fails, refuses or is silent is a fault of ours, tried again; nothing is allowed meanwhile', async () => {
  dns.set('b.test', 'CAA', issue('ca.test'));
  for (const fault of ['servfail', 'refused', 'drop', 'garbage'] as const) {
    dns.fail('a.b.test', fault);
    const result = await ask('a.b.test');
    assert.ok(!result.ok, fault);
    assert.equal(result.problem, 'dns');
    assert.equal(result.transient, true);
    assert.match(result.detail, /^Looking up CAA records for a\.b\.test: /);
  }
  dns.fail('a.b.test', 'nxdomain');
  allowed(await ask('a.b.test'));
});

test('CA-06, DR-2, B#8839: a truncated answer is asked for over TCP, and never used as it is', async () => {
  dns.set('a.test', 'CAA', issue('ca.test'), property('future', 'x', 128));
  dns.fail('a.test', 'truncate-partial');
  denied(await ask('a.test'), /critical/);
  assert.deepEqual(dns.questions, ['udp CAA a.test', 'tcp CAA a.test']);
  dns.clear();
  dns.set('a.test', 'CAA', ...Array.from({ length: 60 }, (_, i) => issue(`other${i}.example.test`)), issue('ca.test'));
  allowed(await ask('a.test'));
  assert.equal(dns.questions.at(-1), 'tcp CAA a.test');
});

test('CA-07: accounturi is compared as it stands, with the URLs that the account has and had', async () => {
  for (const url of [ACCOUNT, FORMER]) {
    dns.set('a.test', 'CAA', issue(`ca.test; accounturi=${url}`));
    allowed(await ask('a.test'));
  }
  for (const url of [`${ACCOUNT}/`, ACCOUNT.toUpperCase(), 'https://ca.test/acme/account/2', '']) {
    dns.set('a.test', 'CAA', issue(`ca.test; accounturi=${url}`));
    denied(await ask('a.test'), /allow another account than https:\/\/ca\.test\/acme\/account\/1/);
  }
  dns.set('a.test', 'CAA', issue('ca.test; accounturi=https://ca.test/acme/account/2'), issue(`ca.test; accounturi=${ACCOUNT}`));
  allowed(await ask('a.test'));
});

test('CA-07: validationmethods lists the methods that may be used', async () => {
  dns.set('a.test', 'CAA', issue('ca.test; validationmethods=dns-01,http-01'));
  allowed(await ask('a.test'));
  denied(await ask('a.test', { method: 'tls-alpn-01' }), /do not allow validation by tls-alpn-01/);
  for (const list of ['', 'http', 'HTTP-01', 'dns-01,', 'xhttp-01']) {
    dns.set('a.test', 'CAA', issue(`ca.test; validationmethods=${list}`));
    denied(await ask('a.test'), /do not allow validation by http-01/);
  }
});

test('CA-07: a repeated or malformed parameter spoils its own record, and no other', async () => {
  for (const value of [`ca.test; accounturi=${ACCOUNT}; accounturi=${ACCOUNT}`, 'ca.test; validationmethods=http-01; validationmethods=http-01', 'ca.test; accounturi']) {
    dns.set('a.test', 'CAA', issue(value));
    denied(await ask('a.test'), /allow nobody|do not name/);
    dns.set('a.test', 'CAA', issue(value), issue('second.test'));
    allowed(await ask('a.test'));
  }
  dns.set('a.test', 'CAA', issue('ca.test; unknown=parameter'));
  allowed(await ask('a.test'));
});

test('CA-08: asked with a proof, at the name without its asterisk, and kept as evidence', async () => {
  const serve = (c: { token: string; keyAuthorization: string }) => lab.http.set(c.token, c.keyAuthorization);
  dns.set('a.test', 'A', '127.0.0.1');
  dns.set('a.test', 'CAA', issue('ca.test'));
  const proven = await lab.prove('http-01', 'a.test', serve, { caa: true });
  allowed(proven);
  assert.deepEqual({ ...proven.evidence.caa, at: 0 }, { at: 0, domain: 'a.test', records: ['0 issue ca.test'] });
  dns.set('a.test', 'CAA', issue('other.test'));
  denied(await lab.prove('http-01', 'a.test', serve, { caa: true }), /do not name/);
  allowed(await lab.prove('http-01', 'a.test', serve));
});

test('CA-08: a host that does not prove control costs no CAA lookup', async () => {
  dns.set('a.test', 'A', '127.0.0.1');
  const result = await lab.prove('http-01', 'a.test', undefined, { caa: true });
  assert.ok(!result.ok && result.problem === 'unauthorized');
  assert.equal(dns.questions.some((question) => question.includes('CAA')), false);
});

test('IP-06, B#8153: no CAA for addresses', async () => {
  allowed(await lab.prove('http-01', '127.0.0.1', (c) => lab.http.set(c.token, c.keyAuthorization), { caa: true }));
  assert.deepEqual(dns.questions, []);
});

test('property: only a record that names this CA allows it, once anything is said about issuing', () => {
  const value = fc.oneof(fc.string(), fc.constantFrom('ca.test', 'CA.test ;', 'other.test', ';', 'ca.test; a=b', 'ca.test; validationmethods=dns-01'));
  const record = fc.tuple(fc.nat(255), fc.oneof(fc.constantFrom('issue', 'issuewild', 'iodef'), fc.stringMatching(/^[a-z0-9]{1,8}$/)), value);
  fc.assert(fc.property(fc.array(record, { maxLength: 6 }), fc.boolean(), (records, wildcard) => {
    const texts = records.map(([flags, tag, text]) => `${flags} ${tag} ${text}`);
    const fault = caaFault(texts, { wildcard, method: 'http-01', issuers: ['ca.test'], accountUrls: [ACCOUNT] });
    if (fault !== undefined) return;
    const speaking = records.filter(([, tag]) => tag === 'issue' || (wildcard && tag === 'issuewild'));
    assert.ok(speaking.length === 0 || speaking.some(([, , text]) => /^[ \t]*ca\.test[ \t]*(;|$)/i.test(text)), JSON.stringify(records));
    assert.ok(records.every(([flags, tag]) => (flags & 0x80) === 0 || ['issue', 'issuewild', 'iodef', 'issuemail', 'contactemail', 'contactphone'].includes(tag)));
  }), { numRuns: 5000 });
});
