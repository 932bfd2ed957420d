/** Which keys get a certificate, and which do not: acme.md GK-1, GK-2, GK-4. */
import assert from 'node:assert/strict';
import { checkPrimeSync, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { edwardsFault } from '../../src/x509/curve.ts';
import { bitString, integer, sequence } from '../../src/x509/der.ts';
import { keyIdOf, keyTypeOf, publicKeyFault, publicKeyObject, spkiSha256 } from '../../src/x509/public-key.ts';
import { spkiOf } from './material.ts';

const spkiFrom = (type: 'ec' | 'rsa' | 'ed25519' | 'ed448', options: object = {}): Uint8Array =>
  new Uint8Array((generateKeyPairSync as (t: string, o: object) => ReturnType<typeof generateKeyPairSync>)(type, options)
    .publicKey.export({ type: 'spki', format: 'der' }));
const rsa = (modulus: bigint, exponent = 65_537n): Uint8Array =>
  sequence(Buffer.from('300d06092a864886f70d0101010500', 'hex'), bitString(sequence(integer(modulus), integer(exponent))));
const p256 = (point: Uint8Array): Uint8Array => sequence(Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex'), bitString(point));
const ed25519 = (key: Uint8Array): Uint8Array => sequence(Buffer.from('300506032b6570', 'hex'), bitString(key));

test('keys of the four types are good, and known for what they are', () => {
  for (const type of ['p256', 'p384', 'rsa', 'ed25519'] as const) {
    assert.equal(publicKeyFault(spkiOf('subject', type)), undefined, type);
    assert.equal(keyTypeOf(spkiOf('subject', type)), type);
  }
  for (const namedCurve of ['P-256', 'P-384']) {
    for (let i = 0; i < 20; i++) assert.equal(publicKeyFault(spkiFrom('ec', { namedCurve })), undefined);
  }
  assert.equal(publicKeyFault(spkiFrom('rsa', { modulusLength: 3072 })), undefined);
  assert.equal(publicKeyFault(spkiFrom('ed25519')), undefined);
});

const point = spkiOf('subject', 'p256').slice(-65);
const modulus = BigInt(`0x${Buffer.from(spkiOf('subject', 'rsa')).toString('hex').slice(66, 66 + 512)}`);
const changed = (octets: Uint8Array, at: number): Uint8Array => Uint8Array.from(octets, (octet, i) => (i === at ? octet ^ 1 : octet));

const nextPrime = (n: bigint): bigint => {
  for (let candidate = n | 1n; ; candidate += 2n) if (checkPrimeSync(candidate, { checks: 10 })) return candidate;
};
const firstPrime = nextPrime(3n << 1022n);
/** The two primes next to each other above 3·2^1022: what CVE-2022-26320 comes down to. */
const closePrimes = (): bigint => firstPrime * nextPrime(firstPrime + 2n);

const BAD: [what: string, spki: () => Uint8Array, why: RegExp][] = [
  ['P-521', () => spkiFrom('ec', { namedCurve: 'P-521' }), /not RSA, P-256/],
  ['secp256k1', () => spkiFrom('ec', { namedCurve: 'secp256k1' }), /not RSA, P-256/],
  ['Ed448', () => spkiFrom('ed448'), /not RSA, P-256/],
  ['RSA-1024', () => spkiFrom('rsa', { modulusLength: 1024 }), /1024 bits/],
  ['RSA-2047', () => rsa(modulus >> 1n), /2047 bits/],
  ['RSA with exponent 3', () => rsa(modulus, 3n), /65537/],
  ['RSA with a negative modulus', () => sequence(Buffer.from('300d06092a864886f70d0101010500', 'hex'), bitString(Buffer.from('30060201ff020103', 'hex'))), /negative/],
  ['RSA without the NULL', () => sequence(Buffer.from('300b06092a864886f70d010101', 'hex'), bitString(sequence(integer(modulus), integer(65_537)))), /algorithm/],
  ['an even modulus', () => rsa(modulus + 1n), /small factor/],
  ['a modulus with the factor 751', () => rsa((modulus / 751n) * 751n | 0n), /small factor/],
  ['close primes', () => rsa(closePrimes()), /too close/],
  ['one prime twice', () => rsa(firstPrime ** 2n), /too close/],
  ['a point off the curve', () => p256(changed(point, 64)), /not on the curve/],
  ['a compressed point', () => p256(Buffer.concat([Uint8Array.of(2), point.slice(1, 33)])), /uncompressed/],
  ['the point at infinity', () => p256(Uint8Array.of(0)), /uncompressed/],
  ['a coordinate above the prime', () => p256(Buffer.concat([Uint8Array.of(4), Buffer.alloc(64, 0xff)])), /out of range/],
  ['an Ed25519 key of 31 octets', () => ed25519(new Uint8Array(31)), /32 octets/],
  ['an Ed25519 key with y above the prime', () => ed25519(new Uint8Array(32).fill(0xff)), /out of range/],
  ['octets after the key', () => Buffer.concat([spkiOf('subject', 'p256'), Uint8Array.of(0)]), /octets that do not belong/],
  ['no key at all', () => new Uint8Array(), /expected/],
];
for (const [what, spki, why] of BAD) {
  test(`T-INC-18, GK-1, GK-2, GK-4: refused: ${what}`, () => assert.match(publicKeyFault(spki()) ?? 'taken', why));
}

// Edwards arithmetic by the book (RFC 8032 §5.1.4), affine and slow: it shows that our list of small orders is the whole list.
const P = 2n ** 255n - 19n;
const mod = (n: bigint): bigint => ((n % P) + P) % P;
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let [b, e] = [mod(base), exponent]; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b);
  return result;
}
const D = mod(-121_665n * power(121_666n, P - 2n));
const double = ([x, y]: readonly [bigint, bigint]): readonly [bigint, bigint] => {
  const t = mod(D * mod(x * x) * mod(y * y));
  return [mod(2n * x * y * power(1n + t, P - 2n)), mod((y * y + x * x) * power(1n - t, P - 2n))];
};
function xOf(y: bigint): bigint | undefined {
  const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  const root = power(square, (P + 3n) / 8n);
  return [root, mod(root * power(2n, (P - 1n) / 4n))].find((x) => mod(x * x) === square);
}

test('Ed25519: the keys refused for small order are those that three doublings bring to the neutral element', () => {
  const small = [0n, 1n, P - 1n, 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n, P - 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n];
  for (const y of small) {
    const x = xOf(y);
    assert.ok(x !== undefined, `${y} is no point`);
    assert.deepEqual(double(double(double([x, y]))), [0n, 1n]);
    const octets = Buffer.from(y.toString(16).padStart(64, '0'), 'hex').reverse();
    assert.match(edwardsFault(octets) ?? '', /small order/);
    octets[31] = (octets[31] ?? 0) | 0x80; // the other x
    assert.match(edwardsFault(octets) ?? '', /small order/);
  }
  const y = BigInt(`0x${Buffer.from(spkiOf('subject', 'ed25519').slice(-32)).reverse().toString('hex')}`) & (2n ** 255n - 1n);
  const x = xOf(y);
  assert.ok(x !== undefined);
  assert.notDeepEqual(double(double(double([x, y]))), [0n, 1n]);
});

test('digests and key identifiers', () => {
  const spki = spkiOf('subject', 'p256');
  assert.match(spkiSha256(spki), /^[0-9a-f]{64}$/);
  assert.match(keyIdOf(spki), /^[0-9a-f]{40}$/);
  assert.equal(publicKeyObject(spki), publicKeyObject(spki), 'imported once');
});
