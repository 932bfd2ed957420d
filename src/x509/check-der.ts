/**
 * Is it DER all the way down? For bytes whose meaning is not looked at: what a lint is given, what a test was
 * handed.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { DerError, type DerReader, MAX_OCTETS, readDer, TAG } from './der.ts';

/**
 * Throws DerError unless `bytes` are one DER element all the way down, as far as the universal types tell:
 * lengths, booleans, integers, identifiers, times, strings, the order of SET OF (X.690 §11.6).
 */
export function checkDer(bytes: Uint8Array, limit = MAX_OCTETS): void {
  const outer = readDer(bytes, limit);
  checkElement(outer);
  outer.end('the element');
}

function checkElement(reader: DerReader): void {
  const tag = reader.tag;
  const what = 'an element';
  if (tag === TAG.boolean) reader.boolean(what);
  else if (tag === TAG.integer || tag === TAG.enumerated) reader.integer(what, tag);
  else if (tag === TAG.bitString) reader.bits(what);
  else if (tag === TAG.null) reader.null(what);
  else if (tag === TAG.oid) reader.oid(what);
  else if (tag === TAG.utcTime || tag === TAG.generalizedTime) reader.time(what);
  else if (tag === TAG.set) checkSet(reader);
  else if ((tag & 0x20) === 0) checkPrimitive(tag, reader);
  else if (tag === TAG.sequence || tag >= 0xa0)
    for (const inner = reader.enter(tag, what); inner.more; ) checkElement(inner);
  else throw new DerError('a primitive type is written as constructed'); // X.690 §10.2
}

function checkPrimitive(tag: number, reader: DerReader): void {
  if (tag === 0x10 || tag === 0x11) throw new DerError('a constructed type is written as primitive');
  const octets = reader.take(tag, 'an element');
  if (STRINGS[tag]?.(octets) === false) throw new DerError('a string has octets that its type does not have');
}

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');

/** What the string types may hold: X.690 §8.23, X.680 §41. */
const STRINGS: Readonly<Record<number, (octets: Uint8Array) => boolean>> = {
  [TAG.utf8String]: isUtf8,
  [TAG.printableString]: (octets) => /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(latin1(octets)),
  [TAG.ia5String]: isAscii,
};

function checkSet(reader: DerReader): void {
  const members = reader.enter(TAG.set, 'a set');
  let previous: Uint8Array | undefined;
  while (members.more) {
    const member = members.element('a member of a set');
    if (previous !== undefined && Buffer.compare(previous, member) > 0) throw new DerError('a set is out of order');
    checkElement(readDer(member));
    previous = member;
  }
}
