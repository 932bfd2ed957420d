/** The highest CRL number used for each shard, tombstones included: it may never go down (I7). Rebuilt from journal lines. */
import type { JournalLine } from './journal-line.ts';

export class CrlNumbers {
  readonly #highest = new Map<string, bigint>();

  last(issuerKey: string, shard: number): bigint {
    return this.#highest.get(`${issuerKey}/${shard}`) ?? 0n;
  }

  /** Takes in a line of any purpose; the first line of each file repeats what came before it. */
  take({ purpose, issuerKey, serial, note }: Pick<JournalLine, 'purpose' | 'issuerKey' | 'serial' | 'note'>): void {
    if (purpose === 'segment') {
      for (const [shard, number] of Object.entries(note ?? {})) {
        if (shard.includes('/')) this.#raise(shard, BigInt(number)); // the journal notes times beside ours
      }
    }
    const [, shard, number] = /^crl:(\d+):(\d+)$/.exec(serial) ?? [];
    if (number !== undefined) this.#raise(`${issuerKey}/${shard}`, BigInt(number));
  }

  /** For the first line of a file. */
  note(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#highest].map(([shard, number]) => [shard, String(number)]));
  }

  #raise(shard: string, number: bigint): void {
    if (number > (this.#highest.get(shard) ?? 0n)) this.#highest.set(shard, number);
  }
}
