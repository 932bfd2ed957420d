/** Looks at all entries of a CRL in one pass that keeps no object for each: what lints and the signer's re-check ask of them. */
import { encodeEntry, FROM_2050, readEntries, readEntry, REASON } from './crl-entries.ts';
import { readDer, TAG } from './der.ts';
import { OID } from './oid.ts';

/** What the entries are like, all together. Where one is at fault, its serial. */
export interface EntrySurvey {
  readonly count: number;
  /** The one that was revoked last. */
  readonly latest: { readonly serial: string; readonly at: number } | undefined;
  /** By reason, the serial of one that has it. */
  readonly reasons: ReadonlyMap<number, string>;
  readonly criticalReason: string | undefined;
  readonly repeated: string | undefined;
  /** Every entry is written as CrlEntryWriter writes it. */
  readonly plain: boolean;
}

/** One pass over all entries. Throws DerError. */
export function surveyEntries(octets: Uint8Array): EntrySurvey {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  const serialAt = (entry: number): string => bytes.toString('hex', entry + 4, entry + 4 + (bytes[entry + 3] as number));
  const reasons = new Map<number, string>();
  let [count, last, latestEntry, latest] = [0, -1, -1, -1];
  let [ascending, plain] = [true, true];
  let criticalReason: string | undefined;
  for (let entry = 0; entry < bytes.length; count += 1) {
    const at = plainTime(bytes, entry);
    const next = entry + 2 + (bytes[entry + 1] as number);
    let reason = 0;
    if (at >= 0) {
      const end = entry + 4 + (bytes[entry + 3] as number) + 15;
      if (next > end) reason = bytes[next - 1] as number;
      if (reason !== 0 && !reasons.has(reason)) reasons.set(reason, serialAt(entry));
      if (at > latest) [latest, latestEntry] = [at, entry];
      if (last >= 0 && ascending) ascending = isAbove(bytes, entry, last);
      last = entry;
      entry = next;
      continue;
    }
    // Written in another way than ours: read by the general reader, and slowly.
    const found = slowly(bytes, entry);
    plain &&= found.plain;
    ascending = false;
    if (found.reason !== undefined && !reasons.has(found.reason)) reasons.set(found.reason, found.serial);
    if (found.critical) criticalReason ??= found.serial;
    if (found.at > latest) [latest, latestEntry] = [found.at, entry];
    entry += found.length;
  }
  return {
    count, reasons, criticalReason, plain,
    latest: latestEntry < 0 ? undefined : { serial: slowly(bytes, latestEntry).serial, at: latest },
    repeated: ascending ? undefined : firstRepeated(bytes),
  };
}

function slowly(bytes: Buffer, entry: number) {
  const rest = bytes.subarray(entry);
  const whole = readDer(rest, rest.length).element('an entry', TAG.sequence);
  const found = readEntry(readDer(whole, whole.length));
  const { serial, at, reason, extensions } = found;
  const critical = extensions.some(({ oid, critical: is }) => oid === OID.reasonCode && is);
  // Of our own, only GeneralizedTime is left to be read here.
  const plain = at >= FROM_2050 && Buffer.compare(encodeEntry(reason === undefined ? { serial, at } : { serial, at, reason }), whole) === 0;
  return { serial, at, reason, critical, length: whole.length, plain };
}

function firstRepeated(bytes: Buffer): string | undefined {
  const seen = new Set<string>();
  for (const { serial } of readEntries(bytes)) {
    if (seen.has(serial)) return serial;
    seen.add(serial);
  }
  return undefined;
}

/** Whether the serial of the entry at `a` comes after that at `b`: both are ours, so of few lengths. */
function isAbove(bytes: Buffer, a: number, b: number): boolean {
  const [length, other] = [bytes[a + 3] as number, bytes[b + 3] as number];
  if (length !== other) return length > other;
  return bytes.compare(bytes, b + 4, b + 4 + length, a + 4, a + 4 + length) > 0;
}

/**
 * The time of the entry that begins at `entry`, when all of it is as CrlEntryWriter writes it: minimal positive serial of at most 20 octets,
 * UTCTime, and nothing more or a reason that is not unspecified. -1 otherwise.
 */
function plainTime(bytes: Buffer, entry: number): number {
  if (bytes[entry] !== TAG.sequence || bytes[entry + 2] !== TAG.integer) return -1;
  const length = bytes[entry + 1] as number;
  const octets = bytes[entry + 3] as number;
  const place = entry + 4 + octets;
  const end = entry + 2 + length;
  if (length >= 0x80 || octets < 1 || octets > 20 || end > bytes.length) return -1;
  const first = bytes[entry + 4] as number;
  if (first >= 0x80 || (first === 0 && octets > 1 && (bytes[entry + 5] as number) < 0x80)) return -1;
  if (end !== place + 15) {
    if (end !== place + 15 + REASON.length + 1 || bytes[end - 1] === 0) return -1;
    for (let i = 0; i < REASON.length; i++) if (bytes[place + 15 + i] !== REASON[i]) return -1;
  }
  if (bytes[place] !== TAG.utcTime || bytes[place + 1] !== 13) return -1;
  return utcTime(bytes, place + 2);
}

let knownDate = -1;
let knownDay = -1;
/** The thirteen octets `YYMMDDHHMMSSZ` in ms; -1 when they are no such time. Days are computed once for all entries that share one. */
function utcTime(bytes: Buffer, at: number): number {
  if (bytes[at + 12] !== 0x5a) return -1;
  let date = 0;
  let clock = 0;
  for (let i = 0; i < 12; i++) {
    const digit = (bytes[at + i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    if (i < 6) date = date * 10 + digit;
    else clock = clock * 10 + digit;
  }
  const [hour, minute, second] = [Math.floor(clock / 10_000), Math.floor(clock / 100) % 100, clock % 100];
  if (hour > 23 || minute > 59 || second > 59) return -1;
  if (date !== knownDate) {
    const year = Math.floor(date / 10_000);
    const [full, month, day] = [year < 50 ? 2000 + year : 1900 + year, Math.floor(date / 100) % 100, date % 100];
    const start = Date.UTC(full, month - 1, day);
    if (new Date(start).getUTCDate() !== day || new Date(start).getUTCMonth() !== month - 1) return -1;
    [knownDate, knownDay] = [date, start];
  }
  return knownDay + ((hour * 60 + minute) * 60 + second) * 1000;
}
