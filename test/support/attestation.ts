/** A maker of devices for tests: its CA, and attestations as devices send them, each part of which can be got wrong on purpose. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { bitString, boolean, constructed, element, integer, octetString, oid, sequence, setOf, TAG, text, time } from '../../src/x509/der.ts';
import { encodeBasicConstraints, encodeKeyUsage } from '../../src/x509/extensions.ts';
import { encodeCbor, type Encodable } from './cbor.ts';

export interface Keys { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
export const ecKeys = (namedCurve = 'P-256'): Keys => generateKeyPairSync('ec', { namedCurve });
export const rsaKeys = (): Keys => generateKeyPairSync('rsa', { modulusLength: 2048 });
export const spkiOf = ({ publicKey }: Pick<Keys, 'publicKey'>): Buffer => publicKey.export({ type: 'spki', format: 'der' });

const HOUR = 3_600_000;
export const commonName = (value: string): Uint8Array => sequence(setOf(sequence(oid('2.5.4.3'), text(TAG.utf8String, value))));
const ext = (id: string, value: Uint8Array, critical = false): Uint8Array => sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
export const extension = { bare: (id: string, value: Uint8Array) => ext(id, value), critical: (id: string, value: Uint8Array) => ext(id, value, true) };
export const caExtensions = (pathLength?: number, usages: readonly ('keyCertSign' | 'digitalSignature')[] = ['keyCertSign']): Uint8Array[] => [
  ext('2.5.29.19', encodeBasicConstraints(pathLength === undefined ? { ca: true } : { ca: true, pathLength }), true), ext('2.5.29.15', encodeKeyUsage(usages), true),
];

export interface Wish {
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly extensions: readonly Uint8Array[];
  readonly issuer: { readonly subject: Uint8Array; readonly keys: Keys };
  readonly from?: number;
  readonly to?: number;
  readonly hash?: 'sha256' | 'sha1';
}

/** A certificate signed with ECDSA. */
export function certify({ subject, spki, extensions, issuer, from = Date.now() - HOUR, to = Date.now() + 24 * HOUR, hash = 'sha256' }: Wish): Buffer {
  const second = (ms: number): number => Math.floor(ms / 1000) * 1000;
  const algorithm = sequence(oid(hash === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'));
  const tbs = sequence(
    element(constructed(0), integer(2)), integer(BigInt(`0x01${randomBytes(12).toString('hex')}`)), algorithm, issuer.subject,
    sequence(time(second(from)), time(second(to))), subject, spki, ...(extensions.length === 0 ? [] : [element(constructed(3), sequence(...extensions))]),
  );
  return Buffer.from(sequence(tbs, algorithm, bitString(sign(hash, tbs, issuer.keys.privateKey))));
}

export class Maker {
  readonly keys = ecKeys();
  readonly subject = commonName('Test Attestation Root');
  readonly root: Buffer = certify({ subject: this.subject, spki: spkiOf(this.keys), extensions: caExtensions(), issuer: this, to: Date.now() + 365 * 24 * HOUR });
  readonly middleKeys = ecKeys();
  readonly middleSubject = commonName('Test Attestation CA');
  readonly middle: Buffer = certify({ subject: this.middleSubject, spki: spkiOf(this.middleKeys), extensions: caExtensions(0), issuer: this });

  /** A device's certificate, under the intermediate. */
  leaf(subject: Uint8Array, spki: Uint8Array, extensions: readonly Uint8Array[], more: Partial<Wish> = {}): Buffer {
    return certify({ subject, spki, extensions, issuer: { subject: this.middleSubject, keys: this.middleKeys }, ...more });
  }
}

export type Members = Map<string, Encodable>;
export const attestationObject = (format: Encodable, members: Encodable): Buffer =>
  encodeCbor(new Map<string, Encodable>([['fmt', format], ['attStmt', members]]));
export const sha256 = (content: string | Uint8Array): Buffer => createHash('sha256').update(content).digest();

// ── step ──

export const YUBICO_SERIAL = '1.3.6.1.4.1.41482.3.7';

/** What a YubiKey with this serial number says about its key, as the payload of an answer: it signs `over`, the key authorization. */
export function yubiKeyAnswer(maker: Maker, key: Keys, serial: number, over: string): { attObj: string } {
  const leaf = maker.leaf(commonName('YubiKey PIV Attestation 9a'), spkiOf(key), [extension.bare(YUBICO_SERIAL, integer(serial))]);
  const members: Members = new Map<string, Encodable>([['alg', -7], ['x5c', [leaf, maker.middle]], ['sig', encodeCbor(sign('sha256', Buffer.from(over), key.privateKey))]]);
  return { attObj: attestationObject('step', members).toString('base64url') };
}

// ── apple ──

export const APPLE = { serial: '1.2.840.113635.100.8.9.1', udid: '1.2.840.113635.100.8.9.2', freshness: '1.2.840.113635.100.8.11.1' };
export const appleExtensions = (token: string, serial = 'C02XYZ', udid = '00008110-001A'): Uint8Array[] => [
  extension.bare(APPLE.serial, Buffer.from(serial)), extension.bare(APPLE.udid, Buffer.from(udid)), extension.bare(APPLE.freshness, sha256(token)),
];

// ── names of devices ──

const otherName = (type: string, value: Uint8Array): Uint8Array => element(constructed(0), oid(type), element(constructed(0), value));
export const permanentIdentifier = (value: string, assigner?: string): Uint8Array =>
  otherName('1.3.6.1.5.5.7.8.3', sequence(text(TAG.utf8String, value), ...(assigner === undefined ? [] : [oid(assigner)])));
export const hardwareModule = (type: string, serial: string): Uint8Array => otherName('1.3.6.1.5.5.7.8.4', sequence(oid(type), octetString(Buffer.from(serial, 'latin1'))));
export const subjectAltName = (names: readonly Uint8Array[], critical = true): Uint8Array => ext('2.5.29.17', sequence(...names), critical);

// ── tpm ──

export const tpmName = element(constructed(4), sequence(setOf(sequence(oid('2.23.133.2.1'), text(TAG.utf8String, 'id:54455354')))));
export const aikPurpose = ext('2.5.29.37', sequence(oid('2.23.133.8.3')));
export const akExtensions = (names: readonly Uint8Array[]): Uint8Array[] => [
  subjectAltName([tpmName, ...names]), aikPurpose, ext('2.5.29.19', encodeBasicConstraints({ ca: false }), true),
];

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const u32 = (value: number): Buffer => Buffer.from((value >>> 0).toString(16).padStart(8, '0'), 'hex');
const sized = (octets: Uint8Array): Buffer => Buffer.concat([u16(octets.length), octets]);

/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, sign. */
export const SIGNING_KEY = 0x00040072;

export function publicArea(keys: Pick<Keys, 'publicKey'>, { attributes = SIGNING_KEY, nameAlg = 0x000b, symmetric = 0x0010 } = {}): Buffer {
  const jwk = keys.publicKey.export({ format: 'jwk' });
  const octets = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64url');
  const head = (type: number): Buffer => Buffer.concat([u16(type), u16(nameAlg), u32(attributes), sized(Buffer.alloc(0)), u16(symmetric), u16(0x0010)]);
  if (jwk.kty === 'RSA') return Buffer.concat([head(0x0001), u16(octets(jwk.n).length * 8), u32(0), sized(octets(jwk.n))]);
  return Buffer.concat([head(0x0023), u16(jwk.crv === 'P-384' ? 4 : 3), u16(0x0010), sized(octets(jwk.x)), sized(octets(jwk.y))]);
}

export function certifyInfo(pubArea: Uint8Array, extraData: Uint8Array, { magic = 0xff544347, type = 0x8017, nameAlg = 0x000b, tail = Buffer.alloc(0) } = {}): Buffer {
  const name = Buffer.concat([u16(nameAlg), sha256(pubArea)]);
  return Buffer.concat([u32(magic), u16(type), sized(Buffer.from('signer')), sized(extraData), Buffer.alloc(17 + 8), sized(name), sized(Buffer.from('qualified')), tail]);
}

