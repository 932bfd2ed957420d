/** The last word belongs to other people's software: OpenSSL, GnuTLS, pkijs and Node read what we write, and read it alike. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fromBER } from 'asn1js';
import { Certificate, CertificateRevocationList } from 'pkijs';
import { ALGORITHMS, type SignatureAlgorithm } from '../../src/x509/algorithm.ts';
import { isSignedBy } from '../../src/x509/ca-certificate.ts';
import { assembleCertificate, parseCertificate } from '../../src/x509/certificate.ts';
import { assembleCrl, parseCrl, renderCrlTbs } from '../../src/x509/crl.ts';
import { encodeEntries, readEntries } from '../../src/x509/crl-entries.ts';
import { checkDer } from '../../src/x509/check-der.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { factsOf, notAfterOf, renderTbs } from '../../src/x509/tbs.ts';
import { factsFor, hierarchy, NOW, type Profile, SHAPES, signWith } from './material.ts';

const scratch = mkdtempSync(join(tmpdir(), 'chancery-x509-'));
after(() => rmSync(scratch, { recursive: true }));
const profiles = Object.keys(SHAPES) as Profile[];
const algorithms = Object.keys(ALGORITHMS) as SignatureAlgorithm[];
const keyTypes = ['p256', 'p384', 'rsa', 'ed25519'] as const;

function file(name: string, label: string, ...ders: Uint8Array[]): string {
  const path = join(scratch, name);
  writeFileSync(path, ders.map((der) => encodePem(label, der)).join(''));
  return path;
}

function leaf(algorithm: SignatureAlgorithm, profile: Profile, keyType: (typeof keyTypes)[number], change: object = {}): Uint8Array {
  const { issuer, issuerKey } = hierarchy(algorithm);
  const tbs = renderTbs(SHAPES[profile], issuer, { ...factsFor(profile, keyType), ...change });
  return assembleCertificate(tbs, algorithm, signWith(issuerKey, algorithm, tbs));
}

/** Runs a verifier; its output when it says no. */
function run(command: string, ...args: string[]): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

const at = String(NOW / 1000 | 0);
const PURPOSE: Record<Profile, string[]> = {
  server: ['sslserver'], client: ['sslclient'], peer: ['sslserver', 'sslclient'], workload: ['sslserver', 'sslclient'], device: ['sslclient'], self: ['sslserver'],
  'ocsp-responder': ['ocsphelper'],
};

for (const algorithm of algorithms) {
  test(`openssl verify -x509_strict accepts every profile and key type under ${algorithm}`, () => {
    const { root, intermediate } = hierarchy(algorithm);
    const trusted = file('root.pem', 'CERTIFICATE', root);
    const between = file('intermediate.pem', 'CERTIFICATE', intermediate);
    for (const profile of profiles) {
      for (const keyType of keyTypes) {
        const path = file('leaf.pem', 'CERTIFICATE', leaf(algorithm, profile, keyType));
        for (const purpose of PURPOSE[profile]) {
          const { ok, output } = run('openssl', 'verify', '-x509_strict', '-check_ss_sig', '-attime', at, '-purpose', purpose,
            '-CAfile', trusted, '-untrusted', between, path);
          assert.ok(ok, `${profile} ${keyType}: ${output}`);
        }
      }
    }
  });

  test(`certtool --verify accepts a chain under ${algorithm}`, { skip: !existsSync('/usr/bin/certtool') && 'certtool is not installed' }, () => {
    const { root, intermediate } = hierarchy(algorithm);
    const trusted = file('gnutls-root.pem', 'CERTIFICATE', root);
    const notBefore = (Math.floor(Date.now() / 1000) - 60) * 1000; // it knows no other time than now
    for (const profile of profiles) {
      const today = leaf(algorithm, profile, 'p256', { notBefore, notAfter: notAfterOf(notBefore, 3_600_000) });
      const chain = file('gnutls-chain.pem', 'CERTIFICATE', today, intermediate);
      const { ok, output } = run('certtool', '--verify', '--load-ca-certificate', trusted, '--infile', chain);
      assert.ok(ok, `${profile}: ${output}`);
      assert.match(run('certtool', '-i', '--infile', chain).output, /Version: 3/);
    }
  });

  test(`our own check of a chain under ${algorithm}, and of one that is none`, () => {
    const { root, intermediate } = hierarchy(algorithm);
    const [top, middle, end] = [root, intermediate, leaf(algorithm, 'server', 'p256')].map(parseCertificate) as [ReturnType<typeof parseCertificate>, ReturnType<typeof parseCertificate>, ReturnType<typeof parseCertificate>];
    assert.ok(isSignedBy(top, top) && isSignedBy(middle, top) && isSignedBy(end, middle));
    assert.ok(!isSignedBy(end, top));
    const forged = { ...end, signature: end.signature.map((octet, i) => (i === end.signature.length - 1 ? octet ^ 1 : octet)) };
    assert.ok(!isSignedBy(forged, middle));
  });
}

test('pkijs reads every certificate as we do, and writes the same bytes again', () => {
  for (const profile of profiles) {
    for (const keyType of keyTypes) {
      const der = leaf('ecdsa-sha256-p256', profile, keyType);
      checkDer(der);
      const ours = parseCertificate(der).tbs;
      const theirs = new Certificate({ schema: fromBER(der).result });
      assert.equal(Buffer.from(theirs.serialNumber.valueBlock.valueHexView).toString('hex'), ours.serial);
      assert.equal(theirs.notBefore.value.getTime(), ours.notBefore);
      assert.equal(theirs.notAfter.value.getTime(), ours.notAfter);
      assert.deepEqual(theirs.extensions?.map(({ extnID, critical }) => [extnID, critical]), ours.extensions.map(({ oid, critical }) => [oid, critical]));
      assert.deepEqual(Buffer.from(theirs.subjectPublicKeyInfo.toSchema().toBER()), Buffer.from(ours.spki));
      assert.deepEqual(Buffer.from(theirs.toSchema(true).toBER()), Buffer.from(der));
    }
  }
});

