/** Writes CBOR for tests: the shortest form, or exactly the octets that a test wants. */

export type Encodable = number | bigint | string | boolean | null | Uint8Array | readonly Encodable[] | ReadonlyMap<string | number, Encodable> | Raw;

/** Octets that are taken as they are. */
export class Raw {
  readonly octets: Uint8Array;
  constructor(octets: Uint8Array) {
    this.octets = octets;
  }
}

export function encodeCbor(value: Encodable): Buffer {
  if (value instanceof Raw) return Buffer.from(value.octets);
  if (value === null) return Buffer.of(0xf6);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xf5 : 0xf4);
  if (typeof value === 'number' || typeof value === 'bigint') return value < 0 ? head(1, -1n - BigInt(value)) : head(0, BigInt(value));
  if (typeof value === 'string') return Buffer.concat([head(3, BigInt(Buffer.byteLength(value))), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, BigInt(value.length)), value]);
  if (value instanceof Map) return Buffer.concat([head(5, BigInt(value.size)), ...[...value].flatMap(([key, member]) => [encodeCbor(key), encodeCbor(member)])]);
  const list = value as readonly Encodable[];
  return Buffer.concat([head(4, BigInt(list.length)), ...list.map(encodeCbor)]);
}

function head(major: number, argument: bigint): Buffer {
  const top = major << 5;
  if (argument < 24n) return Buffer.of(top | Number(argument));
  const size = argument < 0x100n ? 1 : argument < 0x10000n ? 2 : argument < 0x100000000n ? 4 : 8;
  const octets = Buffer.from(argument.toString(16).padStart(size * 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(top | (24 + Math.log2(size))), octets]);
}
