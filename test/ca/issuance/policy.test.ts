/** Who may have which names: a table of decisions, and what each refusal says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide, type Question, type Rules } from '../../../src/ca/issuance/policy.ts';
import type { NameRules, Policy, Profile } from '../../../src/config/generation.ts';
import { range } from '../../../src/config/values.ts';
import type { Name } from '../../../src/x509/name.ts';

type Written = Partial<Omit<NameRules, 'addresses'>> & { addresses?: readonly string[] };

const rulesOf = ({ addresses = [], ...rules }: Written = {}): NameRules => ({
  names: [], suffixes: [], wildcards: [], uris: [], subject: {}, ...rules, addresses: addresses.map(range),
});

const policy = (name: string, allow: Written, deny: Written = {}, more: Partial<Policy> = {}): Policy =>
  ({ name, description: name, allow: rulesOf(allow), deny: rulesOf(deny), ...more });

const profile = (name: string, shape: Partial<Profile['shape']> = {}, more: Partial<Profile> = {}): Profile => ({
  name, description: name, group: 'default', internal: false, hold: false, requiredSubject: [], renewal: { fromPercent: 45, toPercent: 55 }, ...more,
  shape: {
    profile: name, keyUsage: ['digitalSignature'], extendedKeyUsage: ['serverAuth'], nameTypes: ['dns', 'ip', 'uri', 'email'], maxNames: 3,
    spiffe: false, subject: [], validityMs: 1, maxValidityMs: 1, backdateMs: 1, ...shape,
  },
});

const PROFILES = [
  profile('any'),
  profile('server', { nameTypes: ['dns', 'ip'] }),
  profile('workload', { nameTypes: ['uri'], spiffe: true, maxNames: 1 }),
  profile('device', { nameTypes: ['dns'], subject: ['serialNumber', 'commonName'] }, { requiredSubject: ['serialNumber'] }),
  profile('self', { nameTypes: ['dns'] }, { internal: true }),
];

const rules = (policies: readonly Policy[], more: Partial<Rules> = {}): Rules => ({
  profiles: new Map(PROFILES.map((each) => [each.name, each])), policies: new Map(policies.map((each) => [each.name, each])),
  groups: new Map(), issuers: new Map(), ...more,
});

/** As an operator thinks of it: an address, a URI, a mail address, or else a DNS name. */
const nameOf = (value: string): Name => ({
  type: value.includes('://') ? 'uri' : value.includes('@') ? 'email' : /^[0-9.]+$|:/.test(value) ? 'ip' : 'dns', value,
});

const ask = (policies: readonly Policy[], names: readonly string[], more: Partial<Question> = {}, from: Partial<Rules> = {}) =>
  decide(rules(policies, from), {
    profile: 'any', names: names.map(nameOf), requester: { kind: 'acme-account', id: 'alice', policies: policies.map(({ name }) => name) }, ...more,
  });

