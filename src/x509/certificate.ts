/**
 * Certificate and TBSCertificate (RFC 5280 §4.1): one pass over the bytes, offsets kept, extensions decoded when
 * asked for.
 */
import { createHash } from 'node:crypto';
import { ALGORITHMS, type SignatureAlgorithm } from './algorithm.ts';
import { bitString, constructed, DerError, type DerReader, element, oid, readWhole, sequence, TAG } from './der.ts';
import { decodeName, type Rdn } from './distinguished-name.ts';
import {
  type AccessDescription,
  type AuthorityKeyId,
  type BasicConstraints,
  decodeAuthorityInfoAccess,
  decodeAuthorityKeyId,
  decodeBasicConstraints,
  decodeCrlDistributionPoints,
  decodeExtendedKeyUsage,
  decodeExtensions,
  decodeKeyUsage,
  decodeSubjectAltName,
  decodeSubjectKeyId,
  type DistributionPoint,
  type Extension,
  type FoundKeyUsage,
} from './extensions.ts';
import type { GeneralName } from './general-name.ts';
import { hexOf } from './hex.ts';
import { OID } from './oid.ts';
import { type FoundKey, readSpki } from './public-key.ts';

/**
 * A TBSCertificate as found: strict DER, but not otherwise judged. Getters decode an extension when first asked;
 * they give undefined when it is absent and throw DerError when it cannot be read.
 */
export class Tbs {
  readonly bytes: Uint8Array;
  /** 1, 2 or 3. */
  readonly version: number;
  /** Content octets of the INTEGER, hex. */
  readonly serial: string;
  /** AlgorithmIdentifier, DER. */
  readonly signature: Uint8Array;
  /** Name, DER. */
  readonly issuer: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  /** The time types of notBefore and notAfter. */
  readonly timeTags: readonly [number, number];
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly issuerUniqueId: boolean;
  readonly subjectUniqueId: boolean;
  readonly extensions: readonly Extension[];
  readonly #decoded = new Map<string, unknown>();

  /** Throws DerError unless `bytes` are one TBSCertificate. */
  constructor(bytes: Uint8Array) {
    const fields = readWhole(bytes, TAG.sequence, 'the TBSCertificate');
    this.bytes = bytes;
    this.version = readVersion(fields);
    this.serial = hexOf(fields.integer('the serial number'));
    this.signature = fields.element('the signature algorithm', TAG.sequence);
    this.issuer = fields.element('the issuer', TAG.sequence);
    const validity = fields.enter(TAG.sequence, 'the validity');
    const from = validity.tag;
    this.notBefore = validity.time('notBefore');
    this.timeTags = [from, validity.tag];
    this.notAfter = validity.time('notAfter');
    validity.end('the validity');
    this.subject = fields.element('the subject', TAG.sequence);
    this.spki = fields.element('the public key', TAG.sequence);
    this.issuerUniqueId = skip(fields, 0x81);
    this.subjectUniqueId = skip(fields, 0x82);
    this.extensions = fields.tag === constructed(3) ? readExtensions(fields) : [];
    fields.end('the TBSCertificate');
  }

  extension(id: string): Extension | undefined {
    return this.extensions.find((extension) => extension.oid === id);
  }

  /** Undefined for a type, or an encoding of its algorithm, that is not supported. */
  get publicKey(): FoundKey | undefined {
    return this.#once('publicKey', () => readSpki(this.spki));
  }
  get subjectRdns(): readonly Rdn[] {
    return this.#once('subject', () => decodeName(this.subject));
  }
  get altNames(): readonly GeneralName[] | undefined {
    return this.#extension(OID.subjectAltName, decodeSubjectAltName);
  }
  get keyUsage(): FoundKeyUsage | undefined {
    return this.#extension(OID.keyUsage, decodeKeyUsage);
  }
  get extendedKeyUsage(): readonly string[] | undefined {
    return this.#extension(OID.extendedKeyUsage, decodeExtendedKeyUsage);
  }
  get basicConstraints(): BasicConstraints | undefined {
    return this.#extension(OID.basicConstraints, decodeBasicConstraints);
  }
  get authorityKeyId(): AuthorityKeyId | undefined {
    return this.#extension(OID.authorityKeyIdentifier, decodeAuthorityKeyId);
  }
  get subjectKeyId(): string | undefined {
    return this.#extension(OID.subjectKeyIdentifier, decodeSubjectKeyId);
  }
  get crlDistributionPoints(): readonly DistributionPoint[] | undefined {
    return this.#extension(OID.crlDistributionPoints, decodeCrlDistributionPoints);
  }
  get authorityInfoAccess(): readonly AccessDescription[] | undefined {
    return this.#extension(OID.authorityInfoAccess, decodeAuthorityInfoAccess);
  }

  #extension<T>(id: string, decode: (value: Uint8Array) => T): T | undefined {
    return this.#once(id, () => {
      const extension = this.extension(id);
      return extension && decode(extension.value);
    });
  }

  #once<T>(key: string, make: () => T): T {
    if (!this.#decoded.has(key)) this.#decoded.set(key, make());
    return this.#decoded.get(key) as T;
  }
}

