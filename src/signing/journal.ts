/**
 * The signing journal: append-only and write-ahead. `append` resolves when the line is on disk, and no key is used before.
 * Lines that wait share one write and one fdatasync. A line that was written but not used for a signature does no harm:
 * recovery signs it or leaves it.
 */
import { closeSync, fdatasync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, unlinkSync, write } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '../clock.ts';
import { fileOf, JournalFault, ordinals, textsOf } from './journal-files.ts';
import {
  decodeLine,
  encodeLine,
  FIRST_PREV,
  headOf,
  type JournalEntry,
  type JournalLine,
  NOTHING,
} from './journal-line.ts';
import { JournalPast, type Position, positionOf } from './journal-past.ts';

export { JournalFault, readJournal } from './journal-files.ts';
export type { Position } from './journal-past.ts';
export type { JournalEntry, JournalLine, LinePurpose } from './journal-line.ts';

export interface Appended {
  readonly seq: number;
  readonly head: string;
  readonly position: Position;
  /** Of the line, ms UTC. */
  readonly time: number;
}

/** A line that is on disk. */
export interface Written {
  readonly sequence: number;
  readonly head: string;
}

export interface JournalOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** A file that has reached this size is followed by a new one. */
  readonly fileBytes?: number;
  /** What the first line of a new file repeats of all that came before. */
  readonly remember: () => Readonly<Record<string, string>>;
}

interface Waiting {
  readonly ordinal: number;
  readonly offset: number;
  readonly seq: number;
  readonly head: string;
  readonly text: string;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

const writeAsync = promisify(write);
const fdatasyncAsync = promisify(fdatasync);

/** A clock that was set back by more than this begins a new file, so that times ascend within each. */
const STEP_MS = 1000;

export class Journal extends JournalPast {
  readonly #options: JournalOptions;
  readonly #fileBytes: number;
  #ordinal = 0;
  #size = 0;
  #seq = 0;
  #head = FIRST_PREV;
  #time = 0;
  /** The latest time of any line so far: more than `#time` after the clock was set back. */
  #latest = 0;
  #written: Written | undefined;
  #descriptor = -1;
  #openOrdinal = 0;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #broken: JournalFault | undefined;

  /** Opens what is there, cutting off a line that was being written at a crash. @throws JournalFault */
  constructor(options: JournalOptions) {
    super(options.directory);
    this.#options = options;
    this.#fileBytes = options.fileBytes ?? 16 * 1024 * 1024;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    this.#resume();
  }

  /** Sequence of the last line, durable or about to be; 0 for an empty journal. */
  get seq(): number {
    return this.#seq;
  }

  /** Time of the last line, ms UTC; undefined for an empty journal. */
  get time(): number | undefined {
    return this.#seq === 0 ? undefined : this.#time;
  }

  /** The last line that is on disk. */
  get written(): Written | undefined {
    return this.#written;
  }

