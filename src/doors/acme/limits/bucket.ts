/**
 * A rate limit as a bucket (GCRA): of a key is stored only its theoretical arrival time, the moment at which it has all of its allowance
 * again. A request is in time when that moment is no further away than the slack, and then moves it by its cost. Pure.
 */
import type { Rate } from '../../../config/directory-settings.ts';

export interface Bucket {
  /** Unique in the realm. */
  readonly key: string;
  /** What one request moves the bucket by, ms. */
  readonly cost: number;
  /** How far ahead of now the bucket may be for a request to be in time, ms. */
  readonly slack: number;
  /** Whether a renewal costs nothing here. */
  readonly sparesRenewals: boolean;
  /** What was too much, and the limit: `new orders by this account: 300 in 3h are allowed`. */
  readonly what: string;
}

export function bucketOf(key: string, { count, periodMs }: Rate, what: string, sparesRenewals = false): Bucket {
  const cost = Math.ceil(periodMs / count);
  return { key, cost, slack: periodMs - cost, sparesRenewals, what: `${what}: ${count} in ${periodText(periodMs)} ${count === 1 ? 'is' : 'are'} allowed` };
}

/** When the next request is in time, ms UTC; undefined when it is now. */
export const nextAt = ({ slack }: Bucket, tat: number, now: number): number | undefined => (tat <= now + slack ? undefined : tat - slack);

const UNITS = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const;

function periodText(ms: number): string {
  const [unit, size] = UNITS.find(([, length]) => ms % length === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}
