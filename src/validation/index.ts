// Does whoever asked control the name? One attempt at one challenge: never a state, never a retry, no database.
import type { Clock } from '../clock.ts';
import { DialFault, type DialFaultKind } from '../dial/dial-fault.ts';
import type { Dialer } from '../dial/dialer.ts';
import { Gate } from '../dial/gate.ts';
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
import { askCaa, type CaaQuestion } from './caa.ts';
import { dns01 } from './dns-01.ts';
import { dnsAccount01 } from './dns-account-01.ts';
import { dnsPersist01 } from './dns-persist-01.ts';
import { type ChallengeType, type Evidence, evidenceOf } from './evidence.ts';
import { http01 } from './http-01.ts';
import { hostOf } from './target.ts';
import { tlsAlpn01 } from './tls-alpn-01.ts';

export type { CaaQuestion, ChallengeType, Evidence, ValidationInput, ValidationProblem, ValidationResult };

/** Neither rejects: a fault of ours is told to the log, and is a transient failure here. */
export interface Validator {
  validate(input: ValidationInput): Promise<ValidationResult>;
  /** CAA alone, for a name that was proven some time ago, or by a proof for its parent (RFC 8659 §4). */
  checkCaa(question: CaaQuestion, signal: AbortSignal): Promise<ValidationResult>;
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
  'dns-account-01': dnsAccount01,
  'dns-persist-01': dnsPersist01,
} satisfies Record<ChallengeType, Challenge>;

// One account takes at most a quarter of all places, so that whoever brings hundreds of hosts that hang slows down nobody else. It is
// less than there are places for lookups and connections (dialer.ts), for every one of its hosts may have an address and a zone of its own.
const ATTEMPTS = { total: 2048, perKey: 512, waiting: 16_384, waitingPerKey: 4096, waitMs: 5000 };

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
  const { clock, totalTimeoutMs } = config;
  const gate = new Gate(ATTEMPTS);

  /** Deadline, record and the end of `work`, whatever that is. The deadline runs from when there is a place for it. */
  async function attempt(type: ChallengeType, account: string, signal: AbortSignal, work: (call: Call) => Promise<Verdict>): Promise<ValidationResult> {
    let at = clock.now();
    const trail = newTrail(clock.now);
    const limit = new AbortController();
    const cancel = () => limit.abort(new DialFault('cancelled', 'This server stopped before it had an answer.'));
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    let leave = () => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      leave = await gate.enter(account, limit.signal);
      at = clock.now();
      timer = setTimeout(() => limit.abort(tooLong(totalTimeoutMs)), totalTimeoutMs);
      const { facts, ...verdict } = await work({ signal: limit.signal, trail });
      return { ...verdict, evidence: evidenceOf(type, trail, at, clock.now(), facts) };
    } catch (error) {
      return { ...failureOf(error, type), evidence: evidenceOf(type, trail, at, clock.now()) };
    } finally {
      clearTimeout(timer);
      leave();
      signal.removeEventListener('abort', cancel);
    }
  }

  const caaVerdict = async (question: CaaQuestion, call: Call): Promise<Verdict> => {
    const at = clock.now();
    const { found, fault } = await askCaa(config.dialer.resolver, question, call);
    const facts = { caa: { ...found, at } };
    return fault === undefined ? { ok: true, facts } : { ok: false, transient: false, problem: 'caa', detail: `CAA does not allow it: ${fault}.`, facts };
  };

  return {
    validate: (input) =>
      attempt(input.type, input.accountUrls[0] ?? '', input.signal, async (call) => {
        const verdict = await prove(config, input, call);
        if (!verdict.ok || !input.caa || input.name.type !== 'dns') return verdict;
        const { type: method, wildcard, issuers, accountUrls } = input;
        const caa = await caaVerdict({ name: input.name.value.replace(/^\*\./, '').toLowerCase(), wildcard, method, issuers, accountUrls }, call);
        return { ...caa, facts: { ...verdict.facts, ...caa.facts } };
      }),
    checkCaa: (question, signal) =>
      attempt(question.method, question.accountUrls[0] ?? '', signal, (call) => caaVerdict(question, call)),
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
  const byDns = input.type.startsWith('dns-');
  const fits = byDns ? host?.kind === 'name' : !input.wildcard && !input.subdomains && !input.name.value.startsWith('*.');
  if (host === undefined || !fits) return unauthorized(`${input.type} cannot prove control of this name.`);
  return CHALLENGES[input.type](config, { ...input, host }, call);
}
