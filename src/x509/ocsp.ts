/** What requests and responses of OCSP (RFC 6960) share: how a certificate is named, and the limits. */
import { createHash } from 'node:crypto';
import { DerError, type DerReader, integerFromHex, nullValue, octetString, oid, readDer, readWhole, sequence, TAG } from './der.ts';
import { hexOf } from './hex.ts';
import { OID } from './oid.ts';
import type { IssuerShape } from './shape.ts';

/** Certificates that one request may ask for. RFC 6960 sets no limit, RFC 5019 clients ask for one. */
export const MAX_REQUESTS = 8;
/** RFC 9654 §2.1: 1 to 128 octets. */
export const MAX_NONCE = 128;

export type CertIdHash = 'sha1' | 'sha256';

/** CertID (RFC 6960 §4.1.1). Hashes and serial are lower-case hex, the serial as the content octets of its INTEGER. */
export interface CertId {
  /** Undefined for an algorithm that we do not know; then no issuer is ours. */
  readonly hash: CertIdHash | undefined;
  readonly nameHash: string;
  readonly keyHash: string;
  readonly serial: string;
  /** As it was asked: the answer repeats it byte for byte, for clients that compare no further. */
  readonly der: Uint8Array;
}

export const CERT_ID_HASHES = ['sha1', 'sha256'] as const satisfies readonly CertIdHash[];

// With NULL parameters as OpenSSL writes it, and without as RFC 5754 §2 has it: both are in use, and both are echoed.
const ALGORITHM_IDENTIFIERS: ReadonlyMap<string, CertIdHash> = new Map(
  CERT_ID_HASHES.flatMap((hash) => [
    [hexOf(sequence(oid(OID[hash]), nullValue())), hash] as const,
    [hexOf(sequence(oid(OID[hash]))), hash] as const,
  ]),
);

/** @throws DerError */
export function decodeCertId(reader: DerReader): CertId {
  const der = reader.element('a CertID', TAG.sequence);
  const fields = readWhole(der, TAG.sequence, 'a CertID');
  const algorithm = fields.element('the hash algorithm', TAG.sequence);
  const nameHash = hexOf(fields.take(TAG.octetString, 'the hash of the issuer name'));
  const keyHash = hexOf(fields.take(TAG.octetString, 'the hash of the issuer key'));
  const serial = hexOf(fields.integer('the serial number'));
  fields.end('a CertID');
  return { hash: ALGORITHM_IDENTIFIERS.get(hexOf(algorithm)), nameHash, keyHash, serial, der };
}

/** The CertID of a certificate of this issuer, with NULL parameters, as most clients write it. */
export const encodeCertId = (hash: CertIdHash, issuer: Pick<IssuerShape, 'subject' | 'spki'>, serial: string): Uint8Array =>
  sequence(
    sequence(oid(OID[hash]), nullValue()),
    octetString(createHash(hash).update(issuer.subject).digest()),
    octetString(createHash(hash).update(keyBits(issuer.spki)).digest()),
    integerFromHex(serial),
  );

/** What a CertID says of its issuer, as one text: for a table of the issuers that are ours. */
export const issuerMark = ({ hash, nameHash, keyHash }: Pick<CertId, 'hash' | 'nameHash' | 'keyHash'>): string =>
  `${hash} ${nameHash} ${keyHash}`;

/** issuerMark of every CertID that means this issuer. */
export const issuerMarks = ({ subject, spki }: Pick<IssuerShape, 'subject' | 'spki'>): readonly string[] =>
  CERT_ID_HASHES.map((hash) =>
    issuerMark({
      hash,
      nameHash: createHash(hash).update(subject).digest('hex'),
      keyHash: createHash(hash).update(keyBits(spki)).digest('hex'),
    }),
  );

/** KeyHash of a ResponderID (RFC 6960 §4.2.1): SHA-1 of the responder's public key, hex. */
export const responderKeyHash = (spki: Uint8Array): string =>
  createHash('sha1').update(keyBits(spki)).digest('hex');

/** The BIT STRING's content: without tag, length and unused bits (RFC 6960 §4.1.1). */
function keyBits(spki: Uint8Array): Uint8Array {
  const fields = readWhole(spki, TAG.sequence, 'the public key');
  fields.element('the algorithm of the key', TAG.sequence);
  return fields.wholeBits('the public key');
}

/** The octets of a Nonce extension: 1 to 128 (RFC 9654 §2.1). @throws DerError */
export function decodeNonce(value: Uint8Array): Uint8Array {
  const reader = readDer(value);
  const nonce = reader.take(TAG.octetString, 'the nonce');
  reader.end('the nonce');
  if (nonce.length < 1 || nonce.length > MAX_NONCE) throw new DerError(`a nonce of ${nonce.length} octets`);
  return nonce;
}
