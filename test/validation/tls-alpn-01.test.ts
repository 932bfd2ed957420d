// tls-alpn-01 over real sockets: acme.md AL-01 to AL-09, IP-03, I-01.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { acmeCertificateFault } from '../../src/validation/acme-certificate.ts';
import type { ValidationProblem, ValidationResult } from '../../src/validation/index.ts';
import { serverName } from '../../src/validation/tls-alpn-01.ts';
import { acmeCertificate, type TlsAlpn01Violation } from '../support/tls-alpn-01-responder.ts';
import { openLab } from './lab.ts';

const lab = await openLab();
const { dns, tls } = lab;
after(() => lab[Symbol.asyncDispose]());
beforeEach(() => {
  dns.clear();
  dns.set('a.test', 'A', '127.0.0.1');
  tls.behave(undefined);
});

const prove = (violation?: TlsAlpn01Violation, name = 'a.test') =>
  lab.prove('tls-alpn-01', name, (c) => tls.set(name, c.keyAuthorization, violation));

function failed(result: ValidationResult, problem: ValidationProblem, detail: RegExp, transient = false): void {
  assert.ok(!result.ok, 'was proven');
  assert.match(result.detail, detail);
  assert.equal(result.problem, problem);
  assert.equal(result.transient, transient);
  assert.match(result.detail, /^[\x20-\x7e…]{1,400}$/);
}
const proven = (result: ValidationResult) => assert.ok(result.ok, JSON.stringify(result));

test('AL-01, AL-09: offers exactly acme-tls/1 and the name, and keeps evidence', async () => {
  const result = await prove();
  proven(result);
  assert.deepEqual(tls.hellos.at(-1), { servername: 'a.test', protocols: ['acme-tls/1'] });
  assert.equal(result.evidence.tlsVersion, 'TLSv1.3');
  assert.match(result.evidence.certificateSha256 ?? '', /^[0-9a-f]{64}$/);
  assert.equal(result.evidence.address, '127.0.0.1');
});

test('T-INC-4, AL-01, AL-09, I-01: TLS 1.1 is refused', async () => {
  tls.behave('tls-1.1');
  failed(await prove(), 'tls', /^TLS with a\.test \(127\.0\.0\.1\) port \d+: /);
});

test('AL-02: a server that does not choose acme-tls/1 fails as unauthorized', async () => {
  tls.behave('no-alpn');
  failed(await prove(), 'unauthorized', /did not negotiate acme-tls\/1/);
});

test('AL-02: an alert, and what is no TLS, fail as tls; a refused connection as connection', async () => {
  for (const violation of ['alert', 'plain-text'] as const) {
    tls.behave(violation);
    failed(await prove(), 'tls', /^TLS with a\.test/);
  }
  dns.set('a.test', 'A', '127.0.0.3');
  failed(await prove(), 'connection', /connection refused/);
});

test('AL-02: a server that hangs ends at the total deadline', async () => {
  tls.behave('hang');
  failed(await prove(), 'connection', /no answer within/);
});

const CASES: readonly (readonly [string, TlsAlpn01Violation, RegExp | undefined])[] = [
  ['AL-03: another name', 'other-name', /is not exactly the one name/],
  ['AL-03: a second dNSName', 'two-names', /is not exactly the one name/],
  ['AL-03: an iPAddress beside the name', 'name-and-ip', /is not exactly the one name/],
  ['AL-03: no subject alternative name', 'no-san', /no subject alternative name/],
  ['AL-03: the name in upper case', 'upper-case-name', undefined],
  ['AL-04: the digest of something else', 'wrong-digest', /is not the digest of this challenge/],
  ['AL-04: acmeIdentifier not critical', 'not-critical', /is not critical/],
  ['T-INC-4, AL-04, I-01: the identifier of the draft', 'legacy-oid', /no acmeIdentifier/],
  ['AL-04: no acmeIdentifier', 'no-identifier', /no acmeIdentifier/],
  ['AL-04: acmeIdentifier twice', 'identifier-twice', /is there twice/],
  ['AL-04: octets after the digest', 'identifier-trailing', /not an OCTET STRING of 32 octets/],
  ['AL-04: 31 octets', 'identifier-short', /not an OCTET STRING of 32 octets/],
  ['AL-05: an issuer that is not the subject', 'other-issuer', /is not its subject/],
  ['AL-05: a signature that does not verify', 'bad-signature', /does not verify|^TLS with/],
  ['AL-05: a certificate that has run out', 'expired', undefined],
  ['AL-05: an RSA key', 'rsa', undefined],
];

