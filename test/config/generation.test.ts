/** What a sound configuration becomes: values as meant, a digest of what decides, no secret anywhere, and what changes between two. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { describe } from '../../src/config/canonical.ts';
import { differences, differencesText } from '../../src/config/diff.ts';
import { durationText } from '../../src/config/values.ts';
import { type Changes, ConfigDirectory } from './config-directory.ts';

const HOUR = 3_600_000;

test('what is shipped means what its comments say', () => {
  using directory = new ConfigDirectory();
  const generation = directory.load();
  assert.equal(generation.mode, 'development');
  assert.equal(generation.database, 'sqlite:/var/lib/chancery/chancery.db');
  assert.deepEqual(generation.listeners, {
    acme: { host: '127.0.0.1', port: 8443 }, status: { host: '127.0.0.1', port: 8080 }, metrics: { host: '127.0.0.1', port: 9080 },
  });
  assert.deepEqual([...generation.profiles.keys()], ['client', 'device', 'ocsp-responder', 'peer', 'self', 'server', 'workload']);
  assert.deepEqual(generation.profiles.get('server'), {
    name: 'server', description: 'TLS server', group: 'default', internal: false, hold: false, requiredSubject: [], renewal: { fromPercent: 45, toPercent: 55 },
    shape: {
      profile: 'server', keyUsage: ['digitalSignature'], rsaKeyUsage: ['keyEncipherment'], extendedKeyUsage: ['serverAuth'],
      nameTypes: ['dns', 'ip'], maxNames: 100, spiffe: false, subject: [], validityMs: 160 * HOUR, maxValidityMs: 240 * HOUR, backdateMs: HOUR,
    },
  });
  assert.deepEqual(generation.profiles.get('device')?.requiredSubject, ['serialNumber']);
  assert.deepEqual(generation.profiles.get('device')?.shape.subject, ['serialNumber', 'commonName']);
  assert.deepEqual(generation.profiles.get('workload')?.shape.extendedKeyUsage, ['serverAuth', 'clientAuth']);
  assert.deepEqual(generation.issuers.get('development-1'), {
    id: 'development-1', group: 'default', state: 'active', shards: 8, ratePerSecond: 5000,
    profiles: ['server', 'client', 'peer', 'workload', 'device', 'self', 'ocsp-responder'],
    certificates: ['/var/lib/chancery/public/intermediate.pem'], root: '/var/lib/chancery/public/root.pem', rootCrl: '/var/lib/chancery/public/root.crl', alternates: [],
    crlUrl: 'http://localhost:8080/crl/development-1', caIssuersUrl: 'http://localhost:8080/ca/development-1.cer',
    keyUri: 'pkcs11:token=chancery-intermediate;object=chancery-intermediate;id=%01?pin-source=file:/var/lib/chancery/pins/intermediate.pin',
    ocsp: {
      url: 'http://localhost:8080/ocsp', publicKey: '/var/lib/chancery/public/ocsp.pem', profile: 'ocsp-responder', validityMs: 96 * HOUR, ratePerSecond: 10_000,
      keyUri: 'pkcs11:token=chancery-intermediate;object=chancery-ocsp;id=%02?pin-source=file:/var/lib/chancery/pins/intermediate.pin',
    },
  });
  assert.deepEqual(generation.groups.get('default'), { name: 'default', active: 'development-1', issuers: ['development-1'] });
  assert.equal(generation.directories.get('default')?.path, '/acme');
  assert.equal(generation.validation.loopback, true);
});

test('ACME directories: paths, defaults and own names follow from their URLs', () => {
  using directory = new ConfigDirectory({
    'ca.yaml': [['directories:\n', 'directories:\n  eu:\n    externalUrl: "https://[2001:db8::1]:8443"\n    formerUrls: [https://old.internal]\n    profiles: [client]\n    policies: [private-names]\n']],
  });
  const { directories, ownCertificate, policies } = directory.load();
  const eu = directories.get('eu');
  assert.equal(eu?.path, '/acme/d/eu');
  assert.equal(eu?.defaultProfile, 'client');
  assert.deepEqual(eu?.challenges, ['http-01', 'dns-01', 'tls-alpn-01']);
  assert.deepEqual(ownCertificate.names.map(({ type, value }) => `${type}:${value}`), ['dns:localhost', 'ip:127.0.0.1', 'ip:::1', 'ip:2001:db8::1', 'dns:old.internal']);
  const own = policies.get(ownCertificate.policy);
  assert.deepEqual([own?.profiles, own?.requesters, own?.allow.names], [['self'], ['server:self'], ['localhost', 'old.internal']]);
});

test('a directory that is like another says only what differs; the staging directory is like the real one', () => {
  using directory = new ConfigDirectory({ 'ca.yaml': [['challenges: [http-01, dns-01, tls-alpn-01]', 'challenges: [dns-01]'], ['https://localhost:8443', 'https://ca.internal']] });
  const { directories, groups } = directory.load();
  const [real, staging] = [directories.get('default'), directories.get('staging')];
  assert.deepEqual({ ...staging, limits: undefined }, { ...real, limits: undefined, name: 'staging', path: '/acme/d/staging', group: 'staging' });
  assert.ok((staging?.limits.validAuthorizationLifetimeMs ?? 0) > (real?.limits.validAuthorizationLifetimeMs ?? 0));
  assert.equal(groups.get('staging')?.active, 'staging-development-1');
});

test('issuer keys: permitted names close every type that is left out, and the PIN file may come from the environment', () => {
  using directory = new ConfigDirectory({
    'issuers/development.yaml': [['?pin-source=file:pins/intermediate.pin', ''], ['ratePerSecond', 'permittedNames: { dns: [Internal], uri: [.td.test] }\nratePerSecond']],
  });
  const issuer = directory.load({ CHANCERY_PIN_FILE: '/run/secrets/pin of & ours' }).issuers.get('development-1');
  assert.deepEqual(issuer?.permittedNames, { permitted: { dns: ['internal'], ip: [], uri: ['.td.test'], email: [] }, excluded: {} });
  assert.match(issuer?.keyUri ?? '', /\?pin-source=file:\/run\/secrets\/pin%20of%20%26%20ours$/);
});

test('the digest is that of the canonical text, whatever the files look like and wherever they are', () => {
  using directory = new ConfigDirectory();
  const first = directory.load();
  assert.equal(first.digest, createHash('sha256').update(first.canonical).digest('hex'));
  assert.equal(first.canonical, JSON.stringify(JSON.parse(first.canonical)));
  directory.change('profiles/client.yaml', '# the same in other words\nbackdate: 60m\nextendedKeyUsage: ["clientAuth"]\nkeyUsage: [digitalSignature]\nnames: [dns, ip]\ndescription: "TLS client"\nmaxValidity: 240h\n');
  assert.equal(directory.load().digest, first.digest, 'order, comments, spelling and defaults change nothing');
  assert.equal(directory.load({}, '/srv/elsewhere').digest, first.digest, 'nor does the state directory');
  assert.equal(directory.load({ CHANCERY_DATABASE: 'postgres://me:s3cret@db/x' }).digest, first.digest, 'nor does the database');
});

const DECISIVE: readonly [string, Changes][] = [
  ['a validity', { 'profiles/server.yaml': [['validity: 160h', 'validity: 159h']] }],
  ['a policy', { 'policy/private-names.yaml': [['    - lan\n', '']] }],
  ['an offered profile', { 'ca.yaml': [['[server, client, peer]', '[server, client]']] }],
  ['a key', { 'issuers/development.yaml': [['id=%01', 'id=%02']] }],
  ['a chain', { 'issuers/development.yaml': [['[public/intermediate.pem]', '[public/renewed.pem]']] }],
  ['whom the server may dial', { 'ca.yaml': [['allow: [10.0.0.0/8, ', 'allow: [']] }],
  ['the order of preference', { 'ca.yaml': [['[http-01, dns-01', '[dns-01, http-01']] }],
];
for (const [what, changes] of DECISIVE) {
  test(`the digest changes with ${what}`, () => {
    using before = new ConfigDirectory();
    using after = new ConfigDirectory(changes);
    assert.notEqual(after.load().digest, before.load().digest);
  });
}

test('passwords are in the database URL and nowhere else', () => {
  using directory = new ConfigDirectory();
  for (const url of ['postgres://me:s3cret@db:5433/x?sslmode=require', 'postgres://me@db:5433/x?password=s3cret&sslmode=require', 'postgresql://me:s3%2Fcret@db:5433/x?sslmode=require']) {
    const generation = directory.load({ CHANCERY_DATABASE: url });
    assert.equal(generation.database, url);
    const shown = JSON.stringify(describe(generation));
    assert.ok(shown.includes('db:5433/x?sslmode=require'), 'where the database is may be shown');
    assert.doesNotMatch(shown + generation.canonical + differencesText(differences(directory.load(), generation)), /s3/);
  }
});

test('differences: key by key, lists by what came and went, and whose restart it takes', () => {
  using before = new ConfigDirectory();
  using after = new ConfigDirectory({
    'ca.yaml': [['127.0.0.1:8443', '0.0.0.0:8443'], ['[server, client, peer]', '[server, client]'], ['queue: 1024', 'queue: 64']],
    'profiles/server.yaml': [['validity: 160h', 'validity: 5d']],
    'policy/workloads.yaml': null,
    'policy/wide.yaml': 'description: wide\nallow: { suffixes: [corp.test] }\n',
  });
  const found = differences(before.load(), after.load());
  assert.equal(differencesText(found), [
    '~ directories.default.profiles: - peer',
    '~ directories.staging.profiles: - peer',
    '~ machine.listeners.acme.host: 127.0.0.1 -> 0.0.0.0  [restart: front]',
    '~ machine.signer.queue: 1024 -> 64  [restart: signer]',
    '+ policies.wide: {"allow":{"suffixes":["corp.test"]},"deny":{},"description":"wide","name":"wide"}',
    '- policies.workloads: {"allow":{"uris":["spiffe://example.internal/ns/*/sa/*"]},"deny":{},"description":"Workloads of the…',
    '~ profiles.server.shape.validity: 160h -> 5d  [restart: signer]',
    '7 changes; marked ones take a restart of the front and the signer',
  ].join('\n'));
  assert.deepEqual(found.find(({ key }) => key === 'directories.default.profiles'), {
    key: 'directories.default.profiles', from: ['server', 'client', 'peer'], to: ['server', 'client'],
  });
});

test('differences: none between a configuration and itself', () => {
  using directory = new ConfigDirectory();
  assert.deepEqual(differences(directory.load(), directory.load()), []);
  assert.equal(differencesText([]), 'no changes');
});

test('durations are shown as they are written', () => {
  for (const [milliseconds, text] of [[160 * HOUR, '160h'], [240 * HOUR, '10d'], [5 * 60_000, '5m'], [30_000, '30s'], [1500, '1500ms']] as const) {
    assert.equal(durationText(milliseconds), text);
  }
});
