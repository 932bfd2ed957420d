/** The highest CRL number used for each shard, tombstones included: it may never go down (I7). Rebuilt from journal lines. */
import type { JournalLine } from './journal-line.ts';

export interface CrlSerial {
  readonly shard: number;
  readonly number: bigint;
}

/** What stands in place of a serial for CRLs, `crl:SHARD:NUMBER`; undefined when it is not written as we write it. */
export function readCrlSerial(serial: string): CrlSerial | undefined {
  const [, shard, number] = /^crl:([1-9]\d{0,5}):(0|[1-9]\d*)$/.exec(serial) ?? [];
  return shard === undefined || number === undefined ? undefined : { shard: Number(shard), number: BigInt(number) };
}

export class CrlNumbers {
  readonly #highest = new Map<string, bigint>();

  last(issuerKey: string, shard: number): bigint {
    return this.#highest.get(keyOf(issuerKey, shard)) ?? 0n;
  }

  /** Takes in a line of any purpose; the first line of each file repeats what came before it. */
  take({ purpose, issuerKey, serial, note }: Pick<JournalLine, 'purpose' | 'issuerKey' | 'serial' | 'note'>): void {
    if (purpose === 'segment') {
      for (const [key, number] of Object.entries(note ?? {})) {
        if (key.includes('/')) this.#raise(key, BigInt(number)); // the journal notes times beside ours
      }
    }
    const crl = readCrlSerial(serial);
    if (crl !== undefined) this.#raise(keyOf(issuerKey, crl.shard), crl.number);
  }

  /** For the first line of a file. */
  note(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#highest].map(([key, number]) => [key, String(number)]));
  }

  /** The last number of a shard when such a note was written. */
  static noted(note: JournalLine['note'], issuerKey: string, shard: number): bigint {
    return BigInt(note?.[keyOf(issuerKey, shard)] ?? 0);
  }

  #raise(key: string, number: bigint): void {
    if (number > (this.#highest.get(key) ?? 0n)) this.#highest.set(key, number);
  }
}

const keyOf = (issuerKey: string, shard: number): string => `${issuerKey}/${shard}`;
