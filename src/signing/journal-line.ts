/**
 * One line of the signing journal: a JSON object in a fixed order of keys, chained to the line before it by SHA-256.
 * The hash of a line is over its bytes without the newline; it is the `head` of the receipt and the `prev` of the next.
 */
import { hash } from 'node:crypto';
import { PURPOSES, type Purpose } from './protocol.ts';

/**
 * Beside the purposes of signatures: `tombstone` says that a serial will never be signed, `segment` opens a file with
 * what must be remembered from all files before it, `restore` says that an operator lifted a fence.
 */
export type LinePurpose = Purpose | 'tombstone' | 'segment' | 'restore';

export interface JournalEntry {
  readonly purpose: LinePurpose;
  readonly issuerKey: string;
  /** Certificates: hex serial. CRLs: `crl:SHARD:NUMBER`. Empty where there is none. */
  readonly serial: string;
  /** Hex; I2. Empty where nothing is signed. */
  readonly core: string;
  readonly intent: string;
  readonly profile?: string;
  /** Of a tombstone: the purpose that it closes. */
  readonly closes?: Purpose;
  /** Of `segment` and `restore` lines. */
  readonly note?: Readonly<Record<string, string>>;
  /** What is signed, all of it. */
  readonly tbs: Uint8Array;
}

export interface JournalLine extends JournalEntry {
  /** From 1, without gaps, through all files. */
  readonly seq: number;
  /** Head of the line before, 64 zeros for the first. */
  readonly prev: string;
  /** Milliseconds UTC, of the signer's clock. */
  readonly time: number;
  readonly head: string;
}

export const FIRST_PREV = '0'.repeat(64);
export const NOTHING = new Uint8Array(0);

export const headOf = (text: string | Buffer): string => hash('sha256', text);

export function encodeLine(entry: JournalEntry, seq: number, prev: string, time: number): string {
  const { purpose, issuerKey, serial, core, intent, profile, closes, note, tbs } = entry;
  const base64 = Buffer.from(tbs.buffer, tbs.byteOffset, tbs.length).toString('base64');
  return JSON.stringify({
    seq,
    prev,
    time,
    purpose,
    issuerKey,
    serial,
    core,
    intent,
    profile,
    closes,
    note,
    tbs: base64,
  });
}

/** @returns undefined when the text is no line of a journal. Whether it is the right one, `prev` and `seq` tell. */
export function decodeLine(text: Buffer): JournalLine | undefined {
  try {
    const fields = JSON.parse(text.toString('utf8')) as Omit<JournalLine, 'tbs' | 'head'> & { tbs: string };
    const purposes: readonly string[] = [...PURPOSES, 'tombstone', 'segment', 'restore'];
    if (!purposes.includes(fields.purpose) || !Number.isSafeInteger(fields.seq)) return undefined;
    return { ...fields, tbs: Buffer.from(fields.tbs, 'base64'), head: headOf(text) };
  } catch {
    return undefined;
  }
}
