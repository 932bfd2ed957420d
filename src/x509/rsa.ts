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

function primesUpTo(limit: number): number[] {
  const primes: number[] = [];
  for (let n = 2; n <= limit; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

/** Primes in runs whose product is a safe integer: one long division for each run, the rest in plain numbers. */
const RUNS = runsOf(PRIMES);

function runsOf(primes: readonly number[]): { primes: readonly number[]; product: bigint }[] {
  const runs: { primes: readonly number[]; product: bigint }[] = [];
  for (const prime of primes) {
    const last = runs.at(-1);
    const product = BigInt(prime) * (last?.product ?? 1n);
    if (last === undefined || product > Number.MAX_SAFE_INTEGER) runs.push({ primes: [prime], product: BigInt(prime) });
    else runs[runs.length - 1] = { primes: [...last.primes, prime], product };
  }
  return runs;
}

/** The modulus modulo each of PRIMES, in their order. */
const residues = (modulus: bigint): number[] =>
  RUNS.flatMap(({ primes, product }) => {
    const rest = Number(modulus % product);
    return primes.map((prime) => rest % prime);
  });

/** 2 among them: an even modulus is found here. */
export const hasSmallFactor = (modulus: bigint): boolean => residues(modulus).includes(0);

/**
 * For each prime the powers of 65537, if they are not all of its multiplicative group: then being one says
 * something.
 */
const SUBGROUPS = PRIMES.map((prime) => {
  const powers = new Set<number>();
  if (prime > 2 && prime <= 167)
    for (let power = 1; !powers.has(power); power = (power * 65_537) % prime) powers.add(power);
  return powers.size === 0 || powers.size === prime - 1 ? undefined : powers;
});

/** Nemec and others, "The Return of Coppersmith's Attack": primes of the form k·M + 65537^a mod M. */
export const isRoca = (modulus: bigint): boolean =>
  residues(modulus).every((residue, at) => SUBGROUPS[at]?.has(residue) ?? true);

const FERMAT_ROUNDS = 110;

// Squares are few modulo 2^6·3·5·7·11·13: in numbers of this size one round costs nothing, and one in about a hundred
// goes on.
const SIEVE = 64 * 15_015;
const SQUARES_64 = squaresModulo(64);
const SQUARES_15015 = squaresModulo(15_015);

function squaresModulo(modulus: number): ReadonlySet<number> {
  return new Set(Array.from({ length: modulus }, (_, n) => (n * n) % modulus));
}

/** Fermat's method finds p and q when they differ little, or not at all: modulus = a² - b² with a at its root or just above. */
export function hasCloseFactors(modulus: bigint): boolean {
  const root = squareRoot(modulus - 1n) + 1n;
  const [n, a] = [Number(modulus % BigInt(SIEVE)), Number(root % BigInt(SIEVE))];
  for (let round = 0; round < FERMAT_ROUNDS; round++) {
    const rest = ((a + round) ** 2 - n) % SIEVE;
    if (SQUARES_64.has((rest + SIEVE) % 64) && SQUARES_15015.has((rest + SIEVE) % 15_015)) {
      const square = (root + BigInt(round)) ** 2n - modulus;
      if (squareRoot(square) ** 2n === square) return true;
    }
  }
  return false;
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
