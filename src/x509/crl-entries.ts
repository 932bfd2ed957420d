/**
 * The entries of a CRL, by the hundred thousand: written into one buffer, and read in one pass that keeps no object for each.
 * Both ends work on the content octets of revokedCertificates (RFC 5280 §5.1.2.6), which our CRLs hold in the order of serials.
 */
import { type DerReader, element, integerFromHex, readDer, sequence, TAG, time } from './der.ts';
import { decodeExtensions, encodeExtension, type Extension } from './extensions.ts';
import { hexOf } from './hex.ts';
import { OID } from './oid.ts';

export interface Revoked {
  /** Hex. */
  readonly serial: string;
  /** Milliseconds, whole seconds. */
  readonly at: number;
  readonly reason?: number;
}

export interface FoundRevoked extends Revoked {
  readonly extensions: readonly Extension[];
}

// ── writing ──

/** What an entry takes at most: a serial of 20 octets, GeneralizedTime, the reason. */
const MOST_OCTETS = 2 + 22 + 17 + 16;
const FIRST_SIZE = 1 << 16;
const DAY = 86_400_000;
const FROM_2050 = Date.UTC(2050, 0, 1);

/** Everything of the extension list of an entry but its last octet, the reason. */
const REASON = encodeReason(0).subarray(0, -1);

function encodeReason(reason: number): Uint8Array {
  const value = element(TAG.enumerated, Uint8Array.of(reason));
  return sequence(encodeExtension({ oid: OID.reasonCode, critical: false, value }));
}

export class CrlEntryWriter {
  #bytes = Buffer.allocUnsafe(FIRST_SIZE);
  #length = 0;
  #count = 0;
  /** The day last written, and its six digits: entries of one day come together, or there are few days. */
  #day = Number.NaN;
  readonly #date = Buffer.alloc(6);

  /**
   * @param reason code of RFC 5280 §5.3.1; 0 is said by leaving it out
   * @throws RangeError for a serial of more than 20 octets, or a time that is no whole second
   */
  add(serial: string, at: number, reason = 0): void {
    if (this.#bytes.length - this.#length < MOST_OCTETS) this.#grow();
    if (serial.length > 40 || !(at >= 0) || at % 1000 !== 0) throw new RangeError(`no entry can be of serial ${serial}, or of ${at}`);
    if (at >= FROM_2050) {
      this.#append(encodeEntry(reason === 0 ? { serial, at } : { serial, at, reason }));
      return;
    }
    const bytes = this.#bytes;
    const octets = serial.length >> 1;
    let place = this.#length;
    bytes[place++] = TAG.sequence;
    bytes[place++] = 2 + octets + 15 + (reason === 0 ? 0 : REASON.length + 1);
    bytes[place++] = TAG.integer;
    bytes[place++] = octets;
    place += bytes.write(serial, place, octets, 'hex');
    bytes[place++] = TAG.utcTime;
    bytes[place++] = 13;
    place = this.#writeTime(place, at);
    if (reason !== 0) {
      bytes.set(REASON, place);
      place += REASON.length;
      bytes[place++] = reason;
    }
    this.#length = place;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  /** The entries one after another; empty when there are none. A view: take it when all are added. */
  get octets(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #writeTime(start: number, at: number): number {
    const bytes = this.#bytes;
    const day = Math.floor(at / DAY);
    if (day !== this.#day) {
      this.#date.write(new Date(day * DAY).toISOString().replaceAll('-', '').slice(2, 8), 'latin1');
      this.#day = day;
    }
    this.#date.copy(bytes, start);
    const seconds = Math.floor((at - day * DAY) / 1000);
    let place = start + 6;
    for (const part of [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]) {
      bytes[place++] = 0x30 + Math.floor(part / 10);
      bytes[place++] = 0x30 + (part % 10);
    }
    bytes[place++] = 0x5a; // Z
    return place;
  }

  #append(entry: Uint8Array): void {
    this.#bytes.set(entry, this.#length);
    this.#length += entry.length;
    this.#count += 1;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(this.#bytes.length * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** One entry by the general writer. */
function encodeEntry({ serial, at, reason }: Revoked): Uint8Array {
  return sequence(integerFromHex(serial), time(at), ...(reason === undefined ? [] : [encodeReason(reason)]));
}

/** For few entries, of any kind: an unspecified reason is written if it is given. */
export const encodeEntries = (revoked: readonly Revoked[]): Uint8Array => Buffer.concat(revoked.map(encodeEntry));

// ── reading ──

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

/** Entries one by one. Throws DerError. */
export function* readEntries(octets: Uint8Array): Generator<FoundRevoked> {
  for (const list = readDer(octets, octets.length); list.more; ) yield readEntry(list);
}

function readEntry(list: DerReader): FoundRevoked {
  const fields = list.enter(TAG.sequence, 'an entry');
  const serial = hexOf(fields.integer('the serial of an entry'));
  const at = fields.time('the revocation date');
  const extensions = fields.more ? decodeExtensions(fields) : [];
  fields.end('an entry');
  const reason = extensions.find(({ oid }) => oid === OID.reasonCode);
  return { serial, at, extensions, ...(reason === undefined ? {} : { reason: decodeReason(reason.value) }) };
}

function decodeReason(value: Uint8Array): number {
  const reader = readDer(value);
  const reason = reader.smallInteger('the reason', TAG.enumerated);
  reader.end('the reason');
  return reason;
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
