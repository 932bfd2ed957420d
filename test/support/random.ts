/** Random numbers that come again: a test prints its seed, and CHANCERY_SEED repeats its choices. */

export interface Dice {
  readonly seed: number;
  /** From 0 to 1, 1 excluded. */
  next(): number;
  /** One of `weights`' keys, as often as its weight says. */
  pick<T extends string>(weights: Readonly<Record<T, number>>): T;
  /** Milliseconds until the next event, when events come independently of each other every `mean` ms. */
  gap(mean: number): number;
}

export function dice(seed = Number(process.env['CHANCERY_SEED'] ?? Math.floor(Math.random() * 2 ** 32))): Dice {
  let state = seed >>> 0;
  // mulberry32: 32 bits of state are plenty for choosing victims.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    seed,
    next,
    pick<T extends string>(weights: Readonly<Record<T, number>>): T {
      const names = Object.keys(weights) as T[];
      let at = next() * names.reduce((sum, name) => sum + weights[name], 0);
      for (const name of names) {
        at -= weights[name];
        if (at < 0) return name;
      }
      return names.at(-1) as T;
    },
    gap: (mean) => -mean * Math.log(1 - next()),
  };
}
