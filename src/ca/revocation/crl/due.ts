/** When a shard is to be made anew, and what the new CRL says of its time: pure, given the shard's state and the clock. */
import type { RevocationSettings } from '../../../config/revocation-entry.ts';
import type { ShardState } from './store.ts';

/** Clocks of fronts differ by less; a published CRL from further ahead was made by a clock that was wrong. */
const CLOCK_SLACK_MS = 10 * 60_000;

export const believableUntil = (now: number): number => now + CLOCK_SLACK_MS;

/** Missing, changed, under another URL than certificates now name, a period old, or from a future that verifiers would not believe. */
export function isDue(state: ShardState | undefined, url: string, now: number, { crlPeriodMs }: RevocationSettings): boolean {
  if (state === undefined || state.this_update === null || state.changed !== state.built || state.url !== url) return true;
  return now >= state.this_update + crlPeriodMs || state.this_update > believableUntil(now);
}

export interface CrlTimes {
  readonly number: bigint;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** What expires at this time or later is listed. */
  readonly listedFrom: number;
}

/**
 * The number is nanoseconds since 1970, so that builders without a shared counter go up, and above the last one whatever the clock says.
 * thisUpdate does not go back behind that of the published CRL, whose builder's clock may have been a little ahead. An expired certificate
 * stays for the lookback, and at least until a CRL was published after its expiry (BR §4.10.1).
 */
export function timesFor(state: ShardState | undefined, now: number, { crlValidityMs, lookbackMs }: RevocationSettings): CrlTimes {
  const last = BigInt(state?.reserved || 0);
  const current = BigInt(now) * 1_000_000n;
  const published = state?.this_update ?? 0;
  const second = Math.floor(now / 1000) * 1000;
  const thisUpdate = published <= believableUntil(now) ? Math.max(second, published) : second;
  return {
    number: current > last ? current : last + 1n,
    thisUpdate,
    nextUpdate: thisUpdate + crlValidityMs - 1000,
    listedFrom: Math.min(thisUpdate - lookbackMs, published),
  };
}
