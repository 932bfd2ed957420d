// dns-01 (RFC 8555 §8.4): the zone holds a TXT record with a digest of the key authorization.
import { createHash, timingSafeEqual } from 'node:crypto';
import { DnsFault } from '../dial/dns-fault.ts';
import { printable } from '../dial/printable.ts';
import type { Found } from '../dial/resolver.ts';
import { type Challenge, unauthorized } from './challenge.ts';

export const dns01: Challenge = async ({ dialer }, { host, keyAuthorization }, call) => {
  if (host.kind !== 'name') throw new Error('dns-01 for an address');
  const name = `_acme-challenge.${host.name}`;
  let found: Found;
  try {
    found = await dialer.resolver.txt(name, call);
  } catch (error) {
    if (error instanceof DnsFault && error.outcome === 'nodata') return unauthorized(`${name} has no TXT record.`);
    throw error;
  }
  const expected = Buffer.from(createHash('sha256').update(keyAuthorization, 'latin1').digest('base64url'), 'latin1');
  const proven = found.values.some((value) => {
    const bytes = Buffer.from(value, 'latin1');
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  });
  if (proven) return { ok: true };
  const count = found.values.length === 1 ? 'one TXT record' : `${found.values.length} TXT records`;
  return unauthorized(`${name} has ${count}, but none with the digest of this challenge${excerpt(found)}.`);
};

/** Not after a CNAME: it may lead into a zone that only we can see. */
function excerpt({ values: [first = ''], aliases }: Found): string {
  return aliases.length > 0 ? '' : `; the first is "${printable(first, 64)}"`;
}
