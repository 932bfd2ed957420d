/** The reader takes DER and nothing else; the writer writes nothing else. X.690 §8 to §11. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkDer } from '../../src/x509/check-der.ts';
import {
  bitString, boolean, DerError, element, integer, octetString, oid, readDer, readWhole, sequence, setOf, TAG, text, time,
} from '../../src/x509/der.ts';
import { oidText } from '../../src/x509/oid.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');

const NOT_DER: [rule: string, hex: string][] = [
  ['nothing at all', ''],
  ['an identifier without a length', '30'],
  ['§10.1 an indefinite length', '30 80 00 00'],
  ['§10.1 a length in long form that fits the short', '04 81 01 00'],
  ['§10.1 a length with leading zeros', `04 82 00 80 ${'00'.repeat(128)}`],
  ['a length of five octets', '04 85 01 00 00 00 00'],
  ['a length cut short', '04 82 01'],
  ['content cut short', '04 03 00 00'],
  ['an element after the element', '05 00 05 00'],
  ['an element that reaches out of what holds it', '30 03 04 02 00'],
  ['a tag number in several octets', '1f 81 00 00'],
  ['§11.1 a boolean of 01', '01 01 01'],
  ['§8.2 a boolean of two octets', '01 02 ff ff'],
  ['§8.3.1 an integer without octets', '02 00'],
  ['§8.3.2 an integer with a needless 00', '02 02 00 7f'],
  ['§8.3.2 an integer with a needless ff', '02 02 ff 80'],
  ['§8.8 a NULL with content', '05 01 00'],
  ['§8.6 a bit string without its first octet', '03 00'],
  ['§8.6 eight unused bits', '03 02 08 00'],
  ['§8.6 unused bits of nothing', '03 01 01'],
  ['§11.2.1 an unused bit that is set', '03 02 01 01'],
  ['§8.19 an identifier without octets', '06 00'],
  ['§8.19.2 an identifier with padding', '06 03 2a 80 01'],
  ['§8.19 an identifier cut short', '06 02 2a 86'],
  ['§11.6 a set out of order', '31 06 02 01 02 02 01 01'],
  ['§10.2 a string in pieces', '24 04 04 02 00 00'],
  ['a sequence written as primitive', '10 00'],
  ['§11.8 UTCTime without seconds', `17 0b ${Buffer.from('2601010000Z').toString('hex')}`],
  ['§11.8 UTCTime with an offset', `17 11 ${Buffer.from('260101000000+0100').toString('hex')}`],
  ['§11.7 GeneralizedTime with a fraction', `18 11 ${Buffer.from('20500101000000.5Z').toString('hex')}`],
  ['a date that does not exist', `17 0d ${Buffer.from('260229000000Z').toString('hex')}`],
  ['an hour that does not exist', `17 0d ${Buffer.from('260101240000Z').toString('hex')}`],
  ['a leap second', `17 0d ${Buffer.from('261231235960Z').toString('hex')}`],
  ['a UTF8String that is no UTF-8', '0c 01 ff'],
  ['a PrintableString with an asterisk', '13 01 2a'],
  ['an IA5String with an umlaut', '16 01 fc'],
  ['nesting that is too deep', nested(20)],
];

function nested(depth: number): string {
  let inner: Uint8Array = new Uint8Array();
  for (let i = 0; i < depth; i++) inner = sequence(inner);
  return Buffer.from(inner).toString('hex');
}

for (const [rule, hex] of NOT_DER) {
  test(`refused: ${rule}`, () => assert.throws(() => checkDer(bytes(hex)), DerError));
}

const DER: [rule: string, hex: string][] = [
  ['a sequence of everything', '30 0f 01 01 ff 02 01 00 05 00 06 01 2a 04 00 30 00'],
  ['a set in order', '31 06 02 01 01 02 01 02'],
  ['the longest length in the short form', `04 7f ${'00'.repeat(127)}`],
  ['the shortest length in the long form', `04 81 80 ${'00'.repeat(128)}`],
  ['an empty bit string', '03 01 00'],
  ['a leap day', `17 0d ${Buffer.from('280229000000Z').toString('hex')}`],
  ['context-specific tags', '30 06 a0 02 05 00 81 00'],
];

for (const [rule, hex] of DER) {
  test(`taken: ${rule}`, () => checkDer(bytes(hex)));
}

test('more than the limit is refused before it is read', () => {
  assert.throws(() => readDer(new Uint8Array(65_537)), DerError);
  readDer(new Uint8Array(65_537), 65_537);
});

test('a default that is written is refused: X.690 §11.5', async () => {
  const { decodeBasicConstraints, decodeExtension } = await import('../../src/x509/extensions.ts');
  assert.throws(() => decodeBasicConstraints(sequence(boolean(false))), DerError);
  assert.throws(() => decodeExtension(readDer(sequence(oid('2.5.29.15'), boolean(false), octetString()))), DerError);
});

test('what the writer writes, the reader reads', () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), (n) => {
    const octets = readDer(integer(n)).integer('n');
    assert.equal(BigInt(`0x${Buffer.from(octets).toString('hex')}`), n);
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 70_000 }), (content) => {
    assert.deepEqual(Buffer.from(readWholeOctets(octetString(content))), Buffer.from(content));
  }), { numRuns: 50 });
  fc.assert(fc.property(fc.array(fc.nat({ max: 2 ** 31 }), { minLength: 1, maxLength: 8 }), fc.nat({ max: 2 }), fc.nat({ max: 39 }), (arcs, first, second) => {
    const dotted = [first, second, ...arcs].join('.');
    assert.equal(readDer(oid(dotted)).oid('id'), dotted);
  }));
  fc.assert(fc.property(fc.integer({ min: Date.UTC(1970, 0, 1) / 1000, max: Date.UTC(9999, 11, 31) / 1000 }), (seconds) => {
    assert.equal(readDer(time(seconds * 1000)).time('t'), seconds * 1000);
  }));
  checkDer(sequence(boolean(true), bitString(Uint8Array.of(0x80), 7), setOf(integer(300), integer(2)), text(TAG.utf8String, 'ü')));
});

function readWholeOctets(der: Uint8Array): Uint8Array {
  return readDer(der, 100_000).take(TAG.octetString, 'the octets');
}

test('UTCTime through 2049, GeneralizedTime from 2050 to 9999: RFC 5280 §4.1.2.5', () => {
  const written = (at: number): [number | undefined, string] => {
    const der = time(at);
    return [der[0], Buffer.from(der.subarray(2)).toString()];
  };
  assert.deepEqual(written(Date.UTC(2049, 11, 31, 23, 59, 59)), [TAG.utcTime, '491231235959Z']);
  assert.deepEqual(written(Date.UTC(2050, 0, 1)), [TAG.generalizedTime, '20500101000000Z']);
  assert.deepEqual(written(Date.UTC(9999, 11, 31, 23, 59, 59)), [TAG.generalizedTime, '99991231235959Z']);
  assert.throws(() => time(1.5), RangeError);
  assert.throws(() => time(1500), RangeError);
  assert.equal(readDer(text(TAG.utcTime, '500101000000Z')).time('t'), Date.UTC(1950, 0, 1));
});

test('whatever the octets, the reader throws its own error or none', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
    try {
      checkDer(octets);
    } catch (error) {
      assert.ok(error instanceof DerError, String(error));
    }
  }), { numRuns: 5000 });
  assert.throws(() => readWhole(sequence(), TAG.set, 'a set'), /a set is expected, but tag 30 is found/);
  assert.throws(() => oidText(new Uint8Array(65).fill(1)), DerError);
});

test('lengths of 128 and more take the fewest octets', () => {
  const header = (length: number): string => Buffer.from(element(4, new Uint8Array(length)).subarray(0, 6)).toString('hex');
  assert.deepEqual([127, 128, 255, 256, 65_535, 65_536].map((n) => header(n).slice(0, 10)),
    ['047f000000', '0481800000', '0481ff0000', '0482010000', '0482ffff00', '0483010000']);
});
