/** Device attestations, each format: what proves a device, and everything that does not. Rows DV-03, DV-05, DV-10, DV-11. */
import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { AttestationFault, verifyAttestation } from '../../src/attestation/verify.ts';
import { integer } from '../../src/x509/der.ts';
import {
  akExtensions, aikPurpose, APPLE, appleExtensions, attestationObject, caExtensions, certify, certifyInfo, commonName, ecKeys, extension, hardwareModule, type Keys,
  Maker, type Members, permanentIdentifier, publicArea, rsaKeys, sha256, SIGNING_KEY, spkiOf, subjectAltName, tpmName,
} from '../support/attestation.ts';
import { encodeCbor } from '../support/cbor.ts';

const TOKEN = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
const KEY_AUTHORIZATION = `${TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI`;
const DAY = 86_400_000;
const maker = new Maker();
const stranger = new Maker();
const EMPTY = Buffer.from('3000', 'hex');

const judge = (octets: Uint8Array, at = Date.now()) =>
  verifyAttestation(octets, new Map([['apple', [maker.root]], ['step', [new Maker().root, maker.root]], ['tpm', [maker.root]]]), { token: TOKEN, keyAuthorization: KEY_AUTHORIZATION, at });
const fails = (what: string, octets: Uint8Array, clause: RegExp, at?: number): void =>
  assert.throws(() => judge(octets, at), (error: Error) => error instanceof AttestationFault && clause.test(error.message) && /^[^\n]+\.$/.test(error.message), what);

/** What is wrong with any chain, made for a format by `build`, which gets the certificates. */
function badChains(subject: Uint8Array, spki: Uint8Array, extensions: readonly Uint8Array[], build: (x5c: readonly Uint8Array[]) => Buffer): void {
  const leaf = (more = {}, over = extensions) => maker.leaf(subject, spki, over, more);
  const other = ecKeys();
  const cases: [string, readonly Uint8Array[], RegExp, number?][] = [
    ['no certificates', [], /not a list of certificates/],
    ['the intermediate is missing', [leaf()], /do not lead to a root/],
    ['a stranger made it', [stranger.leaf(subject, spki, extensions), stranger.middle].slice(0, 2), /do not lead to a root/],
    ['a stranger of the same name made it', [certify({ subject, spki, extensions, issuer: { subject: maker.middleSubject, keys: other } }), maker.middle], /not issued by the one after it/],
    ['an order of its own', [maker.middle, leaf()], /do not lead to a root|not issued/],
    ['expired', [leaf({ from: Date.now() - 2 * DAY, to: Date.now() - DAY }), maker.middle], /not valid now/],
    ['not valid yet', [leaf({ from: Date.now() + DAY, to: Date.now() + 2 * DAY }), maker.middle], /not valid now/],
    ['SHA-1', [leaf({ hash: 'sha1' }), maker.middle], /algorithm that is not taken/],
    ['an unknown critical extension', [leaf({}, [...extensions, extension.critical('1.2.3.4', EMPTY)]), maker.middle], /critical extension.*1\.2\.3\.4/],
    ['an issuer that is no CA', [leaf(), certify({ subject: maker.middleSubject, spki: spkiOf(maker.middleKeys), extensions: [], issuer: maker })], /not of a CA/],
    ['an issuer that may not sign', [leaf(), certify({ subject: maker.middleSubject, spki: spkiOf(maker.middleKeys), extensions: caExtensions(undefined, ['digitalSignature']), issuer: maker })], /may not sign/],
    ['a longer chain than allowed', (() => {
      const second = ecKeys();
      const name = commonName('Second');
      return [certify({ subject, spki, extensions, issuer: { subject: name, keys: second } }), maker.leaf(name, spkiOf(second), caExtensions()), maker.middle];
    })(), /longer than one of its CAs allows/],
    ['too many', Array.from({ length: 7 }, () => maker.middle), /more than 6/],
    ['cut short', [leaf().subarray(0, -1), maker.middle], /cannot be read/],
    ['a huge one', [Buffer.alloc(9000), maker.middle], /more than 8192/],
  ];
  for (const [what, x5c, clause, at] of cases) fails(what, build(x5c), clause, at);
}

