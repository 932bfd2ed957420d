/** Signature algorithms of JWS: everything known about one is its row (RFC 7518 §3.1, RFC 8037, RFC 9864). */
import { type KeyObject, verify } from 'node:crypto';
import { ecdsaSigValue } from '../../x509/ecdsa-signature.ts';

export interface Algorithm {
  readonly name: string;
  /** The one kind of key that it goes with. */
  readonly kty: 'EC' | 'RSA' | 'OKP';
  readonly crv?: string;
  /** Worked out in the thread pool, so that a large key holds up nobody else. Never rejects. */
  verify(input: Buffer, key: KeyObject, signature: Buffer): Promise<boolean>;
}

const holds = (hash: string | null, input: Buffer, key: KeyObject, signature: Uint8Array): Promise<boolean> =>
  new Promise((resolve) => {
    verify(hash, input, key, signature, (error, result) => resolve(error === null && result));
  });

const ecdsa = (name: string, crv: string, hash: string, octets: number): Algorithm => ({
  name, kty: 'EC', crv,
  // As DER and with the bare key: options make node:crypto look at the key anew each time, which costs a third of a verification.
  async verify(input, key, signature) {
    for (const each of spellings(signature, octets)) {
      const value = ecdsaSigValue(each, octets / 2);
      if (value !== undefined && (await holds(hash, input, key, value))) return true;
    }
    return false;
  },
});

const rsa = (name: string, hash: string): Algorithm =>
  ({ name, kty: 'RSA', verify: (input, key, signature) => holds(hash, input, key, signature) });

const eddsa = (name: string): Algorithm =>
  ({ name, kty: 'OKP', crv: 'Ed25519', verify: (input, key, signature) => holds(null, input, key, signature) });

const rows: readonly Algorithm[] = [
  ecdsa('ES256', 'P-256', 'sha256', 64), ecdsa('ES384', 'P-384', 'sha384', 96), ecdsa('ES512', 'P-521', 'sha512', 132),
  rsa('RS256', 'sha256'), eddsa('EdDSA'), eddsa('Ed25519'),
];

/** Without a prototype, so that "constructor" is no algorithm. */
export const ALGORITHMS: Readonly<Record<string, Algorithm | undefined>> =
  Object.assign(Object.create(null), Object.fromEntries(rows.map((row) => [row.name, row])));

export const ALGORITHM_NAMES: readonly string[] = rows.map(({ name }) => name);

/**
 * RFC 7518 §3.4: r and s have full length. Apple's devices drop their leading zero octets, so an ES256 signature that is one or two
 * octets short is tried in each way it can be filled up; a wrong guess does not verify. DER is never one of them.
 */
function spellings(signature: Buffer, octets: number): Buffer[] {
  if (signature.length === octets) return [signature];
  const missing = octets - signature.length;
  if (octets !== 64 || missing < 1 || missing > 2) return [];
  return Array.from({ length: missing + 1 }, (_, inR) => {
    const r = signature.subarray(0, 32 - inR);
    const s = signature.subarray(32 - inR);
    return Buffer.concat([Buffer.alloc(inR), r, Buffer.alloc(32 - s.length), s]);
  });
}