const MATCHING: readonly { readonly allow: Written; readonly deny?: Written; readonly yes: readonly string[]; readonly no: readonly string[] }[] = [
  { // suffixes end at labels, and cover themselves as RFC 5280 §4.2.1.10 has it
    allow: { suffixes: ['example.internal'] },
    yes: ['example.internal', 'a.example.internal', 'b.a.example.internal'],
    no: ['badexample.internal', 'bad-example.internal', 'example.internal.evil', 'internal', 'ample.internal', '*.example.internal', 'a.example.internal.a', '10.0.0.1'],
  },
  { allow: { names: ['nas', 'a.test'] }, yes: ['nas', 'a.test'], no: ['nas.test', 'b.a.test', 'as', '*.a.test', 'a.test.nas'] },
  { // a wildcard needs permission in so many words
    allow: { wildcards: ['lan'] },
    yes: ['*.lan', '*.home.lan'],
    no: ['lan', 'a.lan', '*.badlan', '*.test'],
  },
  { allow: { names: ['*.one.test'], suffixes: ['test'] }, yes: ['*.one.test', 'a.one.test'], no: ['*.two.test', '*.a.one.test', '*.test'] },
  { // and must not straddle what is denied, however deep
    allow: { suffixes: ['test'], wildcards: ['test'] }, deny: { suffixes: ['secret.test'] },
    yes: ['a.test', '*.a.test', 'notsecret.test', '*.notsecret.test'],
    no: ['secret.test', 'x.secret.test', '*.secret.test', '*.x.secret.test', '*.test'],
  },
  {
    allow: { suffixes: ['test'], wildcards: ['test'] }, deny: { names: ['boss.a.test'] },
    yes: ['a.test', 'x.a.test', 'x.boss.a.test', '*.boss.a.test', '*.b.test'],
    no: ['boss.a.test', '*.a.test', '*.test'],
  },
  { allow: { suffixes: ['test'], wildcards: ['test'] }, deny: { wildcards: ['a.test'] }, yes: ['a.test', 'x.a.test', '*.b.test', '*.test'], no: ['*.a.test', '*.x.a.test'] },
  { allow: { wildcards: ['test'] }, deny: { names: ['*.a.test'] }, yes: ['*.b.test', '*.x.a.test'], no: ['*.a.test', '*.test'] },
  { // ranges end at their bits, and families are strangers
    allow: { addresses: ['10.0.0.0/8', '192.168.4.0/22', '172.16.0.1', 'fc00::/7', '2001:db8::/33'] },
    yes: ['10.0.0.0', '10.255.255.255', '192.168.4.0', '192.168.7.255', '172.16.0.1', 'fc00::1', 'fdff:ffff::1', '2001:db8:7fff::1'],
    no: ['11.0.0.0', '9.255.255.255', '192.168.3.255', '192.168.8.0', '172.16.0.2', 'fe00::1', '2001:db8:8000::1', 'a.test'],
  },
  { // an IPv4 address in IPv6 clothes is neither, nor is any other text that is not canonical
    allow: { addresses: ['0.0.0.0/0', '::/0'] }, deny: { addresses: ['127.0.0.0/8', '::1'] },
    yes: ['10.0.0.1', '2001:db8::1', '::2'],
    no: ['127.0.0.1', '127.255.0.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:0:0:1', '010.0.0.1', 'FE80::A', '10.0.0'],
  },
  {
    allow: { uris: ['spiffe://td.test/ns/*/sa/*', 'https://app.test/**'] }, deny: { uris: ['https://app.test/admin/**', 'https://app.test/root'] },
    yes: ['spiffe://td.test/ns/a/sa/b', 'https://app.test/x', 'https://app.test/x/y/z', 'https://app.test/admin'],
    no: [
      'spiffe://td.test/ns/a/sa', 'spiffe://td.test/ns/a/sa/b/c', 'spiffe://td.test.evil/ns/a/sa/b', 'spiffe://evil/ns/a/sa/b', 'spiffe://*/ns/a/sa/b',
      'https://app.test', 'https://app.test/', 'https://app.test/root', 'https://app.test/admin/x', 'https://app.test/x/../admin/x', 'https://app.test/%61dmin/x',
      'https://app.test//admin/x', 'HTTPS://app.test/x', 'https://app.test/x?y', 'https://app.test/x#y', 'https://me@app.test/x', 'https://app.test:443/x',
    ],
  },
  { allow: { suffixes: ['test'], names: ['a@b.test'] }, yes: [], no: ['a@b.test', 'A.test', 'a_b.test', 'a.test.', '*.*.test', 'a*.test', '', '127.1'] },
];

for (const { allow, deny, yes, no } of MATCHING) {
  const called = JSON.stringify({ allow, deny });
  test(`policy: ${called}`, () => {
    const written = policy('p', allow, deny);
    for (const name of yes) assert.deepEqual(ask([written], [name]), [], `${name} should be allowed`);
    for (const name of no) assert.ok(ask([written], [name]).length > 0, `${name} should be refused`);
  });
}

