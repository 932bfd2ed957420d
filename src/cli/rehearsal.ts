/** `--rehearsal` and what goes with it, for the commands that run a front. */
import type { Generation } from '../config/generation.ts';
import { duration } from '../config/values.ts';
import { LONGEST_DELAY_MS, NOT_IN_PRODUCTION, REHEARSAL, type RehearsalSettings } from '../wiring/rehearsal/rehearsal.ts';
import { Mistake } from './command.ts';

export const REHEARSAL_OPTIONS = {
  rehearsal: { type: 'boolean', default: false },
  'acme-port': { type: 'string' },
  'management-port': { type: 'string' },
  'reject-nonces': { type: 'string' },
  'reuse-authorizations': { type: 'string' },
  'delay-validations': { type: 'string' },
} as const;

export const REHEARSAL_HELP = `  --rehearsal                    make things hard for ACME clients, as Pebble does: see docs/acme.md; never in production mode
  --acme-port PORT               where the rehearsal is, as https://localhost:PORT/dir (14000)
  --management-port PORT         where its root and intermediate are: /roots/0, /intermediates/0 (15000)
  --reject-nonces PERCENT        of requests that are turned away with badNonce (5)
  --reuse-authorizations PERCENT of orders that may use an earlier proof (50)
  --delay-validations DURATION   at most, before a challenge is looked at (5s; 15s is the longest)`;

type Values = { readonly rehearsal: boolean } & { readonly [name in Exclude<keyof typeof REHEARSAL_OPTIONS, 'rehearsal'>]?: string | undefined };

/** Undefined without --rehearsal. Throws Mistake for an option that does not fit, and in production mode. */
export function readRehearsal(values: Values, generation: Generation): RehearsalSettings | undefined {
  const { rehearsal, ...details } = values;
  if (!rehearsal) {
    const [stray] = Object.keys(REHEARSAL_OPTIONS).filter((name) => details[name as keyof typeof details] !== undefined);
    if (stray !== undefined) throw new Mistake(`--${stray} is part of a rehearsal: add --rehearsal`);
    return undefined;
  }
  if (generation.mode === 'production') throw new Mistake(NOT_IN_PRODUCTION);
  const given = <T>(name: keyof typeof details, read: (text: string) => T | undefined, otherwise: T, like: string): T => {
    const text = details[name];
    const value = text === undefined ? otherwise : read(text);
    if (value === undefined) throw new Mistake(`--${name}: "${text}" is not ${like}`);
    return value;
  };
  return {
    acmePort: given('acme-port', port, REHEARSAL.acmePort, 'a port, 1 to 65535'),
    managementPort: given('management-port', port, REHEARSAL.managementPort, 'a port, 1 to 65535'),
    rejectNonces: given('reject-nonces', (text) => percent(text, 90), REHEARSAL.rejectNonces, 'a percentage, 0 to 90'),
    reuseAuthorizations: given('reuse-authorizations', (text) => percent(text, 100), REHEARSAL.reuseAuthorizations, 'a percentage, 0 to 100'),
    delayValidationsMs: given('delay-validations', delay, REHEARSAL.delayValidationsMs, 'a duration like 0s or 5s, at most 15s'),
  };
}

const whole = (text: string, from: number, to: number): number | undefined =>
  (/^\d{1,5}$/.test(text) && Number(text) >= from && Number(text) <= to ? Number(text) : undefined);
const port = (text: string): number | undefined => whole(text, 1, 65_535);

function percent(text: string, most: number): number | undefined {
  const number = whole(text.replace(/%$/, ''), 0, most);
  return number === undefined ? undefined : number / 100;
}

function delay(text: string): number | undefined {
  if (/^0(ms|s)?$/.test(text)) return 0;
  try {
    const ms = duration(text);
    return ms <= LONGEST_DELAY_MS ? ms : undefined;
  } catch {
    return undefined; // told with the option's name
  }
}
