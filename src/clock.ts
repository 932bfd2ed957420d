/** Time, as a parameter: only wiring says `systemClock`, so every rule about time can be tested. */

/** Milliseconds since the epoch, UTC. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