test('policy: a refusal names the name, the policy and the remedy', () => {
  const [reason] = ask([policy('laptop', { suffixes: ['test'] })], ['www.example.com']);
  assert.deepEqual(reason, {
    kind: 'name-not-allowed', name: { type: 'dns', value: 'www.example.com' }, policy: 'laptop',
    detail: 'www.example.com is not allowed by policy "laptop"',
    remedy: 'add "www.example.com" to allow.names in policy/laptop.yaml',
  });
  const remedyFor = (name: string) => ask([policy('laptop', { names: ['x'] })], [name])[0]?.remedy;
  assert.equal(remedyFor('*.example.com'), 'add "example.com" to allow.wildcards in policy/laptop.yaml');
  assert.equal(remedyFor('10.0.0.1'), 'add "10.0.0.1" to allow.addresses in policy/laptop.yaml');
  assert.equal(remedyFor('spiffe://td/a'), 'add "spiffe://td/a" to allow.uris in policy/laptop.yaml');
});

test('policy: what a remedy says to add makes the name allowed', () => {
  for (const name of ['www.example.com', '*.example.com', '10.0.0.1', 'spiffe://td/a']) {
    const [, entry = '', key = ''] = /add "(.*)" to allow\.(\w+)/.exec(ask([policy('p', { names: ['x'] })], [name])[0]?.remedy ?? '') ?? [];
    assert.deepEqual(ask([policy('p', { [key]: [entry] })], [name]), [], name);
  }
});

test('policy: all reasons at once, in the order of the names', () => {
  const reasons = ask([policy('p', { suffixes: ['test'] }, { names: ['no.test'] })], ['no.test', 'a.example.com', 'ok.test', '*.test', '10.0.0.1']);
  assert.deepEqual(reasons.map(({ detail }) => detail), [
    '5 names are more than the 3 of profile "any"',
    'no.test is denied by policy "p"',
    'a.example.com is not allowed by policy "p"',
    '*.test is denied by policy "p"',
    '10.0.0.1 is not allowed by policy "p"',
  ]);
});

test('policy: one policy may allow what another does not, and a denial anywhere wins', () => {
  const wide = policy('wide', { suffixes: ['test'] });
  const narrow = policy('narrow', { names: ['nas.home.arpa'] }, { names: ['boss.test'] });
  assert.deepEqual(ask([wide, narrow], ['a.test', 'nas.home.arpa']), []);
  assert.deepEqual(ask([wide, narrow], ['boss.test']).map(({ detail }) => detail), ['boss.test is denied by policy "narrow"']);
  assert.deepEqual(ask([narrow, wide], ['a.lan']).map(({ detail }) => detail), ['a.lan is not allowed by any of the policies "narrow", "wide"']);
});

test('policy: only the policies that bind are asked', () => {
  const everything = policy('everything', { suffixes: ['test'] });
  const question = { requester: { kind: 'acme-account', id: 'alice', policies: ['nothing'] } };
  assert.equal(ask([everything, policy('nothing', { names: ['x'] })], ['a.test'], question).length, 1);
  const unbound = ask([everything], ['a.test'], { requester: { kind: 'acme-account', id: 'alice', policies: [] } });
  assert.deepEqual(unbound.map(({ kind, remedy }) => [kind, remedy]), [['profile-not-allowed', 'bind acme-account:alice to a policy']]);
});

test('policy: a policy that is gone refuses everything, for what it denied is not known', () => {
  const reasons = ask([policy('p', { suffixes: ['test'] })], ['a.test'], { requester: { kind: 'k', id: 'i', policies: ['p', 'gone'] } });
  assert.deepEqual(reasons.map(({ kind, policy: which }) => [kind, which]), [['profile-not-allowed', 'gone']]);
});

