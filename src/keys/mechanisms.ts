/**
 * How each signature algorithm is asked of a token: one row each. A row takes the TBS bytes and makes what the
 * mechanism wants, so that a digest of the wrong length or an RSA signature without DigestInfo (SoftHSM makes both)
 * cannot happen.
 */
import { createHash } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import type { SignatureAlgorithm } from '../x509/algorithm.ts';
import { KeyFault } from './errors.ts';

export interface MechanismRow {
  readonly mechanism: pkcs11js.Mechanism;
  /** What C_Sign is given. */
  input(tbs: Uint8Array): Buffer;
  /** What C_Sign returned, as it stands in the certificate's BIT STRING. @throws KeyFault when it cannot be one */
  output(raw: Buffer): Uint8Array;
}

/** PKCS#11 v3.1 §6.3.12; pkcs11js has no constants of version 3. */
const CKM_EDDSA = 0x1057;
/** RFC 8017 §9.2 note 1: the DER of DigestInfo for SHA-256, up to the digest. */
const SHA256_DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

const PSS: pkcs11js.RsaPSS = {
  type: pkcs11js.CK_PARAMS_RSA_PSS,
  hashAlg: pkcs11js.CKM_SHA256,
  mgf: pkcs11js.CKG_MGF1_SHA256,
  saltLen: 32,
};

const sha256 = (tbs: Uint8Array) => createHash('sha256').update(tbs).digest();
const sha384 = (tbs: Uint8Array) => createHash('sha384').update(tbs).digest();
const asItIs = (raw: Buffer) => Uint8Array.from(raw);

export const MECHANISMS = {
  'ecdsa-sha256-p256': { mechanism: { mechanism: pkcs11js.CKM_ECDSA }, input: sha256, output: ecdsaSigValue(32) },
  'ecdsa-sha384-p384': { mechanism: { mechanism: pkcs11js.CKM_ECDSA }, input: sha384, output: ecdsaSigValue(48) },
  'rsa-pkcs1-sha256': {
    mechanism: { mechanism: pkcs11js.CKM_RSA_PKCS },
    input: (tbs) => Buffer.concat([SHA256_DIGEST_INFO, sha256(tbs)]),
    output: asItIs,
  },
  'rsa-pss-sha256': {
    mechanism: {
      mechanism: pkcs11js.CKM_RSA_PKCS_PSS,
      parameter: PSS,
    },
    input: sha256,
    output: asItIs,
  },
  ed25519: { mechanism: { mechanism: CKM_EDDSA }, input: (tbs) => Buffer.from(tbs), output: asItIs },
} as const satisfies Record<SignatureAlgorithm, MechanismRow>;

/** CKM_ECDSA returns r ‖ s at fixed length; RFC 3279 §2.2.3 wants SEQUENCE { r INTEGER, s INTEGER }. */
function ecdsaSigValue(size: number): (raw: Buffer) => Uint8Array {
  return (raw) => {
    if (raw.length !== 2 * size)
      throw new KeyFault(`the token made an ECDSA signature of ${raw.length} bytes`, 'session');
    const r = integer(raw.subarray(0, size));
    const s = integer(raw.subarray(size));
    // At most 2 × (2 + 49) bytes for P-384, so the short form of the length always does.
    return Uint8Array.from([0x30, r.length + s.length, ...r, ...s]);
  };
}

function integer(magnitude: Buffer): readonly number[] {
  let first = 0;
  while (first < magnitude.length && magnitude[first] === 0) first++;
  if (first === magnitude.length) throw new KeyFault('the token made an ECDSA signature with a zero in it', 'session');
  const digits = [...magnitude.subarray(first)];
  if ((digits[0] ?? 0) >= 0x80) digits.unshift(0);
  return [0x02, digits.length, ...digits];
}
