/** Public keys as SubjectPublicKeyInfo: which we accept, and why others are refused (acme.md GK-1, GK-2, GK-4). */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { DerError, readWhole, TAG } from './der.ts';
import { hexOf } from './hex.ts';
import { edwardsFault, P256, P384, pointFault } from './curve.ts';
import { rsaFault } from './rsa.ts';

export type KeyType = 'p256' | 'p384' | 'rsa' | 'ed25519';

// AlgorithmIdentifier, byte for byte: BR §7.1.3.1 (Ed25519: RFC 8410 §3).
const KEY_TYPES: ReadonlyMap<string, KeyType> = new Map([
  ['301306072a8648ce3d020106082a8648ce3d030107', 'p256'],
  ['301006072a8648ce3d020106052b81040022', 'p384'],
  ['300d06092a864886f70d0101010500', 'rsa'],
  ['300506032b6570', 'ed25519'],
]);

export interface FoundKey {
  readonly type: KeyType;
  /** Content of the BIT STRING: the point, RSAPublicKey, or the 32 octets of RFC 8032. */
  readonly key: Uint8Array;
}

/** Undefined for any type, or encoding of its algorithm, that we do not take. Throws DerError. */
export function readSpki(spki: Uint8Array): FoundKey | undefined {
  const fields = readWhole(spki, TAG.sequence, 'the public key');
  const type = KEY_TYPES.get(hexOf(fields.element('the algorithm of the key', TAG.sequence)));
  const key = fields.wholeBits('the public key');
  fields.end('the public key');
  return type && { type, key };
}

/** The type of a key that publicKeyFault has passed. Throws DerError for any other. */
export function keyTypeOf(spki: Uint8Array): KeyType {
  const read = readSpki(spki);
  if (read === undefined) throw new DerError('the public key is of a type that is not supported');
  return read.type;
}

/** One clause saying why no certificate may be issued for this key; undefined for a good one. Never throws. */
export function publicKeyFault(spki: Uint8Array): string | undefined {
  try {
    const read = readSpki(spki);
    if (read === undefined)
      return 'the key is not RSA, P-256, P-384 or Ed25519, or its algorithm is not encoded as it must be';
    return KEY_FAULT[read.type](read.key);
  } catch (error) {
    if (error instanceof DerError) return error.message;
    throw error;
  }
}

const KEY_FAULT = {
  p256: (key) => pointFault(P256, key),
  p384: (key) => pointFault(P384, key),
  rsa: rsaFault,
  ed25519: edwardsFault,
} satisfies Record<KeyType, (key: Uint8Array) => string | undefined>;

/** SHA-256 of the SubjectPublicKeyInfo, hex: how keys are told apart and looked up. */
export const spkiSha256 = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex');

/** RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the key's BIT STRING, hex. For CA certificates. */
export function keyIdOf(spki: Uint8Array): string {
  const fields = readWhole(spki, TAG.sequence, 'the public key');
  fields.element('the algorithm of the key', TAG.sequence);
  return createHash('sha256').update(fields.wholeBits('the public key')).digest('hex').slice(0, 40);
}

// Importing costs as much as verifying, and the keys of issuers stay the same array.
const objects = new WeakMap<Uint8Array, KeyObject>();

/** The key as node:crypto has it, imported once for each array. Throws what OpenSSL throws when it cannot read it. */
export function publicKeyObject(spki: Uint8Array): KeyObject {
  let key = objects.get(spki);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    objects.set(spki, key);
  }
  return key;
}