test('policy: policies speak about profiles and requesters', () => {
  const forServer = policy('p', { suffixes: ['test'] }, {}, { profiles: ['server'] });
  assert.deepEqual(ask([forServer], ['a.test'], { profile: 'server' }), []);
  assert.deepEqual(ask([forServer], ['a.test']).map(({ kind }) => kind), ['profile-not-allowed']);
  const forAlice = policy('p', { suffixes: ['test'] }, {}, { requesters: ['acme-account:alice', 'token:*'] });
  assert.deepEqual(ask([forAlice], ['a.test']), []);
  assert.deepEqual(ask([forAlice], ['a.test'], { requester: { kind: 'token', id: '7', policies: ['p'] } }), []);
  for (const [kind, id] of [['acme-account', 'bob'], ['acme-account', '*'], ['acme', 'account:alice'], ['tokens', '7']] as const) {
    assert.equal(ask([forAlice], ['a.test'], { requester: { kind, id, policies: ['p'] } }).length, 1, `${kind}:${id}`);
  }
});

test('policy: a denial that does not speak about this requester does not bind', () => {
  const others = policy('others', {}, { suffixes: ['test'] }, { requesters: ['acme-account:bob'] });
  assert.deepEqual(ask([policy('p', { suffixes: ['test'] }), others], ['a.test']), []);
});

const PROFILE_RULES: readonly { readonly name: string; readonly question: Partial<Question>; readonly names: readonly string[]; readonly details: readonly string[] }[] = [
  { name: 'a profile that does not exist', question: { profile: 'sevrer' }, names: ['a.test'], details: ['profile "sevrer" does not exist'] },
  { name: 'no names', question: {}, names: [], details: ['no name is asked for'] },
  { name: 'a type that the profile does not have', question: { profile: 'server' }, names: ['spiffe://td/a'], details: ['spiffe://td/a is a name of type uri, which profile "server" does not have'] },
  { name: 'too many names', question: {}, names: ['a.test', 'b.test', 'c.test', 'd.test'], details: ['4 names are more than the 3 of profile "any"'] },
  { name: 'one name twice', question: {}, names: ['a.test', 'a.test'], details: ['a.test is asked for twice'] },
  { name: 'two SPIFFE IDs', question: { profile: 'workload' }, names: ['spiffe://td/a', 'spiffe://td/b'], details: ['profile "workload" has exactly one SPIFFE ID, and 2 names are asked for'] },
  { name: 'a SPIFFE ID without path', question: { profile: 'workload' }, names: ['spiffe://td'], details: ['spiffe://td cannot be certified: it has no path, so it names a trust domain and not a workload'] },
  { name: 'a URI that is no SPIFFE ID', question: { profile: 'workload' }, names: ['https://td/a'], details: ['https://td/a cannot be certified: it does not begin with spiffe://'] },
  { name: 'an internal profile', question: { profile: 'self' }, names: ['a.test'], details: ['no policy gives this requester any name under profile "self"'] },
  { name: 'a subject where there is none', question: { subject: [{ attribute: 'commonName', value: 'x' }] }, names: ['a.test'], details: ['profile "any" has no commonName in its subject, and "x" is asked for'] },
  { name: 'a required attribute that is missing', question: { profile: 'device' }, names: ['a.test'], details: ['profile "device" requires a serialNumber in the subject'] },
  { name: 'an attribute twice', question: { profile: 'device', subject: [{ attribute: 'serialNumber', value: 'SN-1' }, { attribute: 'serialNumber', value: 'SN-2' }] }, names: ['a.test'], details: ['serialNumber is asked for 2 times'] },
  { name: 'a device with a subject and no names', question: { profile: 'device', subject: [{ attribute: 'serialNumber', value: 'sn-77-x' }] }, names: [], details: [] },
  { name: 'a subject value that is denied', question: { profile: 'device', subject: [{ attribute: 'serialNumber', value: 'SN-0' }] }, names: [], details: ['serialNumber "SN-0" is denied by policy "p"'] },
  { name: 'a subject value that nobody allows', question: { profile: 'device', subject: [{ attribute: 'serialNumber', value: 'XSN-1' }] }, names: [], details: ['serialNumber "XSN-1" is not allowed by policy "p"'] },
];