test('DV-03 apple: the key in the certificate, for this token, of the device with that serial number or UDID', () => {
  const keys = ecKeys('P-384');
  const build = (x5c: readonly Uint8Array[]): Buffer => attestationObject('apple', new Map([['x5c', x5c]]));
  const leaf = maker.leaf(commonName('device'), spkiOf(keys), appleExtensions(TOKEN));
  for (const x5c of [[leaf, maker.middle], [leaf, maker.middle, maker.root]]) {
    const attested = judge(build(x5c));
    assert.deepEqual(attested.identities, { permanent: ['C02XYZ', '00008110-001A'], hardware: [] });
    assert.deepEqual(Buffer.from(attested.spki), spkiOf(keys));
    assert.equal(attested.format, 'apple');
  }
  const withExtensions = (extensions: Uint8Array[]): Buffer => build([maker.leaf(commonName('device'), spkiOf(keys), extensions), maker.middle]);
  fails('another token', withExtensions(appleExtensions(`${TOKEN}x`)), /not for this token/);
  fails('the key authorization in place of the token', withExtensions(appleExtensions(KEY_AUTHORIZATION)), /not for this token/);
  fails('no freshness code', withExtensions(appleExtensions(TOKEN).slice(0, 2)), /not for this token/);
  fails('a freshness code in DER', withExtensions([extension.bare(APPLE.freshness, Buffer.concat([Buffer.of(4, 32), sha256(TOKEN)]))]), /not for this token/);
  assert.deepEqual(judge(withExtensions([extension.bare(APPLE.serial, Buffer.from('a\u0000b')), ...appleExtensions(TOKEN).slice(2)])).identities.permanent, []);
  badChains(commonName('device'), spkiOf(keys), appleExtensions(TOKEN), build);
});

const YUBICO = '1.3.6.1.4.1.41482.3.7';
const stepMembers = (keys: Keys, x5c: readonly Uint8Array[], over: string = KEY_AUTHORIZATION): Members =>
  new Map<string, never>([['alg', keys.publicKey.asymmetricKeyType === 'rsa' ? -257 : -7], ['x5c', x5c], ['sig', encodeCbor(sign('sha256', Buffer.from(over), keys.privateKey))]] as never);

test('DV-10 step: the attested key signed the key authorization, and its certificate names the device', () => {
  const named = [extension.bare(YUBICO, integer(12_345_678))];
  for (const keys of [ecKeys(), rsaKeys()]) {
    const build = (x5c: readonly Uint8Array[]): Buffer => attestationObject('step', stepMembers(keys, x5c));
    const good = [maker.leaf(commonName('YubiKey'), spkiOf(keys), named), maker.middle];
    assert.deepEqual(judge(build(good)).identities, { permanent: ['12345678'], hardware: [] });
    assert.deepEqual(Buffer.from(judge(build(good)).spki), spkiOf(keys));
    badChains(commonName('YubiKey'), spkiOf(keys), named, (x5c) => attestationObject('step', stepMembers(keys, x5c)));

    const change = (name: string, value: unknown): Buffer => attestationObject('step', new Map([...stepMembers(keys, good), [name, value]]) as Members);
    const signature = stepMembers(keys, good).get('sig') as Buffer;
    fails('signed something else', attestationObject('step', stepMembers(keys, good, `${KEY_AUTHORIZATION}x`)), /not one of the attested key/);
    fails('signed the token alone', attestationObject('step', stepMembers(keys, good, TOKEN)), /not one of the attested key/);
    fails('another key signed', change('sig', encodeCbor(sign('sha256', Buffer.from(KEY_AUTHORIZATION), ecKeys().privateKey))), /not one of the attested key/);
    fails('one octet is another', change('sig', Buffer.concat([signature.subarray(0, -1), Buffer.of((signature.at(-1) as number) ^ 1)])), /not one of the attested key/);
    fails('not in CBOR', change('sig', sign('sha256', Buffer.from(KEY_AUTHORIZATION), keys.privateKey)), /"sig" (cannot be read as CBOR|does not hold)|not one of/);
    fails('text in CBOR', change('sig', encodeCbor('x')), /does not hold octets/);
    fails('no signature', change('sig', null), /"sig" is not there/);
    fails('another algorithm', change('alg', -65_535), /"alg" is not that/);
  }
  const withNames = judge(attestationObject('step', stepMembers(ecKeysOnce, [maker.leaf(EMPTY, spkiOf(ecKeysOnce),
    [subjectAltName([permanentIdentifier('p-1'), permanentIdentifier('p-2', '1.2.3'), hardwareModule('1.3.6.1.4.1.9', 'hw-7')])]), maker.middle])));
  assert.deepEqual(withNames.identities, { permanent: ['p-1', 'p-2/1.2.3'], hardware: ['hw-7/1.3.6.1.4.1.9'] });
  const weak = ecKeys('P-521');
  fails('a key that is not taken', attestationObject('step', stepMembers(weak, [maker.leaf(EMPTY, spkiOf(weak), named), maker.middle])), /attested key is not accepted/);
});
const ecKeysOnce = ecKeys();

