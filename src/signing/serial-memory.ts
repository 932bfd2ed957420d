/**
 * Which serials were used, and where their lines stand, in memory of a fixed size: the newest entries, 24 bytes each. It
 * holds 64-bit fingerprints; the journal line says what is really there. Of two serials with one fingerprint (once in 2^44
 * serials) the second is refused as used, which costs its caller nothing but another serial.
 */
import { hash } from 'node:crypto';
import type { Purpose } from './protocol.ts';
import type { Position } from './journal.ts';

export class SerialMemory {
  /** A ring of the newest entries … */
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  readonly #position: Float64Array;
  #next = 0;
  /** … and an open-addressed table of ring index + 1 by fingerprint; 0 is free. At most half full. */
  readonly #table: Uint32Array;
  readonly #mask: number;

  /** @param atLeast entries to remember; pages that were never used cost no memory */
  constructor(atLeast: number) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(atLeast, 16)));
    this.#low = new Uint32Array(capacity);
    this.#high = new Uint32Array(capacity);
    this.#position = new Float64Array(capacity).fill(0);
    this.#table = new Uint32Array(capacity * 2);
    this.#mask = capacity * 2 - 1;
  }

  find(purpose: Purpose, issuerKey: string, serial: string): Position | undefined {
    const found = this.#table[this.#slotOf(...fingerprint(purpose, issuerKey, serial))];
    return found === undefined || found === 0 ? undefined : this.#position[found - 1];
  }

  /** The oldest entry is forgotten when there is no room. */
  add(purpose: Purpose, issuerKey: string, serial: string, position: Position): void {
    const [low, high] = fingerprint(purpose, issuerKey, serial);
    const known = this.#table[this.#slotOf(low, high)];
    if (known !== undefined && known !== 0) {
      this.#position[known - 1] = position;
      return;
    }
    const index = this.#next;
    if (this.#position[index] !== 0) this.#forget(index);
    this.#low[index] = low;
    this.#high[index] = high;
    this.#position[index] = position;
    this.#table[this.#slotOf(low, high)] = index + 1;
    this.#next = (index + 1) % this.#low.length;
  }

  /** Where this fingerprint stands, or the free slot where it would. */
  #slotOf(low: number, high: number): number {
    let slot = low & this.#mask;
    for (let entry = this.#table[slot]; entry; entry = this.#table[slot]) {
      if (this.#low[entry - 1] === low && this.#high[entry - 1] === high) return slot;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  /** Linear probing without markers: entries behind the freed slot move up when they could not be found otherwise. */
  #forget(index: number): void {
    let free = this.#slotOf(this.#low[index] as number, this.#high[index] as number);
    this.#table[free] = 0;
    for (let slot = (free + 1) & this.#mask; this.#table[slot]; slot = (slot + 1) & this.#mask) {
      const home = (this.#low[(this.#table[slot] as number) - 1] as number) & this.#mask;
      const reachable = free <= slot ? free < home && home <= slot : free < home || home <= slot;
      if (reachable) continue;
      this.#table[free] = this.#table[slot] as number;
      this.#table[slot] = 0;
      free = slot;
    }
  }
}

function fingerprint(purpose: Purpose, issuerKey: string, serial: string): [low: number, high: number] {
  const digest = hash('sha256', `${purpose}\n${issuerKey}\n${serial}`, 'buffer');
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}