test('Node reads the same names and dates', () => {
  const cert = new X509Certificate(leaf('ecdsa-sha256-p256', 'server', 'p256'));
  assert.equal(cert.subjectAltName, 'DNS:www.example.internal, IP Address:FD00:0:0:0:0:0:0:1');
  assert.equal(cert.subject, undefined, 'an empty subject');
  assert.equal(Date.parse(cert.validTo), factsFor('server').notAfter);
  assert.equal(cert.ca, false);
});

test('openssl asn1parse finds nothing to complain about, and prints the critical ones', () => {
  const path = file('asn1.pem', 'CERTIFICATE', leaf('ecdsa-sha384-p384', 'workload', 'ed25519'));
  assert.ok(run('openssl', 'asn1parse', '-i', '-in', path).ok);
  const text = execFileSync('openssl', ['x509', '-noout', '-text', '-in', path], { encoding: 'utf8' });
  for (const line of ['Subject Alternative Name: critical', 'Key Usage: critical', 'Basic Constraints: critical', 'URI:spiffe://example.internal/ns/default/sa/web', 'URI:http://localhost:8080/crl/golden-1/3.crl'])
    assert.ok(text.includes(line), `${line} is not in\n${text}`);
});

test('a certificate to the end of time is GeneralizedTime, and read as such: IEEE 802.1AR §8', () => {
  const notAfter = Date.UTC(9999, 11, 31, 23, 59, 59);
  const der = leaf('ecdsa-sha256-p256', 'device', 'p256', { notAfter });
  assert.equal(factsOf(parseCertificate(der).tbs).notAfter, notAfter);
  assert.match(run('openssl', 'x509', '-noout', '-enddate', '-in', file('forever.pem', 'CERTIFICATE', der)).output, /Dec 31 23:59:59 9999/);
  assert.equal(Date.parse(new X509Certificate(der).validTo), notAfter);
});

function crl(algorithm: SignatureAlgorithm, shard: number, serials: readonly string[]): Uint8Array {
  const { issuer, issuerKey } = hierarchy(algorithm);
  const revoked = serials.map((serial) => ({ serial, at: NOW - 60_000, reason: 1 }));
  const tbs = renderCrlTbs(issuer, { shard, number: 42n, thisUpdate: NOW - 60_000, nextUpdate: NOW + 86_400_000, entries: encodeEntries(revoked) });
  return assembleCrl(tbs, algorithm, signWith(issuerKey, algorithm, tbs));
}

for (const algorithm of algorithms) {
  test(`openssl checks revocation by our CRLs under ${algorithm}: right shard, wrong shard, revoked`, () => {
    const { root, intermediate } = hierarchy(algorithm);
    const verify = (list: Uint8Array): string => run('openssl', 'verify', '-x509_strict', '-crl_check', '-attime', at, '-CAfile', file('crl-root.pem', 'CERTIFICATE', root),
      '-untrusted', file('crl-intermediate.pem', 'CERTIFICATE', intermediate), '-CRLfile', file('list.pem', 'X509 CRL', list),
      file('crl-leaf.pem', 'CERTIFICATE', leaf(algorithm, 'server', 'p256'))).output;
    const { serial } = factsFor('server');
    assert.match(verify(crl(algorithm, 3, [])), /OK/);
    assert.match(verify(crl(algorithm, 3, ['0702'])), /OK/);
    assert.match(verify(crl(algorithm, 2, [])), /error 44/); // different CRL scope
    assert.match(verify(crl(algorithm, 3, [serial])), /error 23/); // certificate revoked
  });
}

test('an empty CRL has no list, for OpenSSL, for pkijs and for us; a full one the same entries', () => {
  const empty = crl('ecdsa-sha256-p256', 3, []);
  checkDer(empty);
  assert.match(run('openssl', 'crl', '-noout', '-text', '-in', file('empty.pem', 'X509 CRL', empty)).output, /No Revoked Certificates/);
  assert.equal(parseCrl(empty).tbs.entries, undefined);
  const der = crl('ecdsa-sha256-p256', 3, ['0701', '0702']);
  const theirs = new CertificateRevocationList({ schema: fromBER(der).result });
  assert.deepEqual(theirs.revokedCertificates?.map(({ userCertificate }) => Buffer.from(userCertificate.valueBlock.valueHexView).toString('hex')), ['0701', '0702']);
  assert.deepEqual(Buffer.from(theirs.toSchema(true).toBER()), Buffer.from(der));
  const { tbs } = parseCrl(der);
  assert.deepEqual([...readEntries(tbs.entries as Uint8Array)].map(({ serial, at: when, reason }) => [serial, when, reason]), [['0701', NOW - 60_000, 1], ['0702', NOW - 60_000, 1]]);
  assert.equal(tbs.number?.value, 42n);
});

test('a CRL may list a hundred and fifty thousand', () => {
  const serials = Array.from({ length: 150_000 }, (_, i) => `07${i.toString(16).padStart(36, '0')}`);
  const der = crl('ecdsa-sha256-p256', 3, serials);
  assert.equal(parseCrl(der).tbs.survey?.count, serials.length);
});
