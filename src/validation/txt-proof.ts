// What dns-01 and dns-account-01 share: one of the TXT records of a name is the digest of the key authorization (RFC 8555 §8.4).
import { createHash, timingSafeEqual } from 'node:crypto';
import { DnsFault } from '../dial/dns-fault.ts';
import { printable } from '../dial/printable.ts';
import type { Call, Found, Resolver } from '../dial/resolver.ts';
import { unauthorized, type Verdict } from './challenge.ts';

export async function digestIn(resolver: Resolver, name: string, keyAuthorization: string, call: Call): Promise<Verdict> {
  const found = await txtOf(resolver, name, call);
  if (!('values' in found)) return found;
  const expected = Buffer.from(createHash('sha256').update(keyAuthorization, 'latin1').digest('base64url'), 'latin1');
  const proven = found.values.some((value) => {
    const bytes = Buffer.from(value, 'latin1');
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  });
  if (proven) return { ok: true };
  return unauthorized(`${name} has ${countOf(found)}, but none with the digest of this challenge${excerpt(found)}.`);
}

/** The TXT records of a name, or the verdict that there are none. Throws DialFault for every other way to find nothing. */
export async function txtOf(resolver: Resolver, name: string, call: Call): Promise<Found | Verdict> {
  try {
    return await resolver.txt(name, call);
  } catch (error) {
    if (error instanceof DnsFault && error.outcome === 'nodata') return unauthorized(`${name} has no TXT record.`);
    throw error;
  }
}

export const countOf = ({ values }: Found): string => (values.length === 1 ? 'one TXT record' : `${values.length} TXT records`);

/** Not after a CNAME: it may lead into a zone that only we can see. */
export function excerpt({ values: [first = ''], aliases }: Found): string {
  return aliases.length > 0 ? '' : `; the first is "${printable(first, 64)}"`;
}
