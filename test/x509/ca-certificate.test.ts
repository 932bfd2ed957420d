/** CA certificates, the issuer that is made of one, algorithms byte for byte, and PEM. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALGORITHMS, algorithmOf, type SignatureAlgorithm } from '../../src/x509/algorithm.ts';
import { issuerShapeOf, renderCaTbs } from '../../src/x509/ca-certificate.ts';
import { assembleCertificate, parseTbs } from '../../src/x509/certificate.ts';
import { checkDer } from '../../src/x509/check-der.ts';
import { DerError } from '../../src/x509/der.ts';
import { OID } from '../../src/x509/oid.ts';
import { decodePem, encodePem } from '../../src/x509/pem.ts';
import { crlUrlOf } from '../../src/x509/shape.ts';
import { renderTbs } from '../../src/x509/tbs.ts';
import { factsFor, hierarchy, intermediateFacts, privateKey, rootFacts, SHAPES, signWith, spkiOf } from './material.ts';

const root = rootFacts('p256', 'ecdsa-sha256-p256');
const settings = { id: 'x-1', shards: 2, crlUrl: 'http://localhost/crl/x-1', caIssuersUrl: 'http://localhost/ca/x-1.cer' };
const wrapped = (tbs: Uint8Array): Uint8Array => assembleCertificate(tbs, 'ecdsa-sha256-p256', new Uint8Array(8));

test('a root is its own issuer and key, without path length, CDP and AIA: BR §7.1.2.1', () => {
  const tbs = parseTbs(renderCaTbs(root));
  assert.deepEqual(tbs.issuer, tbs.subject);
  assert.equal(tbs.authorityKeyId?.keyId, tbs.subjectKeyId);
  assert.deepEqual(tbs.basicConstraints, { ca: true });
  assert.deepEqual(tbs.keyUsage?.usages, ['keyCertSign', 'cRLSign']);
  assert.deepEqual(tbs.extensions.filter(({ critical }) => critical).map(({ oid }) => oid), [OID.basicConstraints, OID.keyUsage]);
  assert.deepEqual([tbs.crlDistributionPoints, tbs.authorityInfoAccess], [undefined, undefined]);
  assert.throws(() => renderCaTbs({ ...root, subject: intermediateFacts('p256', root).subject }), TypeError);
});

test('an intermediate issues leaves only, and says where to find its issuer and its CRL: BR §7.1.2.6', () => {
  const tbs = parseTbs(renderCaTbs(intermediateFacts('p256', root)));
  assert.deepEqual(tbs.basicConstraints, { ca: true, pathLength: 0 });
  assert.equal(tbs.authorityKeyId?.keyId, root.keyId);
  assert.equal(tbs.authorityInfoAccess?.[0]?.location.name?.value, 'http://localhost:8080/ca/root.cer');
});

test('the issuer copies subject, key and key identifier, and takes the algorithm that its key calls for', () => {
  const facts = intermediateFacts('p384', root);
  const shape = issuerShapeOf(wrapped(renderCaTbs(facts)), settings);
  assert.deepEqual(Buffer.from(shape.subject), Buffer.from(facts.subject));
  assert.deepEqual([shape.keyId, shape.algorithm, shape.notAfter], [facts.keyId, 'ecdsa-sha384-p384', facts.notAfter]);
  assert.equal(crlUrlOf(shape, 1), 'http://localhost/crl/x-1/1.crl');
  assert.equal(crlUrlOf({ crlUrl: 'http://localhost/crl/x-1/' }, 1), 'http://localhost/crl/x-1/1.crl');
});

test('no issuer is made of a leaf, of a key without CRLs, or with an algorithm of another key', () => {
  const leaf = renderTbs(SHAPES.server, hierarchy('ecdsa-sha256-p256').issuer, factsFor('server'));
  assert.throws(() => issuerShapeOf(wrapped(leaf), settings), /not that of a CA/);
  const facts = wrapped(renderCaTbs(intermediateFacts('p256', root)));
  assert.throws(() => issuerShapeOf(facts, { ...settings, algorithm: 'ed25519' }), DerError);
  assert.throws(() => issuerShapeOf(new Uint8Array(), settings), DerError);
});

// BR §7.1.3.2, as printed there; Ed25519 from RFC 8410 §3.
const IDENTIFIERS: Record<SignatureAlgorithm, string> = {
  'ecdsa-sha256-p256': '300a06082a8648ce3d040302',
  'ecdsa-sha384-p384': '300a06082a8648ce3d040303',
  'rsa-pkcs1-sha256': '300d06092a864886f70d01010b0500',
  'rsa-pss-sha256': '304106092a864886f70d01010a3034a00f300d0609608648016503040201' + '0500a11c301a06092a864886f70d010108300d0609608648016503040201' + '0500a203020120',
  ed25519: '300506032b6570',
};

for (const algorithm of Object.keys(IDENTIFIERS) as SignatureAlgorithm[]) {
  test(`${algorithm}: its identifier byte for byte, its signatures and no others`, () => {
    const row = ALGORITHMS[algorithm];
    assert.equal(Buffer.from(row.identifier).toString('hex'), IDENTIFIERS[algorithm]);
    checkDer(row.identifier);
    assert.equal(algorithmOf(Buffer.from(IDENTIFIERS[algorithm], 'hex')), algorithm);
    const spki = spkiOf('issuer', row.keyType);
    const message = Buffer.from('what is signed');
    const signature = signWith(privateKey('issuer', row.keyType), algorithm, message);
    assert.ok(row.verify(spki, message, signature));
    assert.ok(!row.verify(spki, Buffer.from('what is not'), signature));
    assert.ok(!row.verify(spkiOf('root', row.keyType), message, signature));
    assert.ok(!row.verify(spki, message, new Uint8Array()));
    assert.ok(!row.verify(new Uint8Array(), message, signature));
  });
}

test('an identifier that is only nearly right is none', () => {
  assert.equal(algorithmOf(Buffer.from('300b06092a864886f70d01010b', 'hex')), undefined);
  assert.equal(algorithmOf(Buffer.from('300c06082a8648ce3d0403020500', 'hex')), undefined);
});

test('PEM: written in lines of 64, read strictly', () => {
  const der = new Uint8Array(100).fill(7);
  const pem = encodePem('CERTIFICATE', der);
  assert.ok(pem.split('\n').every((line) => line.length <= 64));
  assert.deepEqual(decodePem('CERTIFICATE', pem + pem), [der, der]);
  assert.deepEqual(decodePem('CERTIFICATE', pem.replaceAll('\n', '\r\n')), [der]);
  for (const bad of ['', 'x', `${pem}x`, pem.replaceAll('CERTIFICATE', 'X509 CRL'), pem.replace('Bw', '!!'), pem.replace('BwcH', 'BwcH=')])
    assert.throws(() => decodePem('CERTIFICATE', bad), DerError);
});