test('DV-01 what two devices are is never written alike: a slash belongs to the assigner, and octets are no text', () => {
  const identities = (...names: readonly Uint8Array[]) =>
    judge(attestationObject('step', stepMembers(ecKeysOnce, [maker.leaf(EMPTY, spkiOf(ecKeysOnce), [subjectAltName(names)]), maker.middle]))).identities;
  assert.deepEqual(identities(permanentIdentifier('A', '1.2.3'), permanentIdentifier('A', '1.2.4'), permanentIdentifier('A')).permanent, ['A/1.2.3', 'A/1.2.4', 'A']);
  assert.deepEqual(identities(permanentIdentifier('A/1.2.3'), permanentIdentifier('A/1.2', '1.3'), permanentIdentifier('ä'), permanentIdentifier('', '1.2.3')).permanent, []);
  const octets = (text: string): string => Buffer.from(text, 'hex').toString('latin1');
  assert.deepEqual(identities(hardwareModule('1.2.3', octets('abcd')), hardwareModule('1.2.3', 'abcd'), hardwareModule('1.2.4', 'abcd')).hardware, ['hex:abcd/1.2.3', 'abcd/1.2.3', 'abcd/1.2.4']);
  assert.deepEqual(identities(hardwareModule('1.2.3', 'hex:abcd'), hardwareModule('1.2.3', 'x/1.2'), hardwareModule('1.2.3', '')).hardware, ['hex:/1.2.3']);
});

test('DV-10 tpm: an attestation key certified a key that is bound to the same TPM, for this key authorization', () => {
  const names = [permanentIdentifier('machine-7'), hardwareModule('1.3.6.1.4.1.9', 'hw-7')];
  for (const [ak, keys] of [[ecKeys(), ecKeys()], [rsaKeys(), rsaKeys()], [ecKeys(), ecKeys('P-384')]] as const) {
    const good = [maker.leaf(EMPTY, spkiOf(ak), akExtensions(names)), maker.middle];
    const make = ({ pubArea = publicArea(keys), certInfo = certifyInfo(pubArea, sha256(KEY_AUTHORIZATION)), x5c = good as readonly Uint8Array[], more = {} as Record<string, unknown> } = {}): Buffer =>
      attestationObject('tpm', new Map(Object.entries({
        ver: '2.0', alg: ak.publicKey.asymmetricKeyType === 'rsa' ? -257 : -7, x5c, sig: sign('sha256', certInfo, ak.privateKey), certInfo, pubArea, ...more,
      })) as Members);
    const attested = judge(make());
    assert.deepEqual(attested.identities, { permanent: ['machine-7'], hardware: ['hw-7/1.3.6.1.4.1.9'] });
    assert.deepEqual(Buffer.from(attested.spki), spkiOf(keys));

    badChains(EMPTY, spkiOf(ak), akExtensions(names), (x5c) => make({ x5c }));
    const leaf = (subject: Uint8Array, extensions: readonly Uint8Array[]) => make({ x5c: [maker.leaf(subject, spkiOf(ak), extensions), maker.middle] });
    const [san, eku, basic] = akExtensions(names) as [Uint8Array, Uint8Array, Uint8Array];
    fails('ver', make({ more: { ver: '1.2' } }), /"ver" is not/);
    fails('RS1', make({ more: { alg: -65_535 } }), /"alg" is not taken/);
    fails('alg of another key', make({ more: { alg: -35 } }), /"alg" is not taken/);
    fails('a subject', leaf(commonName('x'), akExtensions(names)), /has a subject/);
    fails('no purpose', leaf(EMPTY, [san, basic]), /not for attestation keys/);
    fails('a CA', leaf(EMPTY, [san, eku, ...caExtensions()]), /is of a CA/);
    fails('no TPM', leaf(EMPTY, [subjectAltName(names), aikPurpose, basic]), /which TPM/);
    fails('signed by another key', make({ more: { sig: sign('sha256', Buffer.from('x'), ak.privateKey) } }), /not one of the attestation key/);
    fails('magic', make({ certInfo: certifyInfo(publicArea(keys), sha256(KEY_AUTHORIZATION), { magic: 0xff544348 }) }), /not made by a TPM/);
    fails('a quote', make({ certInfo: certifyInfo(publicArea(keys), sha256(KEY_AUTHORIZATION), { type: 0x8018 }) }), /does not certify/);
    fails('another token', make({ certInfo: certifyInfo(publicArea(keys), sha256(`${KEY_AUTHORIZATION}x`)) }), /not for this key authorization/);
    fails('the token alone', make({ certInfo: certifyInfo(publicArea(keys), sha256(TOKEN)) }), /not for this key authorization/);
    fails('octets after certInfo', make({ certInfo: certifyInfo(publicArea(keys), sha256(KEY_AUTHORIZATION), { tail: Buffer.of(0) }) }), /longer than/);
    fails('certInfo cut short', make({ certInfo: certifyInfo(publicArea(keys), sha256(KEY_AUTHORIZATION)).subarray(0, -1) }), /cut short/);
    fails('another key', make({ certInfo: certifyInfo(publicArea(ecKeys()), sha256(KEY_AUTHORIZATION)) }), /not the one in "pubArea"/);
    fails('another name hash', make({ certInfo: certifyInfo(publicArea(keys), sha256(KEY_AUTHORIZATION), { nameAlg: 0x000c }) }), /not the one in "pubArea"/);
    const area = (more: object, clause: RegExp): void => fails(JSON.stringify(more), make({ pubArea: publicArea(keys, more) }), clause);
    area({ attributes: SIGNING_KEY & ~0x02 }, /can leave it/);
    area({ attributes: SIGNING_KEY & ~0x20 }, /not made in the TPM/);
    area({ attributes: SIGNING_KEY & ~0x40000 }, /not one that signs/);
    area({ attributes: SIGNING_KEY | 0x10000 }, /not one that signs/);
    area({ nameAlg: 0x0004 }, /hash that is not taken/);
    area({ symmetric: 0x0006 }, /storage key/);
    fails('octets after pubArea', make({ pubArea: Buffer.concat([publicArea(keys), Buffer.of(0)]) }), /longer than/);
    for (const name of ['certInfo', 'pubArea', 'sig']) fails(`no ${name}`, make({ more: { [name]: null } }), new RegExp(`"${name}" is not there`));
  }
  assert.ok(tpmName.length > 0);
});

