/** The extensions of RFC 5280 §4.2 that we write, each with its encoder and its decoder. Decoders throw DerError. */
import {
  bitString,
  boolean,
  constructed,
  DerError,
  type DerReader,
  element,
  integer,
  octetString,
  oid,
  primitive,
  readDer,
  readWhole,
  sequence,
  TAG,
} from './der.ts';
import { decodeGeneralName, encodeGeneralName, type GeneralName } from './general-name.ts';
import { hexOf } from './hex.ts';
import type { Name } from './name.ts';
import { OID } from './oid.ts';

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** What is inside extnValue. */
  readonly value: Uint8Array;
}

/** Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING } */
export const encodeExtension = ({ oid: id, critical, value }: Extension): Uint8Array =>
  critical ? sequence(oid(id), boolean(true), octetString(value)) : sequence(oid(id), octetString(value));

export function decodeExtension(reader: DerReader): Extension {
  const fields = reader.enter(TAG.sequence, 'an extension');
  const id = fields.oid('the identifier of an extension');
  const critical = fields.tag === TAG.boolean && presentTrue(fields, 'critical');
  const value = fields.take(TAG.octetString, 'the value of an extension');
  fields.end('an extension');
  return { oid: id, critical, value };
}

/** X.690 §11.5: a value that is the default is not written, so a BOOLEAN DEFAULT FALSE that is there is TRUE. */
function presentTrue(fields: DerReader, what: string): true {
  if (!fields.boolean(what)) throw new DerError(`${what} is FALSE, which is the default and is not written`);
  return true;
}

export const decodeExtensions = (reader: DerReader): Extension[] => {
  const extensions: Extension[] = [];
  for (const list = reader.enter(TAG.sequence, 'the extensions'); list.more; ) extensions.push(decodeExtension(list));
  return extensions;
};

// ── key usage, RFC 5280 §4.2.1.3 ──

export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const; // in the order of their bits

export type KeyUsage = (typeof KEY_USAGES)[number];

/** A named bit list: trailing zero bits are not written (X.690 §11.2.2). */
export function encodeKeyUsage(usages: readonly KeyUsage[]): Uint8Array {
  const bits = usages.map((usage) => KEY_USAGES.indexOf(usage));
  const last = Math.max(-1, ...bits);
  const octets = new Uint8Array(Math.ceil((last + 1) / 8));
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] as number) | (0x80 >> (bit & 7));
  return bitString(octets, octets.length * 8 - (last + 1));
}

export interface FoundKeyUsage {
  readonly usages: readonly KeyUsage[];
  /** Written as encodeKeyUsage would: no trailing zero bits, no bits without a name. */
  readonly minimal: boolean;
}

