/** `rateLimits` of a directory: how much of what, and for whom the limit counts. What is left out has no limit. */
import { z } from 'zod';
import type { Rate, RateLimits } from './directory-settings.ts';
import { shown } from './fault.ts';
import { mapping, parsed, Unfit } from './schema.ts';
import { duration } from './values.ts';

/** `300/3h`. */
function rate(text: string): Rate {
  const [, count = '', period = ''] = /^([1-9][0-9]{0,8})\/(.+)$/.exec(text) ?? [];
  if (count === '') throw new Unfit(`${shown(text)} is not like 300/3h`);
  const periodMs = duration(period);
  if (Number(count) > periodMs) throw new Unfit(`${shown(text)} is more than one in a millisecond`);
  return { count: Number(count), periodMs };
}

export const rateLimits = mapping({
  accountsPerAddress: parsed(rate).optional(),
  ordersPerAccount: parsed(rate).optional(),
  ordersPerSuffix: parsed(rate).optional(),
  suffixLabels: z.int().min(1).max(10).default(2),
  ordersPerNameSet: parsed(rate).optional(),
  failuresPerName: parsed(rate).optional(),
  pauseAfter: z.int().min(1).max(1_000_000).optional(),
});

/** Without the members that are not there. */
export const rateLimitsOf = (read: z.output<typeof rateLimits>): RateLimits =>
  Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined)) as unknown as RateLimits;
