/**
 * Distinguished names (RFC 5280 §4.1.2.4): written one attribute per RDN, in the order of BR §7.1.4.2; read as they
 * are.
 */
import { readWhole, sequence, setOf, TAG, text, oid } from './der.ts';
import { OID } from './oid.ts';

/**
 * One row per attribute that we write, in the order in which they are written; `max` is the upper bound of RFC 5280
 * appendix A.1.
 */
export const ATTRIBUTES = {
  domainComponent: { tag: TAG.ia5String, max: 63 },
  countryName: { tag: TAG.printableString, max: 2 },
  stateOrProvinceName: { tag: TAG.utf8String, max: 128 },
  localityName: { tag: TAG.utf8String, max: 128 },
  organizationName: { tag: TAG.utf8String, max: 64 },
  organizationalUnitName: { tag: TAG.utf8String, max: 64 },
  serialNumber: { tag: TAG.printableString, max: 64 },
  commonName: { tag: TAG.utf8String, max: 64 },
} as const satisfies Partial<Record<keyof typeof OID, { tag: number; max: number }>>;

export type SubjectAttribute = keyof typeof ATTRIBUTES;

export interface SubjectValue {
  readonly attribute: SubjectAttribute;
  readonly value: string;
}

/** An attribute as found. */
export interface FoundAttribute {
  readonly oid: string;
  readonly tag: number;
  readonly value: string;
}

export type Rdn = readonly FoundAttribute[];

const ORDER = Object.keys(ATTRIBUTES) as readonly SubjectAttribute[];
export const ATTRIBUTE_OF: ReadonlyMap<string, SubjectAttribute> = new Map(ORDER.map((name) => [OID[name], name]));

/** The DER Name. Attributes of one kind keep their order. */
export function encodeName(attributes: readonly SubjectValue[]): Uint8Array {
  const ordered = attributes.toSorted((a, b) => ORDER.indexOf(a.attribute) - ORDER.indexOf(b.attribute));
  return sequence(
    ...ordered.map(({ attribute, value }) =>
      setOf(sequence(oid(OID[attribute]), text(ATTRIBUTES[attribute].tag, value))),
    ),
  );
}

/**
 * Throws DerError unless `der` is a Name. Values are read as UTF-8 (BMPString as UTF-16); their types are told, not
 * judged.
 */
export function decodeName(der: Uint8Array): readonly Rdn[] {
  const rdns: Rdn[] = [];
  for (const name = readWhole(der, TAG.sequence, 'the name'); name.more; ) {
    const rdn: FoundAttribute[] = [];
    for (const set = name.enter(TAG.set, 'an RDN'); set.more; ) {
      const pair = set.enter(TAG.sequence, 'an attribute');
      const type = pair.oid('the type of an attribute');
      const tag = pair.tag;
      const octets = pair.take(tag, 'the value of an attribute');
      pair.end('an attribute');
      rdn.push({ oid: type, tag, value: stringOf(tag, octets) });
    }
    rdns.push(rdn);
  }
  return rdns;
}

function stringOf(tag: number, octets: Uint8Array): string {
  if (tag === TAG.bmpString) return new TextDecoder('utf-16be').decode(octets);
  return Buffer.from(octets).toString(tag === TAG.utf8String ? 'utf8' : 'latin1');
}

/** The values of one attribute, in order. */
export const valuesOf = (rdns: readonly Rdn[], attribute: SubjectAttribute): string[] =>
  rdns
    .flat()
    .filter(({ oid: type }) => type === OID[attribute])
    .map(({ value }) => value);
