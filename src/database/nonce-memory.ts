/**
 * Used nonces of one process, one bit each: a new key at each start, so all that a stop forgets is void anyway.
 *
 * Ten million requests in an hour are 1.2 MB. Space is taken where nonces are redeemed, not where they are asked for,
 * so a stranger who collects nonces costs nothing.
 */

import type { Clock } from '../clock.ts';
import { countIn, NonceKey } from './nonce-key.ts';
import type { NonceLedger } from './nonces.ts';

/** How long a key is issued under. It stays good for two more turns, so a nonce lives for 60 to 90 minutes. */
const turnMs = 30 * 60_000;
const turnsKept = 3;
const pageOctets = 4096;

interface Turn {
  readonly key: NonceKey;
  readonly pages: Map<number, Uint8Array>;
}

export class MemoryLedger implements NonceLedger {
  readonly #clock: Clock;
  /** Newest first. */
  #turns: Turn[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  current(): NonceKey {
    return this.#turn().key;
  }

  async find(keyId: Buffer): Promise<NonceKey | undefined> {
    this.#turn();
    return this.#turns.find(({ key }) => key.id.equals(keyId))?.key;
  }

  async spend(key: NonceKey, number: Buffer): Promise<boolean> {
    const pages = this.#turns.find((turn) => turn.key === key)?.pages;
    if (pages === undefined) return false;
    const bit = countIn(number);
    const pageNumber = Math.floor(bit / 8 / pageOctets);
    const page = pages.get(pageNumber) ?? new Uint8Array(pageOctets);
    pages.set(pageNumber, page);
    const at = Math.floor(bit / 8) % pageOctets;
    const mask = 1 << (bit % 8);
    const octet = page[at] as number;
    page[at] = octet | mask;
    return (octet & mask) === 0;
  }

  [Symbol.dispose](): void {}

  /** The current turn; starts the next one when it is time, and forgets those that are over. */
  #turn(): Turn {
    const now = this.#clock.now();
    const newest = this.#turns[0];
    if (newest !== undefined && now - newest.key.created < turnMs) return newest;
    const next: Turn = { key: new NonceKey(now), pages: new Map() };
    // After a pause the kept turns may be older than their time: a nonce does not outlive it.
    const young = this.#turns.filter(({ key }) => now - key.created < turnsKept * turnMs);
    this.#turns = [next, ...young].slice(0, turnsKept);
    return next;
  }
}
