/**
 * Public ids: the day on which a row stops mattering ‖ 128 random bits, so that a key names its partition,
 * inserts stay local, and nobody guesses another's (RFC 8555 §10.5). 36 lower-case hex digits.
 */
import { dayOf } from '../x509/serial.ts';

/** Octets of a CSPRNG; only wiring says which. */
export type Random = (octets: number) => Uint8Array;

/** `expires` in ms UTC. */
export function publicId(expires: number, random: Random): string {
  return firstIdOfDay(dayOf(expires)) + Buffer.from(random(16)).toString('hex');
}

/** Ids of rows that stopped mattering before `day` (days since 2020-01-01) are less than this. */
export const firstIdOfDay = (day: number): string => Math.max(0, Math.min(day, 0xffff)).toString(16).padStart(4, '0');

export const isPublicId = (text: string): boolean => /^[0-9a-f]{36}$/.test(text);
