/** RSA public keys (RFC 8017 A.1.1) and the ways in which known bad generators give themselves away (acme.md GK-1). */
import { DerError, readWhole, TAG } from './der.ts';
import { hexOf } from './hex.ts';

export interface RsaKey {
  readonly modulus: bigint;
  readonly exponent: bigint;
  /** Length of the modulus in bits. */
  readonly bits: number;
}

/** RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }. Throws DerError. */
export function readRsaKey(key: Uint8Array): RsaKey {
  const fields = readWhole(key, TAG.sequence, 'the RSA key');
  const modulus = positive(fields.integer('the modulus'));
  const exponent = positive(fields.integer('the exponent'));
  fields.end('the RSA key');
  return { modulus, exponent, bits: modulus.toString(2).length };
}

function positive(octets: Uint8Array): bigint {
  if ((octets[0] as number) >= 0x80) throw new DerError('the RSA key has a negative number');
  return BigInt(`0x${hexOf(octets)}`);
}

export const RSA_BITS: readonly number[] = [2048, 3072, 4096];

export function rsaFault(key: Uint8Array): string | undefined {
  const { modulus, exponent, bits } = readRsaKey(key);
  if (!RSA_BITS.includes(bits)) return `the modulus has ${bits} bits, not 2048, 3072 or 4096`;
  if (exponent !== 65_537n) return 'the exponent is not 65537';
  if (hasSmallFactor(modulus)) return 'the modulus has a small factor';
  if (isRoca(modulus)) return 'the modulus was made by a broken generator (ROCA, CVE-2017-15361)';
  if (hasCloseFactors(modulus)) return 'the factors of the modulus are too close (CVE-2022-26320)';
  return undefined;
}

const PRIMES = primesUpTo(751);
const PRIMORIAL = PRIMES.reduce((product, prime) => product * BigInt(prime), 1n);

function primesUpTo(limit: number): number[] {
  const primes: number[] = [];
  for (let n = 2; n <= limit; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

/** 2 among them: an even modulus is found here. */
export function hasSmallFactor(modulus: bigint): boolean {
  let [a, b] = [PRIMORIAL, modulus % PRIMORIAL];
  while (b !== 0n) [a, b] = [b, a % b];
  return a !== 1n;
}

// For these primes 65537 does not generate all of the multiplicative group, so being in its subgroup says something.
const ROCA = PRIMES.filter((prime) => prime > 2 && prime <= 167)
  .map((prime) => ({ prime: BigInt(prime), subgroup: powersOf65537(prime) }))
  .filter(({ prime, subgroup }) => subgroup.size < Number(prime) - 1);

function powersOf65537(prime: number): ReadonlySet<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * 65_537) % prime) powers.add(power);
  return powers;
}

/** Nemec and others, "The Return of Coppersmith's Attack": primes of the form k·M + 65537^a mod M. */
export const isRoca = (modulus: bigint): boolean =>
  ROCA.every(({ prime, subgroup }) => subgroup.has(Number(modulus % prime)));

const FERMAT_ROUNDS = 110;

/** Fermat's method finds p and q when they differ little: modulus = a² - b² with a just above its root. */
export function hasCloseFactors(modulus: bigint): boolean {
  let a = squareRoot(modulus) + 1n;
  let rest = a * a - modulus;
  for (let round = 0; round < FERMAT_ROUNDS; round++) {
    if (isSquare(rest)) return true;
    rest += 2n * a + 1n;
    a += 1n;
  }
  return false;
}

/** Squares modulo 64 and modulo 3·5·7·11·13 are few: the root is taken for one candidate in about a hundred. */
const SQUARES_64 = squaresModulo(64);
const SQUARES_15015 = squaresModulo(15_015);

function squaresModulo(modulus: number): ReadonlySet<number> {
  return new Set(Array.from({ length: modulus }, (_, n) => (n * n) % modulus));
}

function isSquare(n: bigint): boolean {
  if (!SQUARES_64.has(Number(n & 63n)) || !SQUARES_15015.has(Number(n % 15_015n))) return false;
  return squareRoot(n) ** 2n === n;
}

/** Newton's method from above; rounds down. */
function squareRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let root = 1n << BigInt((n.toString(16).length * 4 + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
