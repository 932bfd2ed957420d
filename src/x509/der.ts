/**
 * Our own reader and writer of DER (X.690), side by side. The reader is strict: one way to write a value, one way to
 * read it. It walks one buffer once, copies nothing (what it hands out are views), and is bounded in size and depth.
 */
import { DerError } from './der-error.ts';
import { oidOctets, oidText } from './oid.ts';
import { readTime, writeTime } from './time.ts';

export { DerError };

/** Identifier octets. Ours are all single octets: no type in X.509 has a tag number above 30. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/**
 * `[number]`, context-specific: implicit over a primitive type, or constructed (explicit, or implicit over
 * SEQUENCE).
 */
export const primitive = (number: number): number => 0x80 | number;
export const constructed = (number: number): number => 0xa0 | number;

const MAX_DEPTH = 16;
/** No certificate, request or name that we accept comes near this; CRLs are read with a limit of their own. */
export const MAX_OCTETS = 65_536;

// ── reading ──

/** A cursor over `bytes`. Throws DerError when they exceed the limit (octets). */
export function readDer(bytes: Uint8Array, limit = MAX_OCTETS): DerReader {
  if (bytes.length > limit) throw new DerError(`${bytes.length} octets are more than the ${limit} that are read`);
  return new DerReader(bytes, 0, bytes.length, 0);
}

/** Opens the single element that `bytes` must be, and returns a cursor over its content. */
export function readWhole(bytes: Uint8Array, tag: number, what: string, limit = MAX_OCTETS): DerReader {
  const outer = readDer(bytes, limit);
  const inner = outer.enter(tag, what);
  outer.end(what);
  return inner;
}

/** A cursor over the elements of one level. Every method throws DerError, naming what it was asked to read. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #depth: number;
  #position: number;

  constructor(bytes: Uint8Array, start: number, end: number, depth: number) {
    if (depth > MAX_DEPTH) throw new DerError('nested too deeply');
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
    this.#depth = depth;
  }

  get more(): boolean {
    return this.#position < this.#end;
  }

  /** The identifier octet of the next element; -1 at the end. */
  get tag(): number {
    return this.#position < this.#end ? (this.#bytes[this.#position] as number) : -1;
  }

  /** Ends this level: nothing may follow. */
  end(what: string): void {
    if (this.more) throw new DerError(`${what} is followed by octets that do not belong to it`);
  }

  /** A cursor over the content of the next element. */
  enter(tag: number, what: string): DerReader {
    const content = this.#open(tag, what);
    return new DerReader(this.#bytes, content, this.#position, this.#depth + 1);
  }

  /** The content octets of the next element. */
  take(tag: number, what: string): Uint8Array {
    const content = this.#open(tag, what);
    return this.#bytes.subarray(content, this.#position);
  }

  /** The next element whole, identifier and length included; of any type when no tag is given. */
  element(what: string, tag = this.tag): Uint8Array {
    const start = this.#position;
    this.#open(tag, what);
    return this.#bytes.subarray(start, this.#position);
  }

  /** Content octets of an INTEGER (or ENUMERATED), minimal: X.690 §8.3.2. */
  integer(what: string, tag: number = TAG.integer): Uint8Array {
    const octets = this.take(tag, what);
    const [first, second] = [octets[0] ?? 0, octets[1] ?? 0]; // not by the octets' iterator: lists have a million of these
    if (octets.length === 0) throw new DerError(`${what} is an integer without octets`);
    if (octets.length > 1 && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80)))
      throw new DerError(`${what} is an integer with needless octets`);
    return octets;
  }

  /** An INTEGER that must lie in 0 … 2^31 - 1. */
  smallInteger(what: string, tag: number = TAG.integer): number {
    const octets = this.integer(what, tag);
    if (octets.length > 4 || (octets[0] as number) >= 0x80) throw new DerError(`${what} is out of range`);
    return octets.reduce((value, octet) => value * 256 + octet, 0);
  }

  /** X.690 §11.1: FALSE is 00 and TRUE is ff. */
  boolean(what: string, tag: number = TAG.boolean): boolean {
    const octets = this.take(tag, what);
    if (octets.length !== 1 || (octets[0] !== 0x00 && octets[0] !== 0xff))
      throw new DerError(`${what} is not a DER boolean`);
    return octets[0] === 0xff;
  }

  oid(what: string): string {
    return oidText(this.take(TAG.oid, what));
  }

  null(what: string): void {
    if (this.take(TAG.null, what).length > 0) throw new DerError(`${what} is a NULL with content`);
  }

  /** A BIT STRING with its count of unused bits, which must be zero bits (X.690 §11.2.1). */
  bits(what: string, tag: number = TAG.bitString): { unused: number; octets: Uint8Array } {
    const content = this.take(tag, what);
    const unused = content[0];
    const last = content.length > 1 ? (content.at(-1) as number) : 0;
    if (unused === undefined || unused > 7 || (content.length === 1 && unused > 0))
      throw new DerError(`${what} is not a bit string`);
    if ((last & ((1 << unused) - 1)) !== 0) throw new DerError(`${what} has unused bits that are set`);
    return { unused, octets: content.subarray(1) };
  }

  /** A BIT STRING of whole octets, as keys and signatures are. */
  wholeBits(what: string): Uint8Array {
    const { unused, octets } = this.bits(what);
    if (unused !== 0) throw new DerError(`${what} is not made of whole octets`);
    return octets;
  }

  /** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 writes them; milliseconds since the epoch. */
  time(what: string): number {
    const tag = this.tag === TAG.generalizedTime ? TAG.generalizedTime : TAG.utcTime;
    return readTime(this.take(tag, what), tag === TAG.generalizedTime, what);
  }

  /** Steps over the next element; returns where its content begins. */
  #open(tag: number, what: string): number {
    const found = this.tag;
    if (found !== tag || found === -1) throw new DerError(`${what} is expected, but ${describe(found)} is found`);
    if ((found & 0x1f) === 0x1f) throw new DerError(`${what} has a tag number that nothing here uses`);
    let position = this.#position + 1;
    let length = this.#octet(position++, what);
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0) throw new DerError(`${what} has an indefinite length`); // X.690 §10.1
      if (octets > 4) throw new DerError(`${what} has a length that is too large`);
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + this.#octet(position++, what);
      if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerError(`${what} has a padded length`);
    }
    if (length > this.#end - position) throw new DerError(`${what} is longer than what holds it`);
    this.#position = position + length;
    return position;
  }

  #octet(position: number, what: string): number {
    if (position >= this.#end) throw new DerError(`${what} is cut short`);
    return this.#bytes[position] as number;
  }
}

