/**
 * The queue in front of the signer: so many responses are being signed at once, so many wait, the rest are told to come back. Requests
 * with a nonce, which nothing can be kept for, may fill only a part of it: a flood of them slows down neither the others nor issuance,
 * for the signer lets certificates go first.
 */

/** Below the share of its queue that the signer gives to OCSP (signing/ocsp-desk.ts), for several fronts may ask it. */
const AT_ONCE = 96;
const MOST_WAITING = { cacheable: 1024, fresh: 256 } as const;

export class Places {
  #taken = 0;
  #waiting: (() => void)[] = [];

  /** Runs `work` when there is a place; undefined at once when too many wait. */
  async run<T>(kind: keyof typeof MOST_WAITING, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#taken >= AT_ONCE) {
      if (this.#waiting.length >= MOST_WAITING[kind]) return undefined;
      await new Promise<void>((resolve) => this.#waiting.push(resolve)); // whoever leaves hands over the place
    } else this.#taken += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken -= 1;
      else next();
    }
  }
}
