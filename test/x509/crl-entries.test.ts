/** CRL entries: our fast writer and our fast reader, held to each other, to the general writer and to every other way to write an entry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CrlEntryWriter, encodeEntries, readEntries, type Revoked } from '../../src/x509/crl-entries.ts';
import { surveyEntries } from '../../src/x509/crl-survey.ts';
import { boolean, DerError, element, integer, octetString, oid, sequence, TAG, time } from '../../src/x509/der.ts';
import { OID } from '../../src/x509/oid.ts';

const AT = Date.UTC(2026, 10, 22, 23, 59, 58);

function write(revoked: readonly Revoked[]): Uint8Array {
  const writer = new CrlEntryWriter();
  for (const { serial, at, reason } of revoked) writer.add(serial, at, reason);
  assert.equal(writer.count, revoked.length);
  return writer.octets;
}

const serials = fc.uint8Array({ minLength: 1, maxLength: 19 }).map((tail) => `01${Buffer.from(tail).toString('hex')}`);
const times = fc.integer({ min: 0, max: Date.UTC(2060, 0, 1) / 1000 }).map((seconds) => seconds * 1000);
const entries = fc.uniqueArray(
  fc.record({ serial: serials, at: times, reason: fc.constantFrom(undefined, 1, 3, 4, 5, 6, 9) }).map(({ reason, ...rest }) => (reason === undefined ? rest : { ...rest, reason })),
  { selector: ({ serial }) => serial, maxLength: 40 },
);

test('the writer writes what the general writer writes, and the readers read it back', () => {
  fc.assert(fc.property(entries, (revoked) => {
    const octets = write(revoked);
    assert.deepEqual(Buffer.from(octets), Buffer.from(encodeEntries(revoked)));
    assert.deepEqual([...readEntries(octets)].map(({ extensions: _, ...rest }) => rest), revoked);
    const survey = surveyEntries(octets);
    assert.equal(survey.count, revoked.length);
    assert.equal(survey.plain, true);
    assert.equal(survey.latest?.at, revoked.length === 0 ? undefined : Math.max(...revoked.map(({ at }) => at)));
    assert.deepEqual(new Set(survey.reasons.keys()), new Set(revoked.flatMap((entry: Revoked) => entry.reason ?? [])));
    assert.equal(survey.repeated, undefined);
  }), { numRuns: 2000 });
});

test('a serial that is there twice is found, in order or out of order', () => {
  const [a, b] = [{ serial: '01aa', at: AT }, { serial: '01bb', at: AT }];
  assert.equal(surveyEntries(write([a, a])).repeated, '01aa');
  assert.equal(surveyEntries(write([b, a, b])).repeated, '01bb');
  assert.equal(surveyEntries(write([b, a])).repeated, undefined);
});

test('what is no entry of ours is read by the general reader, and is not plain', () => {
  const reason = (octet: number, critical: boolean) =>
    sequence(sequence(oid(OID.reasonCode), ...(critical ? [boolean(true)] : []), octetString(element(TAG.enumerated, Uint8Array.of(octet)))));
  const odd: [string, Uint8Array, RegExp | undefined][] = [
    ['a critical reason', sequence(integer(7), time(AT), reason(4, true)), undefined],
    ['an invalidity date', sequence(integer(7), time(AT), sequence(sequence(oid('2.5.29.24'), octetString(element(TAG.generalizedTime, Buffer.from('20261122000000Z')))))), undefined],
    ['GeneralizedTime before 2050', sequence(integer(7), element(TAG.generalizedTime, Buffer.from('20261122000000Z'))), undefined],
    ['a time that does not exist', sequence(integer(7), element(TAG.utcTime, Buffer.from('261131000000Z'))), /does not exist/],
    ['a time of letters', sequence(integer(7), element(TAG.utcTime, Buffer.from('26113x000000Z'))), /not a time/],
    ['a needless octet', sequence(element(TAG.integer, Uint8Array.of(0, 7)), time(AT)), /needless/],
    ['something after it', sequence(integer(7), time(AT), reason(4, false), integer(1)), /do not belong/],
    ['no date', sequence(integer(7)), /revocation date/],
    ['an integer alone', integer(7), /an entry is expected/],
  ];
  const plain = write([{ serial: '01', at: AT, reason: 1 }]);
  for (const [what, entry, fault] of odd) {
    const octets = Buffer.concat([plain, entry, plain.map((octet, at) => (at === 4 ? 2 : octet))]);
    if (fault !== undefined) {
      assert.throws(() => surveyEntries(octets), (error) => error instanceof DerError && fault.test(error.message), what);
      continue;
    }
    const survey = surveyEntries(octets);
    assert.equal(survey.plain, false, what);
    assert.equal(survey.count, 3, what);
    assert.equal(survey.criticalReason, what === 'a critical reason' ? '07' : undefined);
  }
  for (let length = 1; length < plain.length; length++) assert.throws(() => surveyEntries(plain.subarray(0, length)), DerError, `cut at ${length}`);
  assert.equal(surveyEntries(write([{ serial: '01', at: Date.UTC(2051, 0, 1) }])).plain, true);
});

test('the survey and the general reader agree about bytes that were changed', () => {
  const good = Buffer.from(write([{ serial: '0107', at: AT, reason: 1 }, { serial: '0207', at: AT }]));
  fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(255), (at, octet) => {
    const changed = Buffer.from(good);
    changed[at] = octet;
    let read: unknown[] | undefined;
    try { read = [...readEntries(changed)]; } catch (error) { assert.ok(error instanceof DerError); }
    let survey: ReturnType<typeof surveyEntries> | undefined;
    try { survey = surveyEntries(changed); } catch (error) { assert.ok(error instanceof DerError); }
    assert.equal(survey?.count, read?.length);
    if (survey?.plain) assert.deepEqual(Buffer.from(encodeEntries([...readEntries(changed)])), changed);
  }), { numRuns: 5000 });
});

test('what cannot be written is an error', () => {
  const writer = new CrlEntryWriter();
  assert.throws(() => writer.add('01'.repeat(21), AT), RangeError);
  assert.throws(() => writer.add('01', AT + 1), RangeError);
  assert.throws(() => writer.add('01', Number.NaN), RangeError);
  assert.equal(writer.octets.length, 0);
});
