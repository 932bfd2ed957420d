/**
 * Public ids: the day on which a row stops mattering ‖ 128 random bits, so that a key names its partition,
 * inserts stay local, and nobody guesses another's (RFC 8555 §10.5). 36 lower-case hex digits.
 */
import { dayOf } from '../x509/serial.ts';

/** Octets of a CSPRNG; only wiring says which. */
export type Random = (octets: number) => Uint8Array;

/** `expires` in ms UTC. */
export function publicId(expires: number, random: Random): string {
  const day = Math.max(0, Math.min(dayOf(expires), 0xffff));
  return day.toString(16).padStart(4, '0') + Buffer.from(random(16)).toString('hex');
}

export const isPublicId = (text: string): boolean => /^[0-9a-f]{36}$/.test(text);