test('DV-02, DV-11 what is no attestation object, and formats that nobody asked for', () => {
  fails('nothing', Buffer.alloc(0), /cannot be read as CBOR/);
  fails('text', encodeCbor('x'), /not a map/);
  fails('no fmt', encodeCbor(new Map([['attStmt', new Map()]])), /no "fmt"/);
  fails('no attStmt', encodeCbor(new Map([['fmt', 'apple']])), /no "attStmt"/);
  for (const format of ['none', 'packed', 'android-key', 'toString', '__proto__', '']) fails(format, attestationObject(format, new Map([['x5c', []]])), /are not taken here, only apple, step, tpm/);
  fails('deep', Buffer.concat([Buffer.alloc(20, 0x81), Buffer.of(0)]), /nested deeper/);
  const withMore = encodeCbor(new Map<string, never>([['fmt', 'apple'], ['attStmt', new Map([['x5c', [maker.leaf(EMPTY, spkiOf(ecKeysOnce), appleExtensions(TOKEN)), maker.middle]]])], ['authData', Buffer.alloc(37)]] as never));
  assert.equal(judge(withMore).format, 'apple', 'DV-02: authData is not looked into');
});

test('6.9 an attestation with any octet changed is refused with a sentence, or still says the same', () => {
  const keys = ecKeys();
  const octets = attestationObject('step', stepMembers(keys, [maker.leaf(commonName('y'), spkiOf(keys), [extension.bare(YUBICO, integer(7))]), maker.middle]));
  fc.assert(fc.property(fc.nat(octets.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    const changed = Buffer.from(octets);
    changed[at] = (changed[at] as number) ^ flip;
    try {
      const { identities, spki } = judge(changed);
      assert.deepEqual([identities.permanent, Buffer.from(spki)], [['7'], spkiOf(keys)]);
    } catch (error) {
      if (!(error instanceof AttestationFault)) throw error;
    }
  }), { numRuns: 3000 });
});
