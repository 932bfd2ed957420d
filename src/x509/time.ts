/** The two time types as RFC 5280 §4.1.2.5 allows them: to the second, in UTC, nothing optional. */
import { DerError } from './der-error.ts';

const FROM_2050 = Date.UTC(2050, 0, 1);
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * `at` (milliseconds since the epoch) as digits and `Z`. RFC 5280 §4.1.2.5: UTCTime through 2049, then
 * GeneralizedTime. A fraction of a second is a programming error: rounding here would hide it.
 */
export function writeTime(at: number): { generalized: boolean; digits: string } {
  if (!Number.isSafeInteger(at) || at % 1000 !== 0 || at < 0 || at > LAST)
    throw new RangeError(`${at} is not a whole second that a certificate can name`);
  const digits = new Date(at).toISOString().replace(/[-:T]|\.000/g, '');
  return at < FROM_2050 ? { generalized: false, digits: digits.slice(2) } : { generalized: true, digits };
}

/**
 * Content octets to milliseconds since the epoch. Throws DerError unless written `[YY]YYMMDDHHMMSSZ`, a date that
 * exists.
 */
export function readTime(octets: Uint8Array, generalized: boolean, what: string): number {
  const years = generalized ? 4 : 2;
  if (octets.length !== years + 11 || octets[years + 10] !== 0x5a)
    throw new DerError(`${what} is not a time to the second in UTC`);
  const pair = (at: number): number => {
    const tens = (octets[at] as number) - 0x30;
    const ones = (octets[at + 1] as number) - 0x30;
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw new DerError(`${what} is not a time in digits`);
    return tens * 10 + ones;
  };
  const short = pair(0);
  const year = generalized ? short * 100 + pair(2) : short < 50 ? 2000 + short : 1900 + short;
  const [month, day] = [pair(years), pair(years + 2)];
  const [hour, minute, second] = [pair(years + 4), pair(years + 6), pair(years + 8)];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59)
    throw new DerError(`${what} is a time that does not exist`);
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day); // Date.UTC takes years below 100 for 19xx
  return at.setUTCHours(hour, minute, second);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
