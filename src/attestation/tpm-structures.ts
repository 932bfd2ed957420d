/** The two structures of TPM 2.0 (Library, part 2) that an attestation holds: TPMS_ATTEST and TPMT_PUBLIC. Big-endian, read to the end. Pure. */
import { bitString, integer, nullValue, oid, sequence } from '../x509/der.ts';
import { AttestationFault } from './attestation-fault.ts';

const GENERATED = 0xff544347; // TPM_GENERATED_VALUE: made within a TPM
const ATTEST_CERTIFY = 0x8017;
const ALG = { rsa: 0x0001, sha256: 0x000b, sha384: 0x000c, sha512: 0x000d, null: 0x0010, ecc: 0x0023 } as const;
const HASHES: ReadonlyMap<number, string> = new Map([[ALG.sha256, 'sha256'], [ALG.sha384, 'sha384'], [ALG.sha512, 'sha512']]);
const CURVES: ReadonlyMap<number, { readonly oid: string; readonly octets: number }> = new Map([
  [0x0003, { oid: '1.2.840.10045.3.1.7', octets: 32 }],
  [0x0004, { oid: '1.3.132.0.34', octets: 48 }],
]);

/** fixedTPM, fixedParent, sensitiveDataOrigin: the key was made in this TPM and cannot leave it. */
const BOUND = (1 << 1) | (1 << 4) | (1 << 5);
const SIGN = 1 << 18;
const RESTRICTED = 1 << 16;

export interface Certified {
  /** What the caller gave to be included. */
  readonly extraData: Uint8Array;
  /** nameAlg and digest of the certified key's TPMT_PUBLIC. */
  readonly name: Uint8Array;
}

/** TPMS_ATTEST over a TPMS_CERTIFY_INFO. Throws AttestationFault. */
export function readCertifyInfo(octets: Uint8Array): Certified {
  const reader = new TpmReader(octets, '"certInfo"');
  if (reader.u32() !== GENERATED) throw new AttestationFault('"certInfo" was not made by a TPM: its magic is another.');
  if (reader.u16() !== ATTEST_CERTIFY) throw new AttestationFault('"certInfo" does not certify a key.');
  reader.sized(); // qualifiedSigner
  const extraData = reader.sized();
  reader.take(17 + 8); // clockInfo, firmwareVersion
  const name = reader.sized();
  reader.sized(); // qualifiedName
  reader.end();
  return { extraData, name };
}

export interface PublicArea {
  /** The hash of the key's name, as node:crypto calls it, and its TPM_ALG_ID. */
  readonly nameHash: string;
  readonly nameAlg: number;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

/** TPMT_PUBLIC of a signing key that is bound to its TPM. Throws AttestationFault. */
export function readPublicArea(octets: Uint8Array): PublicArea {
  const reader = new TpmReader(octets, '"pubArea"');
  const type = reader.u16();
  const nameAlg = reader.u16();
  const nameHash = HASHES.get(nameAlg);
  if (nameHash === undefined) throw new AttestationFault('"pubArea" is named with a hash that is not taken.');
  const attributes = reader.u32();
  if ((attributes & BOUND) !== BOUND) throw new AttestationFault('The attested key was not made in the TPM, or can leave it.');
  if ((attributes & SIGN) === 0 || (attributes & RESTRICTED) !== 0) throw new AttestationFault('The attested key is not one that signs whatever it is given.');
  reader.sized(); // authPolicy
  const spki = type === ALG.rsa ? rsaKey(reader) : type === ALG.ecc ? eccKey(reader) : undefined;
  if (spki === undefined) throw new AttestationFault('The attested key is neither RSA nor ECC.');
  reader.end();
  return { nameHash, nameAlg, spki };
}

/** TPMT_SYM_DEF_OBJECT and an asymmetric scheme; a signing key has no symmetric algorithm. */
function skipSchemes(reader: TpmReader): void {
  if (reader.u16() !== ALG.null) throw new AttestationFault('The attested key is a storage key.');
  if (reader.u16() !== ALG.null) reader.u16(); // the hash of the scheme
}

function rsaKey(reader: TpmReader): Uint8Array {
  skipSchemes(reader);
  const bits = reader.u16();
  const exponent = reader.u32() || 65_537; // zero means the usual one
  const modulus = reader.sized();
  if (modulus.length * 8 !== bits) throw new AttestationFault('"pubArea" has a modulus of another size than it says.');
  const key = sequence(integer(BigInt(`0x${Buffer.from(modulus).toString('hex')}`)), integer(exponent));
  return sequence(sequence(oid('1.2.840.113549.1.1.1'), nullValue()), bitString(key));
}

function eccKey(reader: TpmReader): Uint8Array {
  skipSchemes(reader);
  const curve = CURVES.get(reader.u16());
  if (curve === undefined) throw new AttestationFault('The attested key is on a curve that is not taken.');
  if (reader.u16() !== ALG.null) reader.u16(); // kdf
  const [x, y] = [reader.sized(), reader.sized()];
  if (x.length > curve.octets || y.length > curve.octets) throw new AttestationFault('"pubArea" has coordinates that are too long.');
  const point = Buffer.alloc(1 + 2 * curve.octets);
  point[0] = 4;
  point.set(x, 1 + curve.octets - x.length);
  point.set(y, 1 + 2 * curve.octets - y.length);
  return sequence(sequence(oid('1.2.840.10045.2.1'), oid(curve.oid)), bitString(point));
}

class TpmReader {
  readonly #octets: Buffer;
  readonly #what: string;
  #at = 0;

  constructor(octets: Uint8Array, what: string) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
    this.#what = what;
  }

  u16(): number {
    return this.take(2).readUInt16BE();
  }

  u32(): number {
    return this.take(4).readUInt32BE();
  }

  /** A TPM2B: its size, and so many octets. */
  sized(): Buffer {
    return this.take(this.u16());
  }

  take(length: number): Buffer {
    if (length > this.#octets.length - this.#at) throw new AttestationFault(`${this.#what} is cut short.`);
    this.#at += length;
    return this.#octets.subarray(this.#at - length, this.#at);
  }

  end(): void {
    if (this.#at !== this.#octets.length) throw new AttestationFault(`${this.#what} is longer than it should be.`);
  }
}
