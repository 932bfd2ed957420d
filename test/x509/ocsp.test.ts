/** OCSP requests and responses: every byte, what is refused, and what OpenSSL and GnuTLS make of ours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { assembleCertificate } from '../../src/x509/certificate.ts';
import { checkDer } from '../../src/x509/check-der.ts';
import { constructed, DerError, element, integer, octetString, oid, sequence } from '../../src/x509/der.ts';
import { encodeExtension } from '../../src/x509/extensions.ts';
import { encodeCertId, issuerMark, issuerMarks, responderKeyHash } from '../../src/x509/ocsp.ts';
import { encodeOcspRequest, MAX_REQUEST_OCTETS, parseOcspRequest } from '../../src/x509/ocsp-request.ts';
import {
  assembleOcspResponse, type CertStatus, ocspErrorResponse, parseOcspResponse, parseResponseData, renderResponseData,
} from '../../src/x509/ocsp-response.ts';
import { OID } from '../../src/x509/oid.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { notAfterOf, renderTbs } from '../../src/x509/tbs.ts';
import { factsFor, hierarchy, SHAPES, signWith } from './material.ts';

const scratch = mkdtempSync(join(tmpdir(), 'chancery-ocsp-'));
after(() => rmSync(scratch, { recursive: true }));

const ALGORITHM = 'ecdsa-sha256-p256';
const { root, intermediate, issuer, issuerKey } = hierarchy(ALGORITHM);
const now = Math.floor(Date.now() / 1000) * 1000;
const HOUR = 3_600_000;
const facts = { ...factsFor('server'), notBefore: now - HOUR, notAfter: notAfterOf(now - HOUR, 160 * HOUR) };
const tbs = renderTbs(SHAPES.server, issuer, facts);
const leaf = assembleCertificate(tbs, ALGORITHM, signWith(issuerKey, ALGORITHM, tbs));

function file(name: string, content: string | Uint8Array): string {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}
const rootFile = file('root.pem', encodePem('CERTIFICATE', root));
const issuerFile = file('issuer.pem', encodePem('CERTIFICATE', intermediate));
const leafFile = file('leaf.pem', encodePem('CERTIFICATE', leaf));

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

/** Signed by the issuer key itself, as RFC 6960 §4.2.2.2 allows; a delegated responder needs a server. */
function respond(status: CertStatus, nonce?: Uint8Array): Uint8Array {
  const data = renderResponseData({
    responder: responderKeyHash(issuer.spki), producedAt: now, thisUpdate: now - 1000, nextUpdate: now + 96 * HOUR,
    responses: [{ certId: encodeCertId('sha1', issuer, facts.serial), status }], ...(nonce === undefined ? {} : { nonce }),
  });
  return assembleOcspResponse(data, ALGORITHM, signWith(issuerKey, ALGORITHM, data), []);
}

for (const hash of ['sha1', 'sha256'] as const) {
  test(`what OpenSSL asks by ${hash} is read, and is what we would ask`, () => {
    const path = join(scratch, 'request.der');
    run('openssl', 'ocsp', `-${hash}`, '-issuer', issuerFile, '-cert', leafFile, '-no_nonce', '-reqout', path);
    const asked = readFileSync(path);
    assert.deepEqual(Buffer.from(encodeOcspRequest([encodeCertId(hash, issuer, facts.serial)])), asked);
    const { certIds, nonce } = parseOcspRequest(asked);
    assert.equal(nonce, undefined);
    assert.equal(certIds[0]?.serial, facts.serial);
    assert.ok(issuerMarks(issuer).includes(issuerMark(certIds[0])));
    run('openssl', 'ocsp', `-${hash}`, '-issuer', issuerFile, '-cert', leafFile, '-reqout', path);
    assert.equal(parseOcspRequest(readFileSync(path)).nonce?.length, 16);
  });
}

test('what GnuTLS asks is read', () => {
  const path = join(scratch, 'gnutls.der');
  run('ocsptool', '--generate-request', '--load-issuer', issuerFile, '--load-cert', leafFile, '--outfile', path);
  const { certIds } = parseOcspRequest(readFileSync(path));
  assert.equal(certIds[0]?.serial, facts.serial);
});

test('OpenSSL reads our request', () => {
  const path = file('ours.der', encodeOcspRequest([encodeCertId('sha1', issuer, facts.serial)], Buffer.alloc(32, 7)));
  const printed = run('openssl', 'ocsp', '-reqin', path, '-req_text', '-no_nonce', '-noverify');
  assert.match(printed, new RegExp(`Serial Number: ${facts.serial.toUpperCase()}`));
  assert.match(printed, /OCSP Nonce:\s+0420(07){32}/i);
});

const STATUSES: [CertStatus, RegExp, RegExp][] = [
  [{ kind: 'good' }, /: good$/m, /Certificate Status: good/],
  [{ kind: 'revoked', at: now - HOUR }, /: revoked$/m, /Certificate Status: revoked/],
  [{ kind: 'revoked', at: now - HOUR, reason: 1 }, /Reason: keyCompromise/, /Certificate Status: revoked/],
];
for (const [status, openssl, gnutls] of STATUSES) {
  test(`OpenSSL accepts and GnuTLS reads a response that says ${JSON.stringify(status).replace(/"at":\d+,?/, '')}`, () => {
    const der = respond(status);
    checkDer(der);
    const path = file('response.der', der);
    const printed = run('openssl', 'ocsp', '-respin', path, '-issuer', issuerFile, '-cert', leafFile, '-CAfile', rootFile, '-no_nonce');
    assert.match(printed, /Response verify OK/);
    assert.match(printed, openssl);
    assert.match(run('ocsptool', '--response-info', '--load-response', path), gnutls);
  });
}

