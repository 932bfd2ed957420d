// How many outgoing things go on at once: so many in all, and so many towards one target, so that targets that hang
// cannot use up what others need. Those who wait are bounded too, and take turns by target.
import { busyNow } from './dial-fault.ts';

export interface GateBounds {
  readonly total: number;
  readonly perKey: number;
  readonly waiting: number;
  readonly waitingPerKey: number;
  /** How long one may wait: short enough to leave time for what is waited for. */
  readonly waitMs: number;
}

interface Lane {
  running: number;
  readonly waiting: Set<() => void>;
}

export class Gate {
  readonly #bounds: GateBounds;
  readonly #lanes = new Map<string, Lane>();
  /** Keys of lanes where someone waits and one more may run, in the order of their turn. */
  readonly #ready = new Set<string>();
  #running = 0;
  #waiting = 0;

  constructor(bounds: GateBounds) {
    this.#bounds = bounds;
  }

  /** Waits for a place and returns the function that gives it back (call it once). Rejects with a `busy` fault. */
  async enter(key: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { running: 0, waiting: new Set() };
      this.#lanes.set(key, lane);
    }
    if (this.#running < this.#bounds.total && lane.running < this.#bounds.perKey && lane.waiting.size === 0) {
      this.#start(lane);
    } else {
      await this.#wait(key, lane, signal);
    }
    return () => this.#leave(key, lane);
  }

  #wait(key: string, lane: Lane, signal: AbortSignal): Promise<void> {
    if (this.#waiting >= this.#bounds.waiting || lane.waiting.size >= this.#bounds.waitingPerKey) {
      this.#forget(key, lane);
      throw busyNow();
    }
    return new Promise((resolve, reject) => {
      const stopWaiting = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#waiting -= 1;
        lane.waiting.delete(proceed);
      };
      const proceed = () => {
        stopWaiting();
        this.#start(lane);
        resolve();
      };
      const giveUp = () => {
        stopWaiting();
        this.#line(key, lane);
        this.#forget(key, lane);
        reject(busyNow());
      };
      const timer = setTimeout(giveUp, this.#bounds.waitMs);
      this.#waiting += 1;
      lane.waiting.add(proceed);
      this.#line(key, lane);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #start(lane: Lane): void {
    this.#running += 1;
    lane.running += 1;
  }

  #leave(key: string, lane: Lane): void {
    this.#running -= 1;
    lane.running -= 1;
    this.#line(key, lane);
    while (this.#running < this.#bounds.total) {
      const next = this.#ready.values().next().value;
      if (next === undefined) break;
      this.#ready.delete(next);
      const waiting = this.#lanes.get(next);
      if (waiting === undefined) continue;
      waiting.waiting.values().next().value?.();
      this.#line(next, waiting);
    }
    this.#forget(key, lane);
  }

  /** Puts a lane in line for its turn, or takes it out. */
  #line(key: string, lane: Lane): void {
    if (lane.waiting.size > 0 && lane.running < this.#bounds.perKey) this.#ready.add(key);
    else this.#ready.delete(key);
  }

  #forget(key: string, lane: Lane): void {
    if (lane.running === 0 && lane.waiting.size === 0) this.#lanes.delete(key);
  }
}
