/**
 * GeneralName (RFC 5280 §4.2.1.6), both ways. Only the four types that we issue have a text; the others are seen but
 * not named.
 */
import { DerError } from './der-error.ts';
import { constructed, type DerReader, element, primitive } from './der.ts';
import { ipOctets, ipText } from './ip.ts';
import type { Name, NameType } from './name.ts';

/** One GeneralName as found; `name` is absent for types that we never issue, and for content that is no such name. */
export interface GeneralName {
  readonly tag: number;
  readonly octets: Uint8Array;
  readonly name?: Name;
}

export const GENERAL_NAME = {
  email: primitive(1), // rfc822Name
  dns: primitive(2), // dNSName
  uri: primitive(6), // uniformResourceIdentifier
  ip: primitive(7), // iPAddress
} as const satisfies Record<NameType, number>;

/** Throws when the value is not in canonical form for its type: the caller should have parsed it. */
export function encodeGeneralName({ type, value }: Name): Uint8Array {
  const octets =
    type === 'ip' ? ipOctets(value) : /^[\x20-\x7e]+$/.test(value) ? Buffer.from(value, 'latin1') : undefined;
  if (octets === undefined) throw new TypeError(`${value} cannot be written as a name of type ${type}`);
  return element(GENERAL_NAME[type], octets);
}

/** Any other type than those four is returned without a name, its content unread. */
export function decodeGeneralName(reader: DerReader): GeneralName {
  const tag = reader.tag;
  if (tag < primitive(0) || tag > constructed(8) || (tag & 0x1f) > 8) throw new DerError('a name is expected');
  const octets = reader.take(tag, 'a name');
  const type = TYPE_OF.get(tag);
  const value = type === undefined ? undefined : type === 'ip' ? ipText(octets) : ascii(octets);
  return type === undefined || value === undefined ? { tag, octets } : { tag, octets, name: { type, value } };
}

const TYPE_OF: ReadonlyMap<number, NameType> = new Map(
  Object.entries(GENERAL_NAME).map(([type, tag]) => [tag, type as NameType]),
);

/** IA5String without control characters; those would let one name be shown as another. */
function ascii(octets: Uint8Array): string | undefined {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
  return /^[\x20-\x7e]+$/.test(text) ? text : undefined;
}