for (const [name, violation, detail] of CASES) {
  test(`${name} is ${detail === undefined ? 'accepted' : 'refused'}`, async () => {
    const result = await prove(violation);
    if (detail === undefined) proven(result);
    else failed(result, 'unauthorized', detail);
  });
}

test('AL-03: two subject alternative name extensions are refused', () => {
  // OpenSSL serves no such certificate, so it is read without a handshake.
  const { der } = acmeCertificate('a.test', 'k', 'san-twice');
  const digest = createHash('sha256').update('k').digest();
  assert.match(acmeCertificateFault(der, { kind: 'name', name: 'a.test' }, digest) ?? '', /2\.5\.29\.17 is there twice/);
});

test('AL-06: nothing is sent after the handshake', async () => {
  const before = tls.received;
  proven(await prove());
  assert.equal(tls.received, before);
});

test('AL-07: not for wildcards', async () => {
  failed(await prove(undefined, '*.a.test'), 'unauthorized', /cannot prove control/);
  failed(await lab.prove('tls-alpn-01', 'a.test', undefined, { wildcard: true }), 'unauthorized', /cannot prove control/);
});

test('IP-03, AL-09: for an address the reverse name in SNI and exactly one iPAddress', async () => {
  proven(await prove(undefined, '127.0.0.1'));
  assert.equal(tls.hellos.at(-1)?.servername, '1.0.0.127.in-addr.arpa');
  failed(await prove('other-name', '127.0.0.1'), 'unauthorized', /is not exactly the one name/);
  failed(await prove('name-and-ip', '127.0.0.1'), 'unauthorized', /is not exactly the one name/);
  assert.deepEqual(dns.questions, []);
});

test('IP-03, RFC 8738 §6: reverse names', () => {
  assert.equal(serverName({ kind: 'ip', address: '192.0.2.1' }), '1.2.0.192.in-addr.arpa');
  assert.equal(
    serverName({ kind: 'ip', address: '2001:db8::1' }),
    '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  );
});

test('IP-03: IPv6 octets, and no dNSName instead of them', () => {
  const host = { kind: 'ip', address: '2001:db8::1' } as const;
  const digest = createHash('sha256').update('k').digest();
  assert.equal(acmeCertificateFault(acmeCertificate('2001:db8::1', 'k').der, host, digest), undefined);
  for (const name of ['2001:db8::2', '192.0.2.1', 'a.test']) {
    assert.match(acmeCertificateFault(acmeCertificate(name, 'k').der, host, digest) ?? '', /is not exactly/);
  }
});

test('AL-09: a certificate that OpenSSL made is read like our own', () => {
  const digest = randomBytes(32);
  const pem = execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=a.test',
    '-addext', 'subjectAltName=DNS:a.test', '-addext', `1.3.6.1.5.5.7.1.31=critical,DER:0420${digest.toString('hex')}`,
  ], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64');
  assert.equal(acmeCertificateFault(der, { kind: 'name', name: 'a.test' }, digest), undefined);
  assert.match(acmeCertificateFault(der, { kind: 'name', name: 'b.test' }, digest) ?? '', /is not exactly/);
});

test('no single changed octet of a right certificate is accepted, and none breaks the reader', () => {
  const { der } = acmeCertificate('a.test', 'k');
  const digest = createHash('sha256').update('k').digest();
  fc.assert(fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    const changed = Buffer.from(der);
    changed[at] = (changed[at] as number) ^ flip;
    assert.equal(typeof acmeCertificateFault(changed, { kind: 'name', name: 'a.test' }, digest), 'string');
  }), { numRuns: 300 });
});
