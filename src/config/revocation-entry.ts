/** ca.yaml: revocation: how often CRLs are made, how long they are good for, and how long they remember. */
import { z } from 'zod';
import type { FaultsOf } from './fault.ts';
import { type Complete, mapping, parsed } from './schema.ts';
import { duration, durationText } from './values.ts';

/** How CRLs are made. */
export interface RevocationSettings {
  /** A shard is made anew at least so often. */
  readonly crlPeriodMs: number;
  /** From thisUpdate to nextUpdate. */
  readonly crlValidityMs: number;
  /** How long after its expiry a certificate stays listed. */
  readonly lookbackMs: number;
  /** How long caches may keep a CRL. */
  readonly crlMaxAgeMs: number;
  /** Whether our own URLs are fetched as relying parties do. `require`: a new issuer key signs nothing before all of them were reached once. */
  readonly probe: 'off' | 'watch' | 'require';
}

const HOUR_MS = 3_600_000;

const revocationKeys = {
  /** Every shard is made anew at least so often; one that has changed, within a minute. */
  crlPeriod: parsed(duration).prefault('1h'),
  /** From thisUpdate to nextUpdate. */
  crlValidity: parsed(duration).prefault('216h'),
  /** How long after its expiry a certificate stays listed; it is in one CRL after its expiry in any case. */
  lookback: parsed(duration).prefault('24h'),
  /** How long caches may keep a CRL. */
  crlMaxAge: parsed(duration).prefault('10m'),
  /** Whether the URLs in certificates are fetched from here, as relying parties do, every minute. */
  probe: z.enum(['off', 'watch', 'require']).default('watch'),
} as const;

export const revocation = mapping(revocationKeys).prefault({});

/** BR §4.9.7: a CRL every 4 days or more often, good for 10 days at most. */
const LIMITS: readonly { readonly key: Exclude<keyof typeof revocationKeys, 'probe'>; readonly least: number; readonly most: number }[] = [
  { key: 'crlPeriod', least: 60_000, most: 96 * HOUR_MS },
  { key: 'crlValidity', least: HOUR_MS, most: 240 * HOUR_MS },
  { key: 'lookback', least: 60_000, most: 720 * HOUR_MS },
  { key: 'crlMaxAge', least: 1000, most: HOUR_MS },
];

export function checkRevocation(settings: Complete<typeof revocationKeys> | undefined, faults: FaultsOf): void {
  if (settings === undefined) return;
  for (const { key, least, most } of LIMITS) {
    const value = settings[key];
    if (value < least || value > most) faults.add(['revocation', key], `${durationText(value)} is not between ${durationText(least)} and ${durationText(most)}`);
  }
  const { crlPeriod, crlValidity, lookback } = settings;
  if (2 * crlPeriod > crlValidity) faults.add(['revocation', 'crlPeriod'], `${durationText(crlPeriod)} is more than half of crlValidity ${durationText(crlValidity)}`);
  if (lookback < 2 * crlPeriod) faults.add(['revocation', 'lookback'], `${durationText(lookback)} is less than twice crlPeriod ${durationText(crlPeriod)}`);
}

export const revocationOf = ({ crlPeriod, crlValidity, lookback, crlMaxAge, probe }: Complete<typeof revocationKeys>): RevocationSettings =>
  ({ crlPeriodMs: crlPeriod, crlValidityMs: crlValidity, lookbackMs: lookback, crlMaxAgeMs: crlMaxAge, probe });
