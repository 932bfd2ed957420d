/**
 * CBOR from strangers (RFC 8949), the part of it that attestation statements are made of, read strictly: definite lengths, the shortest form of
 * every number, keys that are text or integers and stand once, no tags, no floats, nothing after the end. What two readers could
 * understand differently is refused. Depth, size and number of items are bounded before anything is built.
 */

/** Integers beyond 2^53 are bigint. A map keeps its order. */
export type CborValue = number | bigint | string | boolean | null | Uint8Array | readonly CborValue[] | CborMap;
export type CborMap = ReadonlyMap<string | number | bigint, CborValue>;

/** What is wrong with the bytes, one clause. */
export class CborError extends Error {
  override readonly name = 'CborError';
}

export interface CborLimits {
  readonly octets: number;
  /** Maps and arrays within each other. */
  readonly depth: number;
  /** Values, keys included. */
  readonly items: number;
}

const LIMITS: CborLimits = { octets: 65_536, depth: 8, items: 1024 };

/** The one value that `bytes` hold. Throws CborError. */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits = LIMITS): CborValue {
  if (bytes.length > limits.octets) throw new CborError(`it is longer than ${limits.octets} octets`);
  const reader = new Reader(bytes, limits);
  const value = reader.value(0);
  reader.end();
  return value;
}

const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Reader {
  readonly #bytes: Uint8Array;
  readonly #limits: CborLimits;
  #at = 0;
  #items = 0;

  constructor(bytes: Uint8Array, limits: CborLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new CborError('there is something after its end');
  }

  value(depth: number): CborValue {
    this.#items += 1;
    if (this.#items > this.#limits.items) throw new CborError(`it has more than ${this.#limits.items} items`);
    const head = this.#octet();
    const major = head >> 5;
    if (major === MAJOR.simple) return simple(head);
    if (major === MAJOR.tag) throw new CborError('it has a tag');
    const argument = this.#argument(head & 0x1f);
    if (major === MAJOR.unsigned) return plain(argument);
    if (major === MAJOR.negative) return plain(-1n - argument);
    if (major === MAJOR.bytes) return this.#take(this.#length(argument));
    if (major === MAJOR.text) return this.#text(this.#length(argument));
    if (depth >= this.#limits.depth) throw new CborError(`it is nested deeper than ${this.#limits.depth}`);
    // Each element takes an octet at least, each member two: what cannot fit is refused before it is counted out.
    return major === MAJOR.array ? this.#array(this.#length(argument), depth) : this.#map(this.#length(argument * 2n) / 2, depth);
  }

  #array(length: number, depth: number): CborValue[] {
    const elements: CborValue[] = [];
    for (let i = 0; i < length; i++) elements.push(this.value(depth + 1));
    return elements;
  }

  #map(length: number, depth: number): CborMap {
    const map = new Map<string | number | bigint, CborValue>();
    for (let i = 0; i < length; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'bigint') throw new CborError('a key is neither text nor an integer');
      if (map.has(key)) throw new CborError(`it has the key ${JSON.stringify(String(key).slice(0, 40))} twice`);
      map.set(key, this.value(depth + 1));
    }
    return map;
  }

  /** RFC 8949 §3: the argument of a head; §4.2.1: in its shortest form. */
  #argument(info: number): bigint {
    if (info < 24) return BigInt(info);
    if (info === 31) throw new CborError('it has an indefinite length');
    if (info > 27) throw new CborError('it has a head that is reserved');
    const octets = 1 << (info - 24);
    const argument = this.#take(octets).reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
    const least = octets === 1 ? 24n : 1n << BigInt(octets * 4);
    if (argument < least) throw new CborError('it has a number that is not in its shortest form');
    return argument;
  }

  /** As a length of what is still there. */
  #length(argument: bigint): number {
    if (argument > BigInt(this.#bytes.length - this.#at)) throw new CborError('it ends too soon');
    return Number(argument);
  }

  #text(length: number): string {
    try {
      return utf8.decode(this.#take(length));
    } catch (error) {
      if (error instanceof TypeError) throw new CborError('it has text that is not UTF-8');
      throw error;
    }
  }

  #octet(): number {
    const octet = this.#bytes[this.#at];
    if (octet === undefined) throw new CborError('it ends too soon');
    this.#at += 1;
    return octet;
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new CborError('it ends too soon');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function simple(head: number): boolean | null {
  if (head === 0xf4) return false;
  if (head === 0xf5) return true;
  if (head === 0xf6) return null;
  if (head === 0xff) throw new CborError('it has a break where nothing is open');
  throw new CborError('it has a float or a simple value that is not true, false or null');
}

const plain = (value: bigint): number | bigint =>
  (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value);
