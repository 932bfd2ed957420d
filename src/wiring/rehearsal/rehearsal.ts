/**
 * Rehearsal: this CA behaves like Pebble at its worst, so that people see whether their clients keep to RFC 8555 where nothing goes
 * smoothly. All of it is allowed by the RFC, and what is issued is issued as ever. It stands around the parts of a front, which know
 * nothing of it, and it is never in production.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { Generation, Listen } from '../../config/generation.ts';
import type { Door } from '../../http/route.ts';
import type { Validator } from '../../validation/index.ts';
import { AuthorityFault } from '../authority.ts';
import { atPort, withoutReuse } from './directories.ts';
import { fickle, type PlainNonces } from './nonces.ts';
import { unsettled } from './replies.ts';

/** Shares are 0 (never) to 1 (always). */
export interface RehearsalSettings {
  readonly acmePort: number;
  readonly managementPort: number;
  /** Of good nonces, so many are turned away; 0.9 at most. */
  readonly rejectNonces: number;
  /** Of orders, so many may use a proof again. */
  readonly reuseAuthorizations: number;
  /** A validation begins so much later at most, ms. */
  readonly delayValidationsMs: number;
}

/** Those of Pebble, but for the longest delay, which is 15 s there. */
export const REHEARSAL: RehearsalSettings =
  { acmePort: 14_000, managementPort: 15_000, rejectNonces: 0.05, reuseAuthorizations: 0.5, delayValidationsMs: 5_000 };

/** The lease of a validation has this much to spare. */
export const LONGEST_DELAY_MS = 15_000;

export const NOT_IN_PRODUCTION = '--rehearsal: production mode refuses it: good requests are turned away at random, and clients without patience would end '
  + 'without certificates; leave it out, or rehearse on a development server';

/** What stands in place of, or around, each part of a front. */
export interface Around {
  readonly nonces: PlainNonces;
  /** The configuration as the ACME door is to know it. */
  generation(current: () => Generation): () => Generation;
  validator(validator: Validator): Validator;
  door(door: Door): Door;
  /** Where the door listens. */
  listen(generation: Generation): Listen;
  /** Where Pebble has its management interface; undefined when there is none. */
  management(generation: Generation): Listen | undefined;
}

/** No rehearsal: every part is itself. */
export const untouched = (nonces: PlainNonces): Around => ({
  nonces, generation: (current) => current, validator: (validator) => validator, door: (door) => door,
  listen: ({ listeners }) => listeners.acme, management: () => undefined,
});

/** `chance` gives a number from 0 to 1, another one each time. */
export function rehearsal(settings: RehearsalSettings, parts: { readonly nonces: PlainNonces; readonly chance: () => number; readonly clock: Clock }): Around {
  const { acmePort, managementPort, rejectNonces, reuseAuthorizations, delayValidationsMs } = settings;
  const { chance, clock } = parts;
  const nonces = fickle(parts.nonces, rejectNonces);
  const moved = atPort(acmePort);
  return {
    nonces,
    generation: (current) => () => (chance() < reuseAuthorizations ? moved(current()) : withoutReuse(moved(current()))),
    validator: (validator) => ({
      async validate(input) {
        await sleep(chance() * delayValidationsMs, undefined, { signal: input.signal }).catch(() => {}); // the validator itself says that it was stopped
        return validator.validate(input);
      },
      checkCaa: (question, signal) => validator.checkCaa(question, signal),
    }),
    door: (door) => unsettled(door, { chance, clock, nonce: nonces.issueReliable }),
    listen: ({ listeners }) => ({ host: listeners.acme.host, port: acmePort }),
    management: ({ listeners }) => ({ host: listeners.acme.host, port: managementPort }),
  };
}

/** Throws AuthorityFault where a rehearsal would meet people who mean it. */
export function refuseInProduction({ mode }: Generation): void {
  if (mode === 'production') throw new AuthorityFault(NOT_IN_PRODUCTION);
}
