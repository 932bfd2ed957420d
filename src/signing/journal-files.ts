/** The files of the journal, read: `DIRECTORY/00000001.jsonl` and on, each of a bounded size. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLine, FIRST_PREV, type JournalLine } from './journal-line.ts';

/** The journal on disk is not what was written; `message` names file and place. */
export class JournalFault extends Error {
  override readonly name = 'JournalFault';
}

export const fileOf = (directory: string, ordinal: number) =>
  join(directory, `${String(ordinal).padStart(8, '0')}.jsonl`);

/** Ordinals of the files, ascending. @throws JournalFault when one is missing between others */
export function ordinals(directory: string): readonly number[] {
  const found = readdirSync(directory)
    .filter((name) => /^\d{8}\.jsonl$/.test(name))
    .map((name) => Number(name.slice(0, 8)))
    .sort((a, b) => a - b);
  const gap = found.find((ordinal, index) => index > 0 && ordinal !== (found[index - 1] ?? 0) + 1);
  if (gap !== undefined) throw new JournalFault(`the journal file before ${fileOf(directory, gap)} is missing`);
  return found;
}

export interface Text {
  readonly offset: number;
  /** Without its newline. */
  readonly bytes: Buffer;
  /** False for what stands after the last newline: a line that was being written when the machine stopped. */
  readonly ended: boolean;
}

const CHUNK = 1024 * 1024;

/** The line that begins at `offset`, or the first. */
export function textAt(file: string, offset = 0): Text | undefined {
  const [text] = textsOf(file, offset, 8192);
  return text;
}

/** The lines of one file from `offset` on, holding a chunk in memory at a time. */
export function* textsOf(file: string, offset = 0, size = CHUNK): Generator<Text> {
  const descriptor = openSync(file, 'r');
  try {
    let rest: Buffer = Buffer.alloc(0);
    let at = offset;
    for (;;) {
      const chunk = Buffer.allocUnsafe(size);
      const read = readSync(descriptor, chunk, 0, size, at + rest.length);
      if (read === 0) break;
      let bytes = rest.length === 0 ? chunk.subarray(0, read) : Buffer.concat([rest, chunk.subarray(0, read)]);
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10)) {
        yield { offset: at, bytes: bytes.subarray(0, end), ended: true };
        at += end + 1;
        bytes = bytes.subarray(end + 1);
      }
      rest = bytes;
    }
    if (rest.length > 0) yield { offset: at, bytes: rest, ended: false };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Every line of the journal, oldest first, its chain verified. An unfinished line at the very end is passed over: it was
 * never acknowledged to anybody.
 * @throws JournalFault at the first line that does not follow from the one before
 */
export function* readJournal(directory: string): Generator<JournalLine> {
  const files = ordinals(directory);
  let before = { head: FIRST_PREV, seq: 0 };
  for (const ordinal of files) {
    const file = fileOf(directory, ordinal);
    for (const text of textsOf(file)) {
      if (!text.ended && ordinal === files.at(-1)) return;
      const line = text.ended ? decodeLine(text.bytes) : undefined;
      if (line === undefined || line.prev !== before.head || line.seq !== before.seq + 1) {
        throw new JournalFault(`${file} is damaged at byte ${text.offset}, after line ${before.seq}`);
      }
      yield line;
      before = line;
    }
  }
}
