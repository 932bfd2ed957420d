// Does whoever asked control the name? One attempt at one challenge: never a state, never a retry, no database.
import type { Clock } from '../clock.ts';
import { DialFault, type DialFaultKind } from '../dial/dial-fault.ts';
import type { Dialer } from '../dial/dialer.ts';
import type { Call } from '../dial/resolver.ts';
import { newTrail } from '../dial/trail.ts';
import { faultCaught } from '../telemetry/events.ts';
import {
  type Challenge,
  type Failure,
  unauthorized,
  type ValidationInput,
  type ValidationProblem,
  type ValidationResult,
  type Verdict,
} from './challenge.ts';
import { dns01 } from './dns-01.ts';
import { type ChallengeType, type Evidence, evidenceOf } from './evidence.ts';
import { http01 } from './http-01.ts';
import { hostOf } from './target.ts';
import { tlsAlpn01 } from './tls-alpn-01.ts';

export type { ChallengeType, Evidence, ValidationInput, ValidationProblem, ValidationResult };

export interface Validator {
  /** Never rejects: a fault of ours is told to the log, and is a transient failure here. */
  validate(input: ValidationInput): Promise<ValidationResult>;
}

export interface ValidatorConfig {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly http01Port: number;
  readonly tlsAlpn01Port: number;
  /** For one attempt, lookups, redirects and waiting for our own bounds included. */
  readonly totalTimeoutMs: number;
}

const CHALLENGES = {
  'http-01': http01,
  'dns-01': dns01,
  'tls-alpn-01': tlsAlpn01,
} satisfies Record<ChallengeType, Challenge>;

/** RFC 8555 §6.7. Our own faults have a type too: a challenge that is tried again may show it (erratum 5732). */
const PROBLEM = {
  dns: 'dns',
  excluded: 'connection',
  connect: 'connection',
  protocol: 'connection',
  redirect: 'connection',
  tls: 'tls',
  busy: 'connection',
  cancelled: 'connection',
  ours: 'connection',
} as const satisfies Record<DialFaultKind, ValidationProblem>;

export function openValidator(config: ValidatorConfig): Validator {
  return {
    async validate(input) {
      const at = config.clock.now();
      const trail = newTrail();
      const attempt = new AbortController();
      const cancel = () => attempt.abort(new DialFault('cancelled', 'This server stopped before it had an answer.'));
      const timer = setTimeout(() => attempt.abort(tooLong(config.totalTimeoutMs)), config.totalTimeoutMs);
      input.signal.addEventListener('abort', cancel, { once: true });
      if (input.signal.aborted) cancel();
      try {
        const { facts, ...verdict } = await prove(config, input, { signal: attempt.signal, trail });
        return { ...verdict, evidence: evidenceOf(input.type, trail, at, config.clock.now(), facts) };
      } catch (error) {
        return { ...failureOf(error, input.type), evidence: evidenceOf(input.type, trail, at, config.clock.now()) };
      } finally {
        clearTimeout(timer);
        input.signal.removeEventListener('abort', cancel);
      }
    },
  };
}

function failureOf(error: unknown, type: ChallengeType): Failure {
  if (error instanceof DialFault) {
    return { ok: false, transient: error.transient, problem: PROBLEM[error.kind], detail: error.message };
  }
  faultCaught({ where: `validation ${type}`, error });
  return { ok: false, transient: true, problem: 'connection', detail: 'This server failed. It will try again.' };
}

const tooLong = (ms: number): DialFault => new DialFault('connect', `There was no answer within ${ms / 1000} seconds.`);

/** The door offers only what fits. This is the last look before something is asked or dialled. */
async function prove(config: ValidatorConfig, input: ValidationInput, call: Call): Promise<Verdict> {
  const host = hostOf(input.name);
  const fits = input.type === 'dns-01' ? host?.kind === 'name' : !input.wildcard && !input.name.value.startsWith('*.');
  if (host === undefined || !fits) return unauthorized(`${input.type} cannot prove control of this name.`);
  return CHALLENGES[input.type](config, { ...input, host }, call);
}