test('what is rendered is read back, whatever the facts', () => {
  const second = fc.integer({ min: 0, max: 4_000_000_000 }).map((s) => s * 1000);
  const serial = fc.uint8Array({ minLength: 1, maxLength: 18 }).map((octets) => `01${Buffer.from(octets).toString('hex')}`);
  const status = fc.oneof(
    fc.constant<CertStatus>({ kind: 'good' }),
    fc.record({ kind: fc.constant('revoked' as const), at: second, reason: fc.integer({ min: 1, max: 10 }) }),
    fc.record({ kind: fc.constant('revoked' as const), at: second }),
  );
  const single = fc.record({ certId: serial.map((s) => encodeCertId('sha256', issuer, s)), status });
  const all = fc.record({
    producedAt: second, thisUpdate: second, nextUpdate: second, responses: fc.array(single, { minLength: 1, maxLength: 8 }),
    nonce: fc.uint8Array({ minLength: 1, maxLength: 128 }),
  });
  fc.assert(fc.property(all, (each) => {
    const given = { responder: responderKeyHash(issuer.spki), ...each };
    const der = renderResponseData(given);
    checkDer(der);
    const found = parseResponseData(der);
    assert.deepEqual(Buffer.from(renderResponseData(found)), Buffer.from(der));
    assert.deepEqual([found.producedAt, found.thisUpdate, found.nextUpdate], [given.producedAt, given.thisUpdate, given.nextUpdate]);
    assert.deepEqual(found.responses.map((r) => r.status), given.responses.map((r) => ({ ...r.status })));
  }), { numRuns: 200 });
});

test('errors are five octets, and read back', () => {
  assert.equal(Buffer.from(ocspErrorResponse('unauthorized')).toString('hex'), '30030a0106');
  assert.equal(Buffer.from(ocspErrorResponse('malformedRequest')).toString('hex'), '30030a0101');
  assert.equal(parseOcspResponse(ocspErrorResponse('tryLater')), 3);
});

const certId = encodeCertId('sha1', issuer, facts.serial);
const requestWith = (...parts: Uint8Array[]): Uint8Array => sequence(sequence(sequence(sequence(certId)), ...parts));
const extensions = (tag: number, id: string, value: Uint8Array, critical = false): Uint8Array =>
  element(constructed(tag), sequence(encodeExtension({ oid: id, critical, value })));
const REFUSED: [string, Uint8Array][] = [
  ['nothing', new Uint8Array()],
  ['something else', leaf],
  ['cut short', encodeOcspRequest([certId]).subarray(0, -1)],
  ['octets after it', Buffer.concat([encodeOcspRequest([certId]), Buffer.of(0)])],
  ['no request', encodeOcspRequest([])],
  ['nine requests', encodeOcspRequest(Array.from({ length: 9 }, () => certId))],
  ['too many octets', requestWith(extensions(2, OID.commonName, Buffer.alloc(MAX_REQUEST_OCTETS)))],
  ['an empty nonce', encodeOcspRequest([certId], new Uint8Array())],
  ['a nonce of 129 octets', encodeOcspRequest([certId], new Uint8Array(129))],
  ['a nonce that is no OCTET STRING', requestWith(extensions(2, OID.ocspNonce, Buffer.alloc(16, 5)))],
  ['two nonces', requestWith(element(constructed(2), sequence(...[1, 2].map((n) =>
    encodeExtension({ oid: OID.ocspNonce, critical: false, value: octetString(Buffer.alloc(16, n)) })))))],
  ['a critical extension', requestWith(extensions(2, OID.commonName, oid(OID.commonName), true))],
  ['a critical extension of one request', sequence(sequence(sequence(sequence(certId, extensions(0, OID.commonName, integer(1), true)))))],
  ['version 2', sequence(sequence(element(constructed(0), integer(1)), sequence(sequence(certId))))],
  ['an indefinite length', Buffer.from('3080308030800000', 'hex')],
];
test('requests that are refused', () => {
  for (const [what, der] of REFUSED) assert.throws(() => parseOcspRequest(der), DerError, what);
});

test('requests that are read: what is not critical is passed over, a signature too, a nonce of 1 to 128 octets', () => {
  assert.equal(parseOcspRequest(requestWith(extensions(2, OID.commonName, integer(1)))).certIds.length, 1);
  for (const length of [1, 16, 32, 128]) assert.equal(parseOcspRequest(encodeOcspRequest([certId], new Uint8Array(length))).nonce?.length, length);
  assert.equal(parseOcspRequest(sequence(sequence(sequence(sequence(certId))), element(constructed(0), sequence(integer(1))))).certIds.length, 1);
  assert.equal(parseOcspRequest(encodeOcspRequest(Array.from({ length: 8 }, () => certId))).certIds.length, 8);
});

test('noise never gets past DerError', () => {
  const good = Buffer.from(encodeOcspRequest([certId], Buffer.alloc(32, 1)));
  fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(255), (at, octet) => {
    const bytes = Buffer.from(good);
    bytes[at] = octet;
    try {
      parseOcspRequest(bytes);
    } catch (error) {
      assert.ok(error instanceof DerError, String(error));
    }
  }), { numRuns: 1000 });
});
