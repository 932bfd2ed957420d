/**
 * Are these octets a point that may be a public key? Full validation: SP 800-56A §5.6.2.3 (the cofactor of the NIST
 * curves is 1).
 */

export interface Curve {
  readonly octets: number;
  readonly p: bigint;
  readonly b: bigint;
}

export const P256: Curve = {
  octets: 32,
  p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
};
export const P384: Curve = {
  octets: 48,
  p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
  b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
};

/** `key` is an ECPoint (RFC 5480 §2.2); only the uncompressed form is taken, so that one key has one encoding. */
export function pointFault({ octets, p, b }: Curve, key: Uint8Array): string | undefined {
  if (key.length !== 1 + 2 * octets || key[0] !== 0x04) return 'the point is not written uncompressed';
  const x = bigEndian(key.subarray(1, 1 + octets));
  const y = bigEndian(key.subarray(1 + octets));
  if (x >= p || y >= p) return 'the point has a coordinate that is out of range';
  return (y * y - (x * x * x - 3n * x + b)) % p === 0n ? undefined : 'the point is not on the curve';
}

const P25519 = 2n ** 255n - 19n;
// The y of all points whose order divides 8: a signature under such a key verifies for anyone's message.
const SMALL_ORDER = new Set([
  0n,
  1n,
  P25519 - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  P25519 - 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
]);

/**
 * RFC 8032 §5.1.3: 32 octets, y below the prime; and not of small order. That it decodes is seen when a signature
 * verifies.
 */
export function edwardsFault(key: Uint8Array): string | undefined {
  if (key.length !== 32) return 'the key is not 32 octets';
  const y = bigEndian(key.toReversed()) & (2n ** 255n - 1n);
  if (y >= P25519) return 'the point has a coordinate that is out of range';
  return SMALL_ORDER.has(y) ? 'the point is of small order' : undefined;
}

const bigEndian = (octets: Uint8Array): bigint => BigInt(`0x${Buffer.from(octets).toString('hex')}`);
