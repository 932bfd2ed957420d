// dns-account-01 (draft-ietf-acme-dns-account-label): as dns-01, at a name that is this account's own, so that several clients can
// each have their record or their CNAME at one time.
import { createHash } from 'node:crypto';
import { DialFault } from '../dial/dial-fault.ts';
import { DnsFault } from '../dial/dns-fault.ts';
import type { Challenge, Verdict } from './challenge.ts';
import { digestIn } from './txt-proof.ts';

/** Whoever made the record knew the account by one of its URLs: by that of today, or by one under a former external URL. */
export const dnsAccount01: Challenge = async ({ dialer }, { host, keyAuthorization, accountUrls }, call) => {
  if (host.kind !== 'name') throw new Error('dns-account-01 for an address');
  let first: Verdict | DnsFault | undefined;
  for (const url of accountUrls) {
    const name = `${accountLabel(url)}._acme-challenge.${host.name}`;
    const found = await digestIn(dialer.resolver, name, keyAuthorization, call).catch(absence);
    if (!(found instanceof DnsFault) && found.ok) return found;
    first ??= found;
  }
  if (first === undefined) throw new Error('dns-account-01 without an account');
  const who = `The label is that of the account ${accountUrls[0]}.`;
  if (first instanceof DnsFault) throw new DialFault('dns', `${first.message}. ${who}`);
  return first.ok ? first : { ...first, detail: `${first.detail} ${who}` };
};

function absence(error: unknown): DnsFault {
  if (error instanceof DnsFault && !error.transient) return error;
  throw error;
}

/** An underscore and the base32 of the first ten octets of the digest, in lower case. */
export const accountLabel = (accountUrl: string): string =>
  `_${base32(createHash('sha256').update(accountUrl, 'utf8').digest().subarray(0, 10))}`;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'; // RFC 4648 §6

/** Of a multiple of five octets, so that there is no padding. */
function base32(octets: Uint8Array): string {
  const bits = BigInt(`0x${Buffer.from(octets).toString('hex')}`);
  const length = (octets.length * 8) / 5;
  return Array.from({ length }, (_, at) => ALPHABET[Number((bits >> BigInt(5 * (length - 1 - at))) & 31n)]).join('');
}
