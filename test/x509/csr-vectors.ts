/** The requests under test/vectors/csr/, made here: signed with fixed keys by algorithms that give the same signature each time. */
import { type KeyObject, sign } from 'node:crypto';
import { bitString, boolean, constructed, element, integer, octetString, oid, primitive, sequence, setOf, TAG, text } from '../../src/x509/der.ts';
import { encodeName, type SubjectValue } from '../../src/x509/distinguished-name.ts';
import { encodeExtension, encodeKeyUsage, encodeSubjectAltName, type Extension } from '../../src/x509/extensions.ts';
import { OID } from '../../src/x509/oid.ts';
import { privateKey, spkiOf } from './material.ts';

const ED25519 = Buffer.from('300506032b6570', 'hex');
const RSA_SHA256 = Buffer.from('300d06092a864886f70d01010b0500', 'hex');
const RSA_SHA1 = Buffer.from('300d06092a864886f70d0101050500', 'hex');
const CHALLENGE_PASSWORD = '1.2.840.113549.1.9.7'; // RFC 2985 §5.4.1

interface Wishes {
  readonly version?: number;
  readonly subject?: readonly SubjectValue[];
  readonly spki?: Uint8Array;
  /** Undefined leaves the whole element out. */
  readonly attributes?: readonly Uint8Array[] | undefined;
  readonly algorithm?: Uint8Array;
  readonly key?: KeyObject;
  readonly hash?: string;
}

function request(wishes: Wishes): Uint8Array {
  const { version = 0, subject = [], spki = spkiOf('subject', 'ed25519'), algorithm = ED25519 } = wishes;
  const { key = privateKey('subject', 'ed25519'), hash } = wishes;
  const attributes = wishes.attributes === undefined ? [] : [element(constructed(0), ...wishes.attributes)];
  const info = sequence(integer(version), encodeName(subject), spki, ...attributes);
  return sequence(info, algorithm, bitString(sign(hash, info, key)));
}

const extensionRequest = (...extensions: Extension[]): Uint8Array =>
  sequence(oid(OID.extensionRequest), setOf(sequence(...extensions.map(encodeExtension))));
const wish = (id: string, value: Uint8Array, critical = false): Extension => ({ oid: id, critical, value });
const san = (...names: Uint8Array[]): Extension => wish(OID.subjectAltName, sequence(...names));
const dns = (...values: string[]): Extension =>
  wish(OID.subjectAltName, encodeSubjectAltName(values.map((value) => ({ type: 'dns', value }))));
const asking = (...extensions: Extension[]): Wishes => ({ attributes: [extensionRequest(...extensions)] });
const cn = (value: string): SubjectValue => ({ attribute: 'commonName', value });
const rsa: Wishes = { spki: spkiOf('subject', 'rsa'), key: privateKey('subject', 'rsa'), algorithm: RSA_SHA256, hash: 'sha256' };
const www = dns('www.example.org');
const good = request(asking(www));
const changed = (octets: Uint8Array, at: number): Uint8Array =>
  Uint8Array.from(octets, (octet, i) => (i === (at + octets.length) % octets.length ? octet ^ 1 : octet));

export const VALID: Record<string, Uint8Array> = {
  'san-only': good,
  'rsa-common-name-only': request({ ...rsa, subject: [cn('www.example.org')], attributes: [] }),
  'common-name-and-san': request({ ...asking(dns('www.example.org', 'example.org')), subject: [cn('Example.org')] }),
  'upper-case-and-twice': request(asking(dns('WWW.example.org', 'www.example.org'))),
  wildcard: request(asking(dns('*.example.org'))),
  addresses: request(asking(wish(OID.subjectAltName, encodeSubjectAltName([{ type: 'ip', value: '10.0.0.1' }, { type: 'ip', value: 'fd00::1' }])))),
  'spiffe-id': request(asking(wish(OID.subjectAltName, encodeSubjectAltName([{ type: 'uri', value: 'spiffe://example.org/web' }])))),
  'wishes-passed-over': request(asking(
    www, wish(OID.keyUsage, encodeKeyUsage(['keyCertSign']), true), wish(OID.extendedKeyUsage, sequence(oid(OID.codeSigning)), true),
    wish(OID.basicConstraints, sequence(), true), wish('1.2.3.4', octetString()),
  )),
  'challenge-password': request({ attributes: [
    sequence(oid(CHALLENGE_PASSWORD), setOf(text(TAG.utf8String, 'secret'))), extensionRequest(www),
  ] }),
  'attributes-left-out': request({ subject: [cn('www.example.org')] }),
  'version-3-as-old-clients-write': request({ ...asking(www), version: 2 }),
  'long-common-name': request({ ...asking(www), subject: [cn(`${'a'.repeat(60)}.example.org`)] }),
};

/** By what is wrong with them: not readable, readable with faults, or badly signed. */
export const UNREADABLE: Record<string, Uint8Array> = {
  'octets-after-it': Buffer.concat([good, Uint8Array.of(0)]),
  'cut-short': good.slice(0, -1),
  'indefinite-length': Buffer.concat([Uint8Array.of(0x30, 0x80), good.slice(good[1] === 0x81 ? 3 : 4), Uint8Array.of(0, 0)]),
  'long-length-in-needless-octets': Buffer.concat([Uint8Array.of(0x30, 0x83, 0, 0), good.slice(2)]),
  'base64-inside': Buffer.from(Buffer.from(good).toString('base64')),
};

export const FAULTY: Record<string, Uint8Array> = {
  'ca-true': request(asking(www, wish(OID.basicConstraints, sequence(boolean(true)), true))),
  'name-constraints': request(asking(www, wish(OID.nameConstraints, sequence()))),
  'must-staple': request(asking(www, wish(OID.tlsFeature, sequence(integer(5))))),
  'unknown-critical': request(asking(www, wish('1.2.3.4', octetString(), true))),
  'extension-twice': request(asking(www, dns('example.org'))),
  'two-extension-requests': request({ attributes: [
    extensionRequest(www), extensionRequest(wish(OID.keyUsage, encodeKeyUsage(['digitalSignature']))),
  ] }),
  'sha-1': request({ ...rsa, ...asking(www), algorithm: RSA_SHA1, hash: 'sha1' }),
  'other-name': request(asking(san(element(constructed(0), oid('1.2.3.4'), element(constructed(0), text(TAG.utf8String, 'x')))))),
  'directory-name': request(asking(san(element(constructed(4), encodeName([cn('x')]))))),
  'address-of-five-octets': request(asking(san(element(primitive(7), new Uint8Array(5))))),
  'ipv4-mapped': request(asking(san(element(primitive(7), Buffer.from('00000000000000000000ffff0a000001', 'hex'))))),
  'dns-with-port': request(asking(dns('www.example.org:443'))),
  'dns-with-nul': request(asking(san(text(primitive(2), 'www.example.org\0.evil.example')))),
  'dns-is-an-address': request(asking(dns('127.0.0.1'))),
};

export const BADLY_SIGNED: Record<string, Uint8Array> = {
  'signature-changed': changed(good, -1),
  'signed-part-changed': changed(good, 100),
  'signed-by-another-key': request({ ...asking(www), key: privateKey('root', 'ed25519') }),
  'algorithm-of-another-key-type': request({ ...asking(www), algorithm: RSA_SHA256 }),
};
