/** Name constraints (RFC 5280 §4.2.1.10): their encoding, and whether a name lies within them. */
import { constructed, DerError, type DerReader, element, readWhole, sequence, TAG } from './der.ts';
import { GENERAL_NAME } from './general-name.ts';
import { ipOctets, ipText } from './ip.ts';
import type { Name, NameType } from './name.ts';

/**
 * Subtrees by type: `dns` and `uri` are host suffixes (a `uri` without a dot in front is one host), `email` a host,
 * `ip` is ADDRESS/PREFIX. In `permitted`, a type that is absent is unrestricted, one with an empty list has nothing.
 */
export type Subtrees = { readonly [T in NameType]?: readonly string[] };

export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
}

/** One clause of fault when the name is outside; undefined when it is within. `name` is in canonical form. */
export function nameConstraintFault({ permitted, excluded }: NameConstraints, name: Name): string | undefined {
  const outside = excluded[name.type]?.find((subtree) => touches(name, subtree));
  if (outside !== undefined) return `${name.value} is inside the excluded ${outside === '' ? 'everything' : outside}`;
  const inside = permitted[name.type];
  if (inside === undefined || inside.some((subtree) => MATCH[name.type](name.value, subtree))) return undefined;
  if (inside.length === 0) return `${name.value} is of a type of which none is permitted`;
  return `${name.value} is outside of ${inside.join(', ')}`;
}

/** A wildcard also touches an excluded name that it could stand for, one label below its base. */
function touches({ type, value }: Name, subtree: string): boolean {
  if (MATCH[type](value, subtree)) return true;
  return type === 'dns' && value.startsWith('*.') && subtree.endsWith(value.slice(1));
}

const underDomain = (host: string, subtree: string): boolean =>
  subtree === '' || host === subtree || host.endsWith(`.${subtree}`);

const MATCH = {
  dns: (value, subtree) => underDomain(value.startsWith('*.') ? value.slice(2) : value, subtree),
  // "When the constraint begins with a period, it MAY be expanded with one or more labels", else it is one host.
  uri: (value, subtree) =>
    underHost(/^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]*)/i.exec(value)?.[1]?.toLowerCase() ?? '', subtree),
  email: (value, subtree) =>
    value.toLowerCase() === subtree || underHost(value.slice(value.lastIndexOf('@') + 1).toLowerCase(), subtree),
  ip: inRange,
} satisfies Record<NameType, (value: string, subtree: string) => boolean>;

const underHost = (host: string, subtree: string): boolean =>
  subtree === '' ||
  (subtree.startsWith('.') ? host.endsWith(subtree) && host.length > subtree.length : host === subtree);

function inRange(value: string, range: string): boolean {
  const address = ipOctets(value);
  const { base, mask } = parseRange(range);
  if (address === undefined || address.length !== base.length) return false;
  return address.every((octet, i) => (octet & (mask[i] as number)) === ((base[i] as number) & (mask[i] as number)));
}

/** ADDRESS/PREFIX to address and mask. Throws TypeError: ranges come from our own configuration or from decode(). */
function parseRange(range: string): { base: Uint8Array; mask: Uint8Array } {
  const [address = '', length = ''] = range.split('/');
  const base = ipOctets(address);
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (base === undefined || !(bits <= base.length * 8)) throw new TypeError(`${range} is not like 10.0.0.0/8`);
  const mask = base.map((_, i) => 0xff & ~(0xff >> Math.min(Math.max(bits - 8 * i, 0), 8)));
  return { base, mask };
}

const TYPES = Object.keys(GENERAL_NAME) as NameType[];

// NameConstraints ::= SEQUENCE { permittedSubtrees [0], excludedSubtrees [1] }; GeneralSubtree ::= SEQUENCE { base, … }

export function encodeNameConstraints({ permitted, excluded }: NameConstraints): Uint8Array {
  const both = [encodeSubtrees(permitted), encodeSubtrees(excluded)];
  return sequence(
    ...both.flatMap((subtrees, i) => (subtrees.length === 0 ? [] : [element(constructed(i), ...subtrees)])),
  );
}

function encodeSubtrees(subtrees: Subtrees): Uint8Array[] {
  return TYPES.flatMap((type) =>
    (subtrees[type] ?? []).map((subtree) => sequence(element(GENERAL_NAME[type], baseOf(type, subtree)))),
  );
}

function baseOf(type: NameType, subtree: string): Uint8Array {
  if (type !== 'ip') return Buffer.from(subtree, 'latin1');
  const { base, mask } = parseRange(subtree);
  return Buffer.concat([base, mask]);
}

/**
 * Throws DerError for subtrees of other types than our four: a constraint that is not understood may not be passed
 * over.
 */
export function decodeNameConstraints(value: Uint8Array): NameConstraints {
  const fields = readWhole(value, TAG.sequence, 'name constraints');
  const permitted = fields.tag === constructed(0) ? decodeSubtrees(fields, 0) : {};
  const excluded = fields.tag === constructed(1) ? decodeSubtrees(fields, 1) : {};
  fields.end('name constraints');
  return { permitted, excluded };
}

function decodeSubtrees(reader: DerReader, number: 0 | 1): Subtrees {
  const found: { [T in NameType]?: string[] } = {};
  for (const list = reader.enter(constructed(number), 'subtrees'); list.more; ) {
    const subtree = list.enter(TAG.sequence, 'a subtree');
    const type = TYPES.find((candidate) => GENERAL_NAME[candidate] === subtree.tag);
    if (type === undefined) throw new DerError('a name constraint is of a type that is not supported');
    const base = subtree.take(GENERAL_NAME[type], 'the base of a subtree');
    subtree.end('a subtree'); // RFC 5280 §4.2.1.10: minimum is zero, so not written; maximum is absent
    found[type] ??= [];
    found[type].push(type === 'ip' ? rangeOf(base) : Buffer.from(base).toString('latin1').toLowerCase());
  }
  return found;
}

function rangeOf(octets: Uint8Array): string {
  const half = octets.length / 2;
  const address = ipText(octets.subarray(0, half));
  const bits = [...octets.subarray(half)].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  if ((half !== 4 && half !== 16) || address === undefined || /01/.test(bits))
    throw new DerError('an address constraint is not a range');
  return `${address}/${bits.indexOf('0') === -1 ? bits.length : bits.indexOf('0')}`;
}
