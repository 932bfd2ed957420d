/** Rendering and reading back: the same bytes for the same facts, and nothing between the lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assembleCertificate, certificateSha256, coreOf, parseCertificate, parseTbs, unsignedCertificate } from '../../src/x509/certificate.ts';
import { checkDer } from '../../src/x509/check-der.ts';
import { constructed, DerError, element, readWhole, sequence, TAG } from '../../src/x509/der.ts';
import { encodeExtension } from '../../src/x509/extensions.ts';
import type { Name } from '../../src/x509/name.ts';
import { ipText } from '../../src/x509/ip.ts';
import { OID } from '../../src/x509/oid.ts';
import { type CertificateShape, namesCrl, type TbsFacts } from '../../src/x509/shape.ts';
import { factsOf, notAfterOf, renderTbs } from '../../src/x509/tbs.ts';
import { factsFor, hierarchy, NOW, type Profile, SHAPES, spkiOf } from './material.ts';

const { issuer } = hierarchy('ecdsa-sha256-p256');
const profiles = Object.keys(SHAPES) as Profile[];

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const anyName: fc.Arbitrary<Name> = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 5 }).map((labels): Name => ({ type: 'dns', value: labels.join('.') })),
  fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })).map((octets): Name => ({ type: 'ip', value: ipText(octets) ?? '' })),
  fc.stringMatching(/^spiffe:\/\/[a-z]{1,9}(\/[A-Za-z0-9]{1,9}){1,3}$/).map((value): Name => ({ type: 'uri', value })),
);
const second = (from: number, to: number): fc.Arbitrary<number> => fc.integer({ min: from / 1000, max: to / 1000 }).map((at) => at * 1000);
const anyFacts: fc.Arbitrary<TbsFacts> = fc.record({
  serial: fc.tuple(fc.integer({ min: 1, max: 127 }), fc.uint8Array({ minLength: 18, maxLength: 18 })).map(([first, rest]) => Buffer.from([first, ...rest]).toString('hex')),
  notBefore: second(Date.UTC(2020, 0, 1), Date.UTC(2060, 0, 1)),
  notAfter: second(Date.UTC(2020, 0, 1), Date.UTC(9999, 11, 31)),
  spki: fc.constantFrom('p256', 'p384', 'rsa', 'ed25519').map((type) => spkiOf('subject', type)),
  names: fc.array(anyName, { maxLength: 8 }),
  subject: fc.oneof(fc.constant([]), fc.tuple(fc.stringMatching(/^[A-Za-z0-9 -]{1,20}$/), fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })).map(
    ([serialNumber, commonName]) => [{ attribute: 'serialNumber' as const, value: serialNumber }, { attribute: 'commonName' as const, value: commonName }])),
  shard: fc.integer({ min: 0, max: 1023 }),
});

test('facts go into a TBS and come out of it unchanged, and give the same TBS again', () => {
  fc.assert(fc.property(fc.constantFrom(...profiles), anyFacts, (profile, any) => {
    const facts = namesCrl(SHAPES[profile]) ? any : { ...any, shard: 0 };
    const tbs = renderTbs(SHAPES[profile], issuer, facts);
    checkDer(tbs);
    const found = factsOf(parseTbs(tbs));
    assert.deepEqual({ ...found, spki: Buffer.from(found.spki) }, { ...facts, spki: Buffer.from(facts.spki) });
    assert.deepEqual(Buffer.from(renderTbs(SHAPES[profile], issuer, found)), Buffer.from(tbs));
  }), { numRuns: 500 });
});

test('a TBS with any octet changed is refused by the parser, or differs from what its facts render', () => {
  const shape: CertificateShape = SHAPES.peer;
  const good = renderTbs(shape, issuer, factsFor('peer'));
  fc.assert(fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    const bytes = Uint8Array.from(good, (octet, i) => (i === at ? octet ^ flip : octet));
    let again: Uint8Array;
    try {
      again = renderTbs(shape, issuer, factsOf(parseTbs(bytes)));
    } catch (error) {
      assert.ok(error instanceof DerError || error instanceof TypeError || error instanceof RangeError, String(error));
      return;
    }
    if (Buffer.compare(again, bytes) !== 0) return;
    const changed = factsOf(parseTbs(bytes)); // then it is another lawful rendering: other facts, the same form
    assert.notDeepEqual(changed, factsFor('peer'));
  }), { numRuns: 4000 });
});

test('whatever the octets, the parsers throw their own error or none', () => {
  const good = renderTbs(SHAPES.device, issuer, factsFor('device'));
  const parse = (bytes: Uint8Array): void => {
    try {
      const tbs = parseTbs(bytes);
      void [tbs.altNames, tbs.keyUsage, tbs.extendedKeyUsage, tbs.basicConstraints, tbs.authorityKeyId, tbs.subjectKeyId];
      void [tbs.crlDistributionPoints, tbs.authorityInfoAccess, tbs.subjectRdns, tbs.publicKey, coreOf(bytes), unsignedCertificate(bytes)];
    } catch (error) {
      assert.ok(error instanceof DerError, String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), parse), { numRuns: 1000 });
  fc.assert(fc.property(fc.nat({ max: good.length }), fc.nat({ max: good.length }), fc.uint8Array({ maxLength: 8 }), (from, to, middle) =>
    parse(Buffer.concat([good.subarray(0, from), middle, good.subarray(to)]))), { numRuns: 3000 });
});

test('a validity includes both ends: RFC 5280 §4.1.2.5', () => {
  assert.equal(notAfterOf(NOW, 86_400_000), NOW + 86_399_000);
});

test('facts that cannot be written are our mistake, and thrown', () => {
  const facts = factsFor('server');
  const render = (change: Partial<TbsFacts>) => () => renderTbs(SHAPES.server, issuer, { ...facts, ...change });
  assert.throws(render({ serial: 'xyz' }), RangeError);
  assert.throws(render({ serial: '' }), RangeError);
  assert.throws(render({ notBefore: 1.5 }), RangeError);
  assert.throws(render({ names: [{ type: 'ip', value: 'nowhere' }] }), TypeError);
  assert.throws(render({ names: [{ type: 'dns', value: 'bücher' }] }), TypeError);
});

test('T-INC-13 attributes are written in the order of BR §7.1.4.2, whatever order they are given in', () => {
  const [sn, cn] = [{ attribute: 'serialNumber', value: '1' }, { attribute: 'commonName', value: 'a' }] as const;
  const render = (subject: TbsFacts['subject']): Uint8Array => renderTbs(SHAPES.device, issuer, { ...factsFor('device'), subject });
  assert.deepEqual(render([cn, sn]), render([sn, cn]));
});

test('SAN is critical exactly when the subject is empty: RFC 5280 §4.2.1.6', () => {
  const critical = (profile: Profile, facts: Partial<TbsFacts>): boolean | undefined =>
    parseTbs(renderTbs(SHAPES[profile], issuer, { ...factsFor(profile), ...facts })).extension(OID.subjectAltName)?.critical;
  assert.equal(critical('server', {}), true);
  assert.equal(critical('device', { names: [{ type: 'dns', value: 'a.b' }] }), false);
  assert.equal(critical('device', {}), undefined);
});

test('key usage is minimal, and has keyEncipherment for RSA keys where the profile says so', () => {
  const usage = (type: 'p256' | 'rsa', profile: Profile): string =>
    Buffer.from(parseTbs(renderTbs(SHAPES[profile], issuer, factsFor(profile, type))).extension(OID.keyUsage)?.value ?? []).toString('hex');
  assert.deepEqual([usage('p256', 'server'), usage('rsa', 'server'), usage('rsa', 'client')], ['03020780', '030205a0', '03020780']);
});

test('the core leaves out CT poison and SCT list, wherever they stand, and nothing else: RFC 6962 §3.2', () => {
  const tbs = renderTbs(SHAPES.server, issuer, factsFor('server'));
  const withExtension = (oid: string, place: 'first' | 'last'): Uint8Array => {
    const fields = readWhole(tbs, TAG.sequence, 'tbs');
    const parts = Array.from({ length: 7 }, () => fields.element('a field'));
    const list = fields.enter(constructed(3), 'extensions').element('extensions');
    const own: Uint8Array[] = [];
    for (const reader = readWhole(list, TAG.sequence, 'extensions'); reader.more; ) own.push(reader.element('an extension'));
    const more = encodeExtension({ oid, critical: oid === OID.ctPoison, value: Uint8Array.of(5, 0) });
    return sequence(...parts, element(constructed(3), sequence(...(place === 'first' ? [more, ...own] : [...own, more]))));
  };
  for (const place of ['first', 'last'] as const) {
    assert.equal(coreOf(withExtension(OID.ctPoison, place)), coreOf(tbs));
    assert.equal(coreOf(withExtension(OID.sctList, place)), coreOf(tbs));
    assert.notEqual(coreOf(withExtension(OID.tlsFeature, place)), coreOf(tbs));
  }
  assert.equal(coreOf(tbs), certificateSha256(tbs), 'without CT, the core is the digest of the bytes');
});

test('a certificate is taken apart into what it was put together from', () => {
  const tbs = renderTbs(SHAPES.server, issuer, factsFor('server'));
  const parsed = parseCertificate(assembleCertificate(tbs, 'ed25519', new Uint8Array(64)));
  assert.deepEqual(Buffer.from(parsed.tbsBytes), Buffer.from(tbs));
  assert.equal(parsed.signature.length, 64);
  assert.throws(() => parseCertificate(Buffer.concat([parsed.der, Uint8Array.of(0)])), DerError);
});

test('an unsigned certificate says so, inside and out: RFC 9925 §3', () => {
  const { tbs, signatureAlgorithm, signature } = parseCertificate(unsignedCertificate(renderTbs(SHAPES.server, issuer, factsFor('server'))));
  assert.equal(Buffer.from(signatureAlgorithm).toString('hex'), '300a06082b06010505070624');
  assert.deepEqual(tbs.signature, signatureAlgorithm);
  assert.equal(signature.length, 0);
});
