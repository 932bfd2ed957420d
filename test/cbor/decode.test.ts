/** CBOR, RFC 8949: the vectors of appendix A, everything that is refused, and bytes from nowhere. Rows DV-11 and 6.9. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CborError, type CborValue, decodeCbor } from '../../src/cbor/decode.ts';
import { type Encodable, encodeCbor } from '../support/cbor.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** Maps and octets as plain data. */
const plain = (value: CborValue): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]));
  if (value instanceof Uint8Array) return Buffer.from(value);
  return Array.isArray(value) ? value.map(plain) : value;
};

test('DV-11 the vectors of RFC 8949 appendix A that we take', () => {
  const cases: [string, unknown][] = [
    ['00', 0], ['01', 1], ['0a', 10], ['17', 23], ['1818', 24], ['1819', 25], ['1864', 100], ['1903e8', 1000], ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000], ['1bffffffffffffffff', 18_446_744_073_709_551_615n], ['3bffffffffffffffff', -18_446_744_073_709_551_616n],
    ['20', -1], ['29', -10], ['3863', -100], ['3903e7', -1000], ['f4', false], ['f5', true], ['f6', null], ['40', Buffer.alloc(0)], ['4401020304', hex('01020304')],
    ['60', ''], ['6161', 'a'], ['6449455446', 'IETF'], ['62225c', '"\\'], ['62c3bc', 'ü'], ['63e6b0b4', '水'], ['64f0908591', '\u{10151}'],
    ['80', []], ['83010203', [1, 2, 3]], ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['98190102030405060708090a0b0c0d0e0f101112131415161718181819', Array.from({ length: 25 }, (_, n) => n + 1)],
    ['a0', {}], ['a201020304', { 1: 2, 3: 4 }], ['a26161016162820203', { a: 1, b: [2, 3] }], ['826161a161626163', ['a', { b: 'c' }]],
    ['a56161614161626142616361436164614461656145', { a: 'A', b: 'B', c: 'C', d: 'D', e: 'E' }],
  ];
  for (const [octets, value] of cases) assert.deepEqual(plain(decodeCbor(hex(octets))), value, octets);
});

test('DV-11, 6.9 what is refused, each with its clause', () => {
  const cases: [string, RegExp][] = [
    ['', /ends too soon/], ['18', /ends too soon/], ['19 01', /ends too soon/], ['44 010203', /ends too soon/], ['62 c3', /ends too soon/], ['82 01', /ends too soon/],
    ['a1 6161', /ends too soon/], ['9a ffffffff', /ends too soon/], ['ba ffffffff', /ends too soon/], ['5b ffffffffffffffff', /ends too soon/], ['bb ffffffffffffffff', /ends too soon/],
    ['00 00', /after its end/], ['a0 f6', /after its end/],
    ['18 17', /shortest/], ['19 00ff', /shortest/], ['1a 0000ffff', /shortest/], ['1b 00000000ffffffff', /shortest/], ['38 17', /shortest/], ['58 01 00', /shortest/],
    ['78 01 61', /shortest/], ['98 01 00', /shortest/], ['b8 01 00 00', /shortest/],
    ['5f ff', /indefinite/], ['7f ff', /indefinite/], ['9f ff', /indefinite/], ['bf ff', /indefinite/], ['1f', /indefinite/], ['ff', /break/],
    ['1c', /reserved/], ['5d', /reserved/], ['9e', /reserved/],
    ['c0 60', /tag/], ['d8 20 60', /tag/], ['c2 41 01', /tag/], ['f9 0000', /float/], ['fa 47c35000', /float/], ['fb 3ff199999999999a', /float/], ['f7', /simple/], ['e0', /simple/], ['f8 ff', /simple/],
    ['a2 6161 01 6161 02', /"a" twice/], ['a2 01 01 01 02', /"1" twice/], ['a1 40 00', /neither text nor/], ['a1 80 00', /neither text nor/], ['a1 f5 00', /neither text nor/],
    ['61 ff', /UTF-8/], ['63 eda080', /UTF-8/], ['62 c080', /UTF-8/],
    [`${'81'.repeat(9)}00`, /deeper than 8/], [`${'a100'.repeat(9)}00`, /deeper than 8/], [`99 0400 ${'00'.repeat(1024)}`, /more than 1024 items/],
  ];
  for (const [octets, clause] of cases) {
    assert.throws(() => decodeCbor(hex(octets)), (error: Error) => error instanceof CborError && clause.test(error.message), octets);
  }
  assert.doesNotThrow(() => decodeCbor(hex(`${'81'.repeat(8)}00`)));
  assert.throws(() => decodeCbor(Buffer.alloc(65_537)), /longer than 65536/);
  assert.throws(() => decodeCbor(hex('8100'), { octets: 10, depth: 0, items: 10 }), /deeper than 0/);
});

test('a key that is text and one that is a number are two keys, and "__proto__" is only a key', () => {
  const map = decodeCbor(hex('a2 6131 01 01 02')) as ReadonlyMap<unknown, unknown>;
  assert.deepEqual([...map], [['1', 1], [1, 2]]);
  assert.equal((decodeCbor(encodeCbor(new Map([['__proto__', 'x']]))) as ReadonlyMap<unknown, unknown>).get('__proto__'), 'x');
});

const value: fc.Arbitrary<Encodable> = fc.letrec<{ node: Encodable }>((tie) => ({
  node: fc.oneof({ maxDepth: 6, withCrossShrink: true },
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }), fc.integer(), fc.string({ unit: 'binary', maxLength: 40 }), fc.boolean(), fc.constant(null), fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('node'), { maxLength: 5 }), fc.array(fc.tuple(fc.string({ maxLength: 8 }), tie('node')), { maxLength: 5 }).map((entries) => new Map(entries))),
})).node;

test('what is written in the shortest form is read, and is the only spelling of itself', () => {
  fc.assert(fc.property(value, (given) => {
    const octets = encodeCbor(given);
    assert.deepEqual(encodeCbor(decodeCbor(octets) as Encodable), octets);
  }), { numRuns: 5000 });
});

test('6.9 60,000 cases of changed and random bytes: read as the only spelling of what they say, or refused, never anything else', () => {
  const random = fc.uint8Array({ maxLength: 80 });
  const changed = fc.tuple(value, fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'insert', 'repeat')).map(([given, place, octet, how]) => {
    const octets = encodeCbor(given);
    const at = place % octets.length;
    if (how === 'set') return Buffer.from(octets.map((each, i) => (i === at ? octet : each)));
    if (how === 'cut') return octets.subarray(0, at);
    if (how === 'insert') return Buffer.concat([octets.subarray(0, at), Buffer.of(octet), octets.subarray(at)]);
    return Buffer.concat([octets, octets.subarray(at)]);
  });
  const started = performance.now();
  fc.assert(fc.property(fc.oneof(random, changed), (octets) => {
    let read: CborValue;
    try {
      read = decodeCbor(octets);
    } catch (error) {
      if (!(error instanceof CborError)) throw error;
      return;
    }
    assert.deepEqual(encodeCbor(read as Encodable), Buffer.from(octets));
  }), { numRuns: 60_000 });
  assert.ok(performance.now() - started < 20_000);
});