const wide = policy(
  'p',
  { suffixes: ['test'], uris: ['spiffe://td/**', 'https://td/**'], names: ['td'], subject: { serialNumber: ['SN-*'], commonName: ['*'] } },
  { subject: { serialNumber: ['SN-0'] } },
);
for (const { name, question, names, details } of PROFILE_RULES) {
  test(`policy: ${name}`, () => {
    const found = ask([wide], names, question).map(({ detail }) => detail);
    for (const detail of details) assert.ok(found.includes(detail), `${detail}\nis not among\n${found.join('\n')}`);
    if (details.length === 0) assert.deepEqual(found, []);
  });
}

test('policy: an internal profile is had through a policy that names it', () => {
  assert.deepEqual(ask([policy('own', { suffixes: ['test'] }, {}, { profiles: ['self'] })], ['ca.test'], { profile: 'self' }), []);
});

test('policy: what the issuer key may certify binds as well', () => {
  const issuer = { id: 'east-2026a', permittedNames: { permitted: { dns: ['a.test'], ip: [] }, excluded: {} } };
  const from = { groups: new Map([['default', { name: 'default', active: issuer.id, issuers: [issuer.id] }]]), issuers: new Map([[issuer.id, issuer]]) } as unknown as Rules;
  const given = [policy('p', { suffixes: ['test'], addresses: ['10.0.0.0/8'] })];
  assert.deepEqual(ask(given, ['x.a.test'], {}, from), []);
  assert.deepEqual(ask(given, ['x.b.test', '10.0.0.1'], {}, from).map(({ detail }) => detail.split(':')[0]), Array(2).fill('issuer key east-2026a may not certify it'));
});

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/);
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));

test('policy: a denied suffix denies itself, all below, and every wildcard that touches it, whatever is allowed', () => {
  fc.assert(fc.property(host, host, label, (denied, other, extra) => {
    const all = { suffixes: [denied, other, 'test'], wildcards: [denied, other, 'test'], names: [denied, `*.${denied}`] };
    const written = policy('p', all, { suffixes: [denied] });
    for (const name of [denied, `${extra}.${denied}`, `*.${denied}`, `*.${extra}.${denied}`]) assert.ok(ask([written], [name]).length > 0, name);
    const parent = denied.split('.').slice(1).join('.');
    if (parent !== '') assert.ok(ask([written], [`*.${parent}`]).length > 0, `*.${parent}`);
  }), { numRuns: 200 });
});

test('policy: without an allow, nothing is allowed', () => {
  fc.assert(fc.property(fc.oneof(host, fc.ipV4(), fc.ipV6(), fc.webUrl()), host, (name, suffix) => {
    assert.ok(ask([policy('p', {}, { suffixes: [suffix] })], [name]).length > 0);
  }), { numRuns: 200 });
});

test('who is bound to names has no others by way of the subject', () => {
  const subject = (value: string) => [{ attribute: 'serialNumber' as const, value }];
  const rulesThen = rules([policy('devices', { names: ['a.internal'], subject: { serialNumber: ['*'] } })]);
  const ask = (value: string, names: NameRules | undefined) => decide(rulesThen, {
    profile: 'device', names: [], subject: subject(value),
    requester: { kind: 'acme-account', id: 'x', policies: ['devices'], restriction: { by: 'a credential', ...(names === undefined ? {} : { names }) } },
  }).map(({ kind, detail }) => `${kind}: ${detail}`);
  assert.deepEqual(ask('12345678', rulesOf({ names: ['a.internal'] })), ['name-not-allowed: serialNumber "12345678" is not among the names of a credential']);
  assert.deepEqual(ask('12345678', rulesOf({ subject: { serialNumber: ['1234*'] } })), []);
  assert.equal(ask('99', rulesOf({ subject: { serialNumber: ['1234*'] } })).length, 1);
  assert.deepEqual(ask('12345678', undefined), [], 'a restriction to profiles alone says nothing about names');
});
