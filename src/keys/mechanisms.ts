/**
 * How each signature algorithm is asked of a token: one row each. A row takes the TBS bytes and makes what the
 * mechanism wants, so that a digest of the wrong length or an RSA signature without DigestInfo (SoftHSM makes both)
 * cannot happen.
 */
import { createHash } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import type { SignatureAlgorithm } from '../x509/algorithm.ts';
import { ecdsaSigValue } from '../x509/ecdsa-signature.ts';
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
  'ecdsa-sha256-p256': { mechanism: { mechanism: pkcs11js.CKM_ECDSA }, input: sha256, output: sigValue(32) },
  'ecdsa-sha384-p384': { mechanism: { mechanism: pkcs11js.CKM_ECDSA }, input: sha384, output: sigValue(48) },
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

/** CKM_ECDSA returns r ‖ s at fixed length. */
function sigValue(size: number): (raw: Buffer) => Uint8Array {
  return (raw) => {
    const value = ecdsaSigValue(raw, size);
    if (value === undefined) throw new KeyFault(`the token made an ECDSA signature of ${raw.length} bytes, or with a zero in it`, 'session');
    return value;
  };
}
