/**
 * Which serials were used, and where their lines stand: the newest million entries, 28 bytes each, and more only while more
 * than that may still be asked for again. It holds 64-bit fingerprints; the journal line says what is really there. Of two
 * serials with one fingerprint (once in 2^44 serials) the second is refused as used, which costs its caller another serial.
 */
import { hash } from 'node:crypto';
import type { Position } from './journal.ts';
import type { Purpose } from './protocol.ts';

export class SerialMemory {
  readonly #keepMs: number;
  #since: number;
  #ring: Ring;
  #next = 0;
  /** Open-addressed: ring index + 1 by fingerprint; 0 is free. At most half full. */
  #table: Uint32Array;

  /**
   * @param keepMs an entry is not forgotten before this age
   * @param since lines of this time or later will all be added
   * @param capacity a power of two; pages that were never used cost no memory
   */
  constructor(keepMs: number, since: number, capacity = 2 ** 20) {
    this.#keepMs = keepMs;
    this.#since = since;
    this.#ring = ringOf(capacity);
    this.#table = new Uint32Array(capacity * 2);
  }

  /** What is in lines of this time (ms UTC) or later is known here. */
  get since(): number {
    return this.#since;
  }

  find(purpose: Purpose, issuerKey: string, serial: string): Position | undefined {
    const found = this.#table[this.#slotOf(...fingerprint(purpose, issuerKey, serial))];
    return found === undefined || found === 0 ? undefined : this.#ring.position[found - 1];
  }

  /** @param time of the line, ms UTC; entries come in the order of lines */
  add(purpose: Purpose, issuerKey: string, serial: string, position: Position, time: number): void {
    const [low, high] = fingerprint(purpose, issuerKey, serial);
    const known = this.#table[this.#slotOf(low, high)];
    if (known !== undefined && known !== 0) {
      this.#ring.position[known - 1] = position;
      return;
    }
    if (this.#ring.position[this.#next] !== 0) this.#makeRoom(time);
    this.#put({ low, high, position, seconds: Math.floor(time / 1000) });
  }

  #put({ low, high, position, seconds }: { low: number; high: number; position: number; seconds: number }): void {
    const index = this.#next;
    const slot = this.#slotOf(low, high);
    this.#ring.low[index] = low;
    this.#ring.high[index] = high;
    this.#ring.position[index] = position;
    this.#ring.seconds[index] = seconds;
    this.#table[slot] = index + 1;
    this.#next = (index + 1) % this.#ring.low.length;
  }

  /** Forgets the oldest entry, or doubles when that is too young to be forgotten. */
  #makeRoom(time: number): void {
    const oldest = this.#next;
    const second = this.#ring.seconds[oldest] as number;
    if (second * 1000 + this.#keepMs < time) {
      this.#since = Math.max(this.#since, (second + 1) * 1000);
      this.#forget(oldest);
      return;
    }
    const { low, high, position, seconds } = this.#ring;
    const size = low.length;
    this.#ring = ringOf(size * 2);
    this.#table = new Uint32Array(size * 4);
    this.#next = 0;
    for (let step = 0; step < size; step++) {
      const from = (oldest + step) % size;
      this.#put({
        low: low[from] as number,
        high: high[from] as number,
        position: position[from] as number,
        seconds: seconds[from] as number,
      });
    }
  }

  /** Where this fingerprint stands, or the free slot where it would. */
  #slotOf(low: number, high: number): number {
    const mask = this.#table.length - 1;
    let slot = low & mask;
    for (let entry = this.#table[slot]; entry; entry = this.#table[slot]) {
      if (this.#ring.low[entry - 1] === low && this.#ring.high[entry - 1] === high) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** Linear probing without markers: entries behind the freed slot move up when they could not be found otherwise. */
  #forget(index: number): void {
    const mask = this.#table.length - 1;
    const { low, high } = this.#ring;
    let free = this.#slotOf(low[index] as number, high[index] as number);
    this.#table[free] = 0;
    for (let slot = (free + 1) & mask; this.#table[slot]; slot = (slot + 1) & mask) {
      const home = (low[(this.#table[slot] as number) - 1] as number) & mask;
      const reachable = free <= slot ? free < home && home <= slot : free < home || home <= slot;
      if (reachable) continue;
      this.#table[free] = this.#table[slot] as number;
      this.#table[slot] = 0;
      free = slot;
    }
  }
}

interface Ring {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  readonly position: Float64Array;
  readonly seconds: Uint32Array;
}

const ringOf = (capacity: number): Ring => ({
  low: new Uint32Array(capacity),
  high: new Uint32Array(capacity),
  position: new Float64Array(capacity),
  seconds: new Uint32Array(capacity),
});

function fingerprint(purpose: Purpose, issuerKey: string, serial: string): [low: number, high: number] {
  const digest = hash('sha256', `${purpose}\n${issuerKey}\n${serial}`, 'buffer');
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}