/** Throws DerError unless `bytes` are one TBSCertificate in DER. */
export const parseTbs = (bytes: Uint8Array): Tbs => new Tbs(bytes);

/** `version [0] EXPLICIT INTEGER DEFAULT v1`: the number that people use, one more than the INTEGER. */
function readVersion(fields: DerReader): number {
  if (fields.tag !== constructed(0)) return 1;
  const explicit = fields.enter(constructed(0), 'the version');
  const version = explicit.smallInteger('the version');
  explicit.end('the version');
  if (version === 0) throw new DerError('the version is written although it is the default'); // X.690 §11.5
  return version + 1;
}

function skip(fields: DerReader, tag: number): boolean {
  if (fields.tag !== tag) return false;
  fields.bits('a unique identifier', tag);
  return true;
}

function readExtensions(fields: DerReader): Extension[] {
  const explicit = fields.enter(constructed(3), 'the extensions');
  const extensions = decodeExtensions(explicit);
  explicit.end('the extensions');
  return extensions;
}

export interface Certificate {
  readonly der: Uint8Array;
  readonly tbs: Tbs;
  readonly tbsBytes: Uint8Array;
  /** AlgorithmIdentifier, DER. */
  readonly signatureAlgorithm: Uint8Array;
  /** Content of the BIT STRING. */
  readonly signature: Uint8Array;
}

/** Throws DerError unless `der` is one Certificate. */
export function parseCertificate(der: Uint8Array): Certificate {
  const { signed, algorithm, signature } = readSigned(der, 'the certificate');
  return { der, tbs: parseTbs(signed), tbsBytes: signed, signatureAlgorithm: algorithm, signature };
}

/** Certificate, CertificateList and CertificationRequest are all SIGNED{}: what is signed, algorithm, signature. */
export function readSigned(
  der: Uint8Array,
  what: string,
  limit?: number,
): { signed: Uint8Array; algorithm: Uint8Array; signature: Uint8Array } {
  const fields = readWhole(der, TAG.sequence, what, limit);
  const signed = fields.element('what is signed', TAG.sequence);
  const algorithm = fields.element('the signature algorithm', TAG.sequence);
  const signature = fields.wholeBits('the signature');
  fields.end(what);
  return { signed, algorithm, signature };
}

/** `signature` as it stands in the BIT STRING: for ECDSA, the DER of r and s. */
export const assembleCertificate = (
  tbs: Uint8Array,
  algorithm: SignatureAlgorithm,
  signature: Uint8Array,
): Uint8Array => sequence(tbs, ALGORITHMS[algorithm].identifier, bitString(signature));

/**
 * The TBS as an unsigned certificate (RFC 9925 §3), for tools that want a whole one: it cannot be mistaken for ours.
 * The signature field inside must say id-alg-unsigned too, so these are not the bytes that will be signed.
 */
export function unsignedCertificate(tbs: Uint8Array): Uint8Array {
  const unsigned = sequence(oid(OID.unsigned));
  const fields = readWhole(tbs, TAG.sequence, 'the TBSCertificate');
  const before = fields.tag === constructed(0) ? [fields.element('the version')] : [];
  const serial = fields.element('the serial number', TAG.integer);
  fields.element('the signature algorithm', TAG.sequence);
  const rest: Uint8Array[] = [];
  while (fields.more) rest.push(fields.element('a field'));
  return sequence(sequence(...before, serial, unsigned, ...rest), unsigned, bitString(new Uint8Array()));
}

const CT_EXTENSIONS: readonly string[] = [OID.ctPoison, OID.sctList];

/**
 * The core of a TBS: SHA-256, hex, of its bytes without CT poison and SCT list (RFC 6962 §3.2 makes both from one TBS).
 * All that is signed under one serial has the same core.
 */
export function coreOf(tbs: Uint8Array): string {
  const { extensions } = parseTbs(tbs);
  const bytes = extensions.some(({ oid: id }) => CT_EXTENSIONS.includes(id)) ? withoutCt(tbs) : tbs;
  return createHash('sha256').update(bytes).digest('hex');
}

function withoutCt(tbs: Uint8Array): Uint8Array {
  const fields = readWhole(tbs, TAG.sequence, 'the TBSCertificate');
  const parts: Uint8Array[] = [];
  while (fields.more && fields.tag !== constructed(3)) parts.push(fields.element('a field'));
  const kept: Uint8Array[] = [];
  for (const list = fields.enter(constructed(3), 'the extensions').enter(TAG.sequence, 'the extensions'); list.more; ) {
    const extension = list.element('an extension', TAG.sequence);
    if (!CT_EXTENSIONS.includes(readWhole(extension, TAG.sequence, 'an extension').oid('its identifier')))
      kept.push(extension);
  }
  return sequence(...parts, element(constructed(3), sequence(...kept)));
}

/** SHA-256 of the whole certificate, hex: its fingerprint. */
export const certificateSha256 = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');