  /**
   * The line has its place (sequence, head, position) at once and in the order of calls.
   * @returns when it is on disk @throws JournalFault; after one the journal takes no more, for nobody knows what is on disk
   */
  async append(entry: JournalEntry, placed?: (place: Appended) => void): Promise<Appended> {
    if (this.#broken !== undefined) throw this.#broken;
    const steppedBack = this.#options.clock.now() < this.#time - STEP_MS;
    if (this.#ordinal === 0 || this.#size >= this.#fileBytes || steppedBack) this.#startFile();
    const offset = this.#size;
    const text = this.#next(entry);
    const [seq, head] = [this.#seq, this.#head];
    const appended = { seq, head, position: positionOf(this.#ordinal, offset), time: this.#time };
    placed?.(appended);
    await new Promise<void>((done, failed) => {
      this.#waiting.push({ ordinal: this.#ordinal, offset, seq, head, text, done, failed });
      this.#flushing ??= this.#flush();
    });
    return appended;
  }

  /** Waits until all that was appended is on disk, and closes. */
  async close(): Promise<void> {
    await this.#flushing?.catch(() => {});
    this.#broken ??= new JournalFault('the journal is closed');
    if (this.#descriptor !== -1) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  #next(entry: JournalEntry): string {
    this.#time = Math.max(this.#time, this.#options.clock.now());
    this.#latest = Math.max(this.#latest, this.#time);
    const text = encodeLine(entry, this.#seq + 1, this.#head, this.#time);
    this.#seq += 1;
    this.#head = headOf(text);
    this.#size += Buffer.byteLength(text) + 1;
    return text;
  }

  #startFile(): void {
    this.#ordinal += 1;
    this.#size = 0;
    const note = { ...this.#options.remember(), until: String(this.#time), latest: String(this.#latest) };
    const nothing = { issuerKey: '', serial: '', core: '', intent: '', tbs: NOTHING };
    this.#time = 0;
    const text = this.#next({ purpose: 'segment', ...nothing, note });
    const place = { ordinal: this.#ordinal, offset: 0, seq: this.#seq, head: this.#head };
    this.#waiting.push({ ...place, text, done: () => {}, failed: () => {} });
  }

  async #flush(): Promise<void> {
    // One turn of the event loop, so that requests that arrived together are written together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const ordinal = this.#waiting[0]?.ordinal ?? 0;
      const after = this.#waiting.findIndex((line) => line.ordinal !== ordinal);
      const batch = this.#waiting.splice(0, after === -1 ? this.#waiting.length : after);
      try {
        if (ordinal !== this.#openOrdinal) this.#openFile(ordinal);
        const bytes = Buffer.from(`${batch.map(({ text }) => text).join('\n')}\n`);
        for (let done = 0; done < bytes.length; ) {
          done += (await writeAsync(this.#descriptor, bytes, done, bytes.length - done, null)).bytesWritten;
        }
        await fdatasyncAsync(this.#descriptor);
        this.#seeIt(batch, bytes.length);
      } catch (error) {
        this.#broken = new JournalFault(`the journal cannot be written: ${(error as Error).message}`, { cause: error });
        for (const { failed } of [...batch, ...this.#waiting.splice(0)]) failed(this.#broken);
        break;
      }
      for (const { done } of batch) done();
    }
    this.#flushing = undefined;
  }

  /** Somebody may have removed or shortened the file under us: then what was just written is not in the journal. */
  #seeIt(batch: readonly Waiting[], length: number): void {
    const [first, last] = [batch[0] as Waiting, batch.at(-1) as Waiting];
    const { nlink, size } = fstatSync(this.#descriptor);
    if (nlink === 0) throw new Error('its file was removed');
    if (size !== first.offset + length) {
      throw new Error(`its file has ${size} bytes and not ${first.offset + length}: somebody else changed it`);
    }
    this.#written = { sequence: last.seq, head: last.head };
  }

  #openFile(ordinal: number): void {
    if (this.#descriptor !== -1) closeSync(this.#descriptor);
    this.#descriptor = openSync(fileOf(this.#options.directory, ordinal), 'a', 0o600);
    this.#openOrdinal = ordinal;
    const directory = openSync(this.#options.directory, 'r');
    fsyncSync(directory);
    closeSync(directory);
  }

  /** Finds the end of the last file. */
  #resume(): void {
    const { directory } = this.#options;
    const files = [...ordinals(directory)];
    for (let ordinal = files.pop(); ordinal !== undefined; ordinal = files.pop()) {
      const last = this.#checkFile(fileOf(directory, ordinal));
      if (last === undefined) {
        // Nothing of this file was durable. The first file of all was then never used.
        unlinkSync(fileOf(directory, ordinal));
        continue;
      }
      this.#ordinal = ordinal;
      this.#seq = last.seq;
      this.#head = last.head;
      this.#time = last.time;
      this.#latest = Math.max(last.time, Number(this.first(ordinal)?.note?.['latest'] ?? 0));
      this.#written = { sequence: last.seq, head: last.head };
      return;
    }
  }

  /**
   * Verifies the chain within one file and cuts off its unfinished end: what stands after the last newline, and nothing
   * else, for a line that was ended may have been acknowledged. @returns its last line
   */
  #checkFile(file: string): JournalLine | undefined {
    let last: JournalLine | undefined;
    let torn: number | undefined;
    for (const { offset, bytes, ended } of textsOf(file)) {
      if (!ended) {
        torn = offset;
        break;
      }
      const line = decodeLine(bytes);
      if (line === undefined || (last !== undefined && (line.prev !== last.head || line.seq !== last.seq + 1))) {
        throw new JournalFault(`${file} is damaged at byte ${offset}: the journal was changed after it was written`);
      }
      last = line;
      this.#size = offset + bytes.length + 1;
    }
    if (torn !== undefined && last !== undefined) truncate(file, torn);
    return last;
  }
}

function truncate(file: string, length: number): void {
  const descriptor = openSync(file, 'r+');
  try {
    ftruncateSync(descriptor, length);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