export function decodeKeyUsage(value: Uint8Array): FoundKeyUsage {
  const reader = readDer(value);
  const { octets } = reader.bits('key usage');
  reader.end('key usage');
  const usages = KEY_USAGES.filter((_, bit) => (((octets[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1);
  return { usages, minimal: Buffer.compare(encodeKeyUsage(usages), value) === 0 };
}

// ── extended key usage, RFC 5280 §4.2.1.12 ──

export type ExtendedKeyUsage = 'serverAuth' | 'clientAuth' | 'ocspSigning';

export const encodeExtendedKeyUsage = (purposes: readonly ExtendedKeyUsage[]): Uint8Array =>
  sequence(...purposes.map((purpose) => oid(OID[purpose])));

/** Purposes as dotted identifiers. */
export function decodeExtendedKeyUsage(value: Uint8Array): string[] {
  const purposes: string[] = [];
  for (const list = readWhole(value, TAG.sequence, 'extended key usage'); list.more; )
    purposes.push(list.oid('a purpose'));
  return purposes;
}

// ── basic constraints, RFC 5280 §4.2.1.9 ──

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength?: number;
}

export const encodeBasicConstraints = ({ ca, pathLength }: BasicConstraints): Uint8Array =>
  sequence(...(ca ? [boolean(true)] : []), ...(pathLength === undefined ? [] : [integer(pathLength)]));

export function decodeBasicConstraints(value: Uint8Array): BasicConstraints {
  const fields = readWhole(value, TAG.sequence, 'basic constraints');
  const ca = fields.tag === TAG.boolean && presentTrue(fields, 'cA');
  const pathLength = fields.more ? fields.smallInteger('the path length') : undefined;
  fields.end('basic constraints');
  return pathLength === undefined ? { ca } : { ca, pathLength };
}

// ── key identifiers, RFC 5280 §4.2.1.1 and §4.2.1.2 ──

/** Key identifiers are lower-case hex throughout. */
export const encodeSubjectKeyId = (keyId: string): Uint8Array => octetString(Buffer.from(keyId, 'hex'));

export function decodeSubjectKeyId(value: Uint8Array): string {
  const reader = readDer(value);
  const keyId = hexOf(reader.take(TAG.octetString, 'subject key identifier'));
  reader.end('subject key identifier');
  return keyId;
}

export const encodeAuthorityKeyId = (keyId: string): Uint8Array =>
  sequence(element(primitive(0), Buffer.from(keyId, 'hex')));

export interface AuthorityKeyId {
  readonly keyId?: string;
  /** authorityCertIssuer or authorityCertSerialNumber is there. */
  readonly byIssuer: boolean;
}

export function decodeAuthorityKeyId(value: Uint8Array): AuthorityKeyId {
  const fields = readWhole(value, TAG.sequence, 'authority key identifier');
  const keyId = fields.tag === primitive(0) ? hexOf(fields.take(primitive(0), 'the key identifier')) : undefined;
  const byIssuer = fields.more;
  if (fields.tag === constructed(1)) fields.take(constructed(1), 'authorityCertIssuer');
  if (fields.tag === primitive(2)) fields.integer('authorityCertSerialNumber', primitive(2));
  fields.end('authority key identifier');
  return keyId === undefined ? { byIssuer } : { keyId, byIssuer };
}

// ── subject alternative name, RFC 5280 §4.2.1.6 ──

export const encodeSubjectAltName = (names: readonly Name[]): Uint8Array => sequence(...names.map(encodeGeneralName));

export function decodeSubjectAltName(value: Uint8Array): GeneralName[] {
  const names: GeneralName[] = [];
  for (const list = readWhole(value, TAG.sequence, 'subject alternative name'); list.more; )
    names.push(decodeGeneralName(list));
  return names;
}

// ── CRL distribution points, RFC 5280 §4.2.1.13 ──

/** DistributionPointName: fullName with one URI. Also the form of IDP, RFC 5280 §5.2.5. */
export const encodeDistributionPointName = (url: string): Uint8Array =>
  element(constructed(0), element(constructed(0), encodeGeneralName({ type: 'uri', value: url })));

/** The names of fullName; undefined for nameRelativeToCRLIssuer. The reader stands before `[0]`. */
export function decodeDistributionPointName(reader: DerReader): GeneralName[] | undefined {
  const choice = reader.enter(constructed(0), 'a distribution point name');
  if (choice.tag !== constructed(0)) return undefined;
  const names: GeneralName[] = [];
  for (const list = choice.enter(constructed(0), 'fullName'); list.more; ) names.push(decodeGeneralName(list));
  choice.end('a distribution point name');
  return names;
}

export const encodeCrlDistributionPoints = (url: string): Uint8Array =>
  sequence(sequence(encodeDistributionPointName(url)));

export interface DistributionPoint {
  readonly fullName?: readonly GeneralName[];
  /** reasons or cRLIssuer is there. */
  readonly qualified: boolean;
}

export function decodeCrlDistributionPoints(value: Uint8Array): DistributionPoint[] {
  const points: DistributionPoint[] = [];
  for (const list = readWhole(value, TAG.sequence, 'CRL distribution points'); list.more; ) {
    const fields = list.enter(TAG.sequence, 'a distribution point');
    const fullName = fields.tag === constructed(0) ? decodeDistributionPointName(fields) : undefined;
    points.push(fullName === undefined ? { qualified: fields.more } : { fullName, qualified: fields.more });
  }
  return points;
}

// ── authority information access, RFC 5280 §4.2.2.1 ──

/** OCSP first where there is a responder, then where the issuer's certificate is. */
export const encodeAuthorityInfoAccess = (caIssuersUrl: string, ocspUrl?: string): Uint8Array => {
  const access = (method: string, url: string) => sequence(oid(method), encodeGeneralName({ type: 'uri', value: url }));
  return sequence(...(ocspUrl === undefined ? [] : [access(OID.ocsp, ocspUrl)]), access(OID.caIssuers, caIssuersUrl));
};

export interface AccessDescription {
  readonly method: string;
  readonly location: GeneralName;
}

export function decodeAuthorityInfoAccess(value: Uint8Array): AccessDescription[] {
  const descriptions: AccessDescription[] = [];
  for (const list = readWhole(value, TAG.sequence, 'authority information access'); list.more; ) {
    const fields = list.enter(TAG.sequence, 'an access description');
    descriptions.push({ method: fields.oid('an access method'), location: decodeGeneralName(fields) });
    fields.end('an access description');
  }
  return descriptions;
}
