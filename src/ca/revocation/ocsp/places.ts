/**
 * The queue in front of the signer: so many responses are being signed at once, so many wait, the rest are told to come back. Requests
 * with a nonce, which nothing can be kept for, may fill only a part of it: a flood of them slows down neither the others nor issuance,
 * for the signer lets certificates go first. Nobody waits for long: an answer that comes after its client has gone helps no one.
 */

/** Below the share of its queue that the signer gives to OCSP (signing/ocsp-desk.ts), for several fronts may ask it. */
const AT_ONCE = 96;
const MOST_WAITING = { cacheable: 1024, fresh: 256 } as const;
const LONGEST_WAIT_MS = 2000;

export class Places {
  #taken = 0;
  /** Each is called with whether there is a place now; the first has waited longest. */
  readonly #waiting = new Set<(place: boolean) => void>();

  /** Runs `work` when there is a place; undefined when too many wait, or when none came free in two seconds. */
  async run<T>(kind: keyof typeof MOST_WAITING, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#taken < AT_ONCE) this.#taken += 1;
    else if (this.#waiting.size >= MOST_WAITING[kind] || !(await this.#handedOver())) return undefined;
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#taken -= 1;
      else next(true);
    }
  }

  /** Whoever leaves hands over the place. */
  #handedOver(): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (place: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        resolve(place);
      };
      const timer = setTimeout(end, LONGEST_WAIT_MS, false);
      this.#waiting.add(end);
    });
  }
}