function describe(tag: number): string {
  return tag === -1 ? 'the end' : `tag ${tag.toString(16).padStart(2, '0')}`;
}

// ── writing ──

/** One element: identifier octet, minimal length, content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of content) length += part.length;
  const octets = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  const bytes = new Uint8Array(2 + octets + length);
  bytes[0] = tag;
  bytes[1] = octets === 0 ? length : 0x80 | octets;
  for (let i = 0; i < octets; i++) bytes[2 + i] = length >>> (8 * (octets - 1 - i));
  let position = 2 + octets;
  for (const part of content) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

export const sequence = (...content: readonly Uint8Array[]): Uint8Array => element(TAG.sequence, ...content);
export const octetString = (...content: readonly Uint8Array[]): Uint8Array => element(TAG.octetString, ...content);
export const setOf = (...members: readonly Uint8Array[]): Uint8Array =>
  element(TAG.set, ...members.toSorted(Buffer.compare)); // X.690 §11.6

export const boolean = (value: boolean): Uint8Array => Uint8Array.of(TAG.boolean, 1, value ? 0xff : 0x00);
export const nullValue = (): Uint8Array => Uint8Array.of(TAG.null, 0);

/** An INTEGER from its content octets, given minimal and in hex: how serials are kept. */
export const integerFromHex = (hex: string): Uint8Array => element(TAG.integer, Buffer.from(hex, 'hex'));

/** An INTEGER that is not negative. */
export function integer(value: bigint | number): Uint8Array {
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return integerFromHex(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even);
}

/** A BIT STRING; the caller has cleared the unused bits. */
export const bitString = (octets: Uint8Array, unused = 0): Uint8Array =>
  element(TAG.bitString, Uint8Array.of(unused), octets);

const oids = new Map<string, Uint8Array>(); // only texts of our own table come here, so it stays small
export function oid(dotted: string): Uint8Array {
  const known = oids.get(dotted);
  if (known !== undefined) return known;
  const bytes = element(TAG.oid, oidOctets(dotted));
  oids.set(dotted, bytes);
  return bytes;
}

/** A string type; IA5String and PrintableString get text that is ASCII already. */
export const text = (tag: number, value: string): Uint8Array => element(tag, Buffer.from(value, 'utf8'));

/** UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). `at` is in milliseconds, whole seconds. */
export const time = (at: number): Uint8Array => {
  const { generalized, digits } = writeTime(at);
  return text(generalized ? TAG.generalizedTime : TAG.utcTime, digits);
};
