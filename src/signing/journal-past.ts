/** Looking back in the journal: a line at its place, the lines of a time, the line of a serial. Reads what is on disk only. */
import { fileOf, JournalFault, ordinals, textAt, textsOf } from './journal-files.ts';
import { decodeLine, headOf, type JournalLine } from './journal-line.ts';

/** Where a line stands: file ordinal × 2^26 + offset. One number, so that a million of them fit into 8 MB. */
export type Position = number;
const FILE = 2 ** 26;
export const positionOf = (ordinal: number, offset: number): Position => ordinal * FILE + offset;

/** What the journal is beside its end. */
export class JournalPast {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @returns the durable line at a position that `append` or `recent` named */
  read(position: Position): JournalLine {
    const file = fileOf(this.#directory, Math.floor(position / FILE));
    const text = textAt(file, position % FILE);
    const line = text?.ended === true ? decodeLine(text.bytes) : undefined;
    if (line === undefined) throw new JournalFault(`${file} has no line at byte ${position % FILE}`);
    return line;
  }

  /** @returns the head of the line with that sequence; undefined when there is none on disk */
  headOf(sequence: number): string | undefined {
    const start = Buffer.from(`{"seq":${sequence},`);
    for (const ordinal of ordinals(this.#directory).toReversed()) {
      if ((this.first(ordinal)?.seq ?? sequence + 1) > sequence) continue;
      for (const { bytes, ended } of textsOf(fileOf(this.#directory, ordinal))) {
        if (ended && bytes.subarray(0, start.length).equals(start)) return headOf(bytes);
      }
      return undefined;
    }
    return undefined;
  }

  /** Lines of the files that reach to `since` (ms UTC) or later, oldest first: a little more than was asked for. */
  *recent(since: number): Generator<{ line: JournalLine; position: Position }> {
    for (const ordinal of this.#filesOf(since, Number.POSITIVE_INFINITY)) {
      for (const { offset, bytes, ended } of textsOf(fileOf(this.#directory, ordinal))) {
        const line = ended ? decodeLine(bytes) : undefined;
        if (line !== undefined) yield { line, position: positionOf(ordinal, offset) };
      }
    }
  }

  /**
   * The line with this serial that `isIt`, among those of the files between two times (ms UTC). Signatures go on meanwhile.
   * Only what is durable when it is called is sure to be found.
   */
  async find(
    serial: string,
    isIt: (line: JournalLine) => boolean,
    since: number,
    until: number,
  ): Promise<JournalLine | undefined> {
    return this.#search(serial, isIt, this.#filesOf(since, until));
  }

  /** As `find`, in the newest of the files whose first line satisfies `begun`. */
  async findAfter(
    serial: string,
    isIt: (line: JournalLine) => boolean,
    begun: (first: JournalLine) => boolean,
  ): Promise<JournalLine | undefined> {
    const file = ordinals(this.#directory).findLast((ordinal) => {
      const first = this.first(ordinal);
      return first !== undefined && begun(first);
    });
    return this.#search(serial, isIt, file === undefined ? [] : [file]);
  }

  async #search(
    serial: string,
    isIt: (line: JournalLine) => boolean,
    files: readonly number[],
  ): Promise<JournalLine | undefined> {
    const sought = Buffer.from(`"serial":${JSON.stringify(serial)}`);
    for (const ordinal of files) {
      let looked = 0;
      for (const { bytes, ended } of textsOf(fileOf(this.#directory, ordinal))) {
        const line = ended && bytes.includes(sought) ? decodeLine(bytes) : undefined;
        if (line !== undefined && isIt(line)) return line;
        if (++looked % 1000 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
    return undefined;
  }

  /**
   * Times ascend within a file, and not always from file to file. A file's first line tells when it begins, when the one
   * before it ended, and the latest time of all before it.
   */
  #filesOf(since: number, until: number): readonly number[] {
    const found: number[] = [];
    let end = Number.POSITIVE_INFINITY;
    for (const ordinal of ordinals(this.#directory).toReversed()) {
      const first = this.first(ordinal);
      if (end >= since && (first?.time ?? 0) <= until) found.unshift(ordinal);
      if (Number(first?.note?.['latest'] ?? Number.POSITIVE_INFINITY) < since) break;
      end = Number(first?.note?.['until'] ?? Number.POSITIVE_INFINITY);
    }
    return found;
  }

  /** Undefined while it is not on disk. */
  protected first(ordinal: number): JournalLine | undefined {
    const text = textAt(fileOf(this.#directory, ordinal));
    return text?.ended === true ? decodeLine(text.bytes) : undefined;
  }
}
