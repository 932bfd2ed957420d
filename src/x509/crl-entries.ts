/**
 * The entries of a CRL, by the hundred thousand, written into one buffer: the content octets of revokedCertificates (RFC 5280 §5.1.2.6), which
 * our CRLs hold in the order of serials. How so many are read is in crl-survey.ts.
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
export const FROM_2050 = Date.UTC(2050, 0, 1);

/** Everything of the extension list of an entry but its last octet, the reason. */
export const REASON = encodeReason(0).subarray(0, -1);

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
    const seconds = Math.floor((at - day * DAY) / 1000);
    this.#date.copy(bytes, start);
    writePair(bytes, start + 6, Math.floor(seconds / 3600));
    writePair(bytes, start + 8, Math.floor(seconds / 60) % 60);
    writePair(bytes, start + 10, seconds % 60);
    bytes[start + 12] = 0x5a; // Z
    return start + 13;
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

/** Two decimal digits. */
function writePair(bytes: Buffer, place: number, value: number): void {
  bytes[place] = 0x30 + Math.floor(value / 10);
  bytes[place + 1] = 0x30 + (value % 10);
}

/** One entry by the general writer. */
export function encodeEntry({ serial, at, reason }: Revoked): Uint8Array {
  return sequence(integerFromHex(serial), time(at), ...(reason === undefined ? [] : [encodeReason(reason)]));
}

/** For few entries, of any kind: an unspecified reason is written if it is given. */
export const encodeEntries = (revoked: readonly Revoked[]): Uint8Array => Buffer.concat(revoked.map(encodeEntry));

// ── reading ──

/** Entries one by one. Throws DerError. */
export function* readEntries(octets: Uint8Array): Generator<FoundRevoked> {
  for (const list = readDer(octets, octets.length); list.more; ) yield readEntry(list);
}

/** The serials alone, which costs a fraction. Throws DerError. */
export function* readSerials(octets: Uint8Array): Generator<string> {
  for (const list = readDer(octets, octets.length); list.more; ) {
    yield hexOf(list.enter(TAG.sequence, 'an entry').integer('the serial of an entry'));
  }
}

export function readEntry(list: DerReader): FoundRevoked {
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
