/**
 * The signature algorithms that our issuers use: one row each. Nothing else in the tree branches on an algorithm's
 * name.
 */
import { constants, verify as verifyWith } from 'node:crypto';
import { type KeyType, publicKeyObject } from './public-key.ts';

export type SignatureAlgorithm =
  | 'ecdsa-sha256-p256'
  | 'ecdsa-sha384-p384'
  | 'rsa-pkcs1-sha256'
  | 'rsa-pss-sha256'
  | 'ed25519';

export interface AlgorithmRow {
  /** AlgorithmIdentifier, DER, byte for byte as BR §7.1.3.2 lists it (Ed25519: RFC 8410 §3). */
  readonly identifier: Uint8Array;
  /** The type of the signing key; for EC, hash and curve go together. */
  readonly keyType: KeyType;
  readonly hash: 'sha256' | 'sha384' | undefined;
  /** Whether the signature, as in a certificate's BIT STRING, is that key's over those bytes. Never throws. */
  verify(spki: Uint8Array, signed: Uint8Array, signature: Uint8Array): boolean;
}

const row = (
  identifier: string,
  keyType: KeyType,
  hash: 'sha256' | 'sha384' | undefined,
  padding?: object,
): AlgorithmRow => ({
  identifier: Buffer.from(identifier, 'hex'),
  keyType,
  hash,
  verify(spki, signed, signature) {
    try {
      const key = publicKeyObject(spki);
      return verifyWith(hash, signed, padding === undefined ? key : { key, ...padding }, signature);
    } catch {
      return false; // OpenSSL throws for keys and signatures that it cannot read
    }
  },
});

export const ALGORITHMS = {
  'ecdsa-sha256-p256': row('300a06082a8648ce3d040302', 'p256', 'sha256'),
  'ecdsa-sha384-p384': row('300a06082a8648ce3d040303', 'p384', 'sha384'),
  'rsa-pkcs1-sha256': row('300d06092a864886f70d01010b0500', 'rsa', 'sha256'),
  'rsa-pss-sha256': row(
    '304106092a864886f70d01010a3034a00f300d06096086480165030402010500' +
      'a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120',
    'rsa',
    'sha256',
    { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  ),
  ed25519: row('300506032b6570', 'ed25519', undefined),
} as const satisfies Record<SignatureAlgorithm, AlgorithmRow>;

/** The algorithm whose identifier these bytes are; undefined for every other encoding, however close. */
export const algorithmOf = (identifier: Uint8Array): SignatureAlgorithm | undefined =>
  (Object.keys(ALGORITHMS) as SignatureAlgorithm[]).find(
    (name) => Buffer.compare(ALGORITHMS[name].identifier, identifier) === 0,
  );

/** What an issuer key of that type signs with by default. */
export const DEFAULT_ALGORITHM = {
  p256: 'ecdsa-sha256-p256',
  p384: 'ecdsa-sha384-p384',
  rsa: 'rsa-pkcs1-sha256',
  ed25519: 'ed25519',
} as const satisfies Record<KeyType, SignatureAlgorithm>;
