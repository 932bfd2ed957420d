/**
 * Runs validations. An attempt is a row with a lease: when its front dies, or puts it back for another try, whichever front comes
 * first takes it over, and of two that think they hold it only one can record an outcome.
 *
 * A try that failed for reasons of ours is repeated for as long as the authorization waits (I8). One that could not reach the client's
 * host or zone is repeated as often as the configuration says, for it may not be up yet. A wrong answer is final at once.
 */
import type { Clock } from '../../../clock.ts';
import type { DialledChallenge, Generation } from '../../../config/generation.ts';
import type { Database, Write } from '../../../database/database.ts';
import type { Random } from '../../../database/public-id.ts';
import * as events from '../../../telemetry/events.ts';
import type { ValidationResult, Validator } from '../../../validation/index.ts';
import { type Authorization, authorizationExpires } from '../authorization.ts';
import { type Attempt, keyAuthorization } from '../challenge.ts';
import { caaApplies } from '../caa.ts';
import { type Flight, problemFrom, recorded } from './flight.ts';
import { outcomeOf } from '../limits/limits.ts';
import type { Problem, ProblemType } from '../problem.ts';
import { type Site, siteOf } from '../site.ts';
import { beginAttempt, type DueAttempt, dueAttempts, endAttempt, hastenAttempt, putBackAttempt, takeAttempt } from './store.ts';
import { accountUrls } from '../wire.ts';

export interface AttemptParts {
  readonly database: Database;
  readonly validator: Validator;
  readonly clock: Clock;
  readonly frontId: string;
  readonly random: Random;
  readonly generation: () => Generation;
  /** Tests kill the process here. */
  readonly reached: (step: 'attempt-begun' | 'attempt-validated' | 'attempt-ended') => void;
}

/** How much one run of the job takes over, and how much runs here before it takes no more. */
const MAX_TAKEN = 250;
const MAX_RUNNING = 2000;
/** Longer than any try may take, by a margin for a database that is slow to hear of its outcome. */
const LEASE_MARGIN_MS = 20_000;
/** Between tries that failed for reasons of ours, or of a resolver's, which a client may have a hand in: twice as long each time. */
const TRANSIENT_SPACING_MS = { first: 2_000, most: 60_000 };
/** A host that is not there yet may still come up; a host that gave a wrong answer has answered. */
const WORTH_ANOTHER_TRY: ReadonlySet<ProblemType> = new Set(['connection', 'dns']);

export class Attempts implements AsyncDisposable {
  readonly #parts: AttemptParts;
  readonly #running = new Set<Promise<Attempt | undefined>>();
  readonly #closing = new AbortController();

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /** Aborted when these are disposed of. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Begins the one attempt of an authorization. Undefined when it had one already; else `outcome` resolves when this try is over,
   * to the attempt as it then stands.
   */
  async begin(
    site: Site, authorization: Authorization, type: DialledChallenge, thumbprint: string,
  ): Promise<{ outcome: Promise<Attempt | undefined> } | undefined> {
    const { database, clock, frontId } = this.#parts;
    const now = clock.now();
    const attempt = firstTry(site, authorization, type, thumbprint);
    if (!(await beginAttempt(database, attempt, frontId, now, this.#leaseFrom(now)))) return undefined;
    this.#parts.reached('attempt-begun');
    return { outcome: this.#track(attempt) };
  }

  /** A try that is due later is made at once, because the client says so. Undefined when one is under way, or when there are no more. */
  async hasten(
    site: Site, authorization: Authorization, attempt: Attempt, thumbprint: string,
  ): Promise<{ outcome: Promise<Attempt | undefined> } | undefined> {
    const { database, clock, frontId, generation } = this.#parts;
    if (attempt.tries >= generation().validation.attempts) return undefined;
    const waiting = { ...firstTry(site, authorization, attempt.type as DialledChallenge, thumbprint), tries: attempt.tries, flights: attempt.flights };
    const taken = await hastenAttempt(database, waiting, frontId, this.#leaseFrom(clock.now()));
    return taken && { outcome: this.#track(taken) };
  }

  /**
   * For a job on every front, every few seconds: takes over what is due, as much as there is room for, accounts in turn. Resolves when it
   * has begun; what hangs would else hold up what is due next.
   */
  async resume(): Promise<{ readonly taken: number; readonly over: Promise<unknown> }> {
    const { database, clock, frontId } = this.#parts;
    const room = Math.min(MAX_TAKEN, MAX_RUNNING - this.#running.size);
    const due = this.#closing.signal.aborted || room <= 0 ? [] : inTurn(await dueAttempts(database, clock.now())).slice(0, room);
    const tries = await Promise.all(due.map(async (attempt) => {
      const now = clock.now();
      const taken = await takeAttempt(database, attempt, frontId, now, this.#leaseFrom(now));
      return taken === undefined ? [] : [this.#track(taken)];
    }));
    const taken = tries.flat();
    return { taken: taken.length, over: Promise.all(taken) };
  }

  /** Breaks off what is running and puts it back, for another front or the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running);
  }

  #leaseFrom(now: number): number {
    return now + this.#parts.generation().validation.totalTimeoutMs + LEASE_MARGIN_MS;
  }

  #track(attempt: DueAttempt): Promise<Attempt | undefined> {
    const work = this.#try(attempt).catch((error: unknown) => {
      events.faultCaught({ where: 'challenge attempt', error }); // its lease runs out, and it is tried again
      return undefined;
    });
    this.#running.add(work);
    void work.then(() => this.#running.delete(work));
    return work;
  }

  /** One try, and what comes of it. */
  async #try(attempt: DueAttempt): Promise<Attempt | undefined> {
    const { clock, database, frontId } = this.#parts;
    const started = clock.now();
    const result = await this.#validate(attempt);
    this.#parts.reached('attempt-validated');
    const now = clock.now();
    const told = { type: attempt.type, ms: now - started };

    if (result.ok) {
      const validUntil = this.#validUntil(attempt, now);
      const { evidence } = result;
      const { flights } = attempt;
      if (!(await endAttempt(database, attempt, frontId, { state: 'valid', flights, evidence, finished: now, validUntil }, this.#leaves(attempt, 'valid', now)))) return undefined;
      this.#parts.reached('attempt-ended');
      events.challengeEnded({ ...told, outcome: 'valid' });
      return { type: attempt.type, state: 'valid', tries: attempt.tries, error: undefined, flights, evidence, finished: now, validUntil };
    }

    const { problem, detail, evidence } = result;
    const flights = recorded(attempt.flights, { number: attempt.tries, problem, detail, evidence });
    const error = problemFrom(flights, attempt.name);
    const due = this.#nextTry(attempt, result, now);
    if (due !== undefined) {
      if (!(await putBackAttempt(database, attempt, frontId, due, error, flights))) return undefined;
      events.challengeEnded({ ...told, outcome: 'retry', problem: result.problem });
      return running(attempt, error, flights);
    }
    const ended = { state: 'invalid', error, flights, evidence, finished: now, validUntil: undefined } as const;
    // What was no answer of the client's host to the end counts for nothing against it.
    const leaves = result.transient ? [] : this.#leaves(attempt, 'invalid', now);
    if (!(await endAttempt(database, attempt, frontId, ended, leaves))) return undefined;
    this.#parts.reached('attempt-ended');
    events.challengeEnded({ ...told, outcome: 'invalid', problem: result.problem });
    return { type: attempt.type, state: 'invalid', tries: attempt.tries, error, flights, evidence, finished: now, validUntil: undefined };
  }

  async #validate(attempt: DueAttempt): Promise<ValidationResult> {
    const { type, name, wildcard, subdomains, token, thumbprint } = attempt;
    const started = this.#parts.clock.now();
    const site = siteOf(this.#parts.generation(), attempt.directory);
    const ours = (detail: string): ValidationResult => ({ ok: false, transient: true, problem: 'connection', detail, evidence: { type, at: started, ms: 0 } });
    // Another front has a configuration with it, older or newer than ours.
    if (site === undefined) return ours('This server does not have the directory now. It will try again.');
    try {
      return await this.#parts.validator.validate({
        type, name, wildcard, subdomains, token, keyAuthorization: keyAuthorization(token, thumbprint), signal: this.#closing.signal,
        accountUrls: accountUrls(site, attempt.account), issuers: site.directory.caaIdentities,
        caa: caaApplies(this.#parts.generation(), site.directory, name),
      });
    } catch (error) {
      if (!this.#closing.signal.aborted) events.faultCaught({ where: 'validator', error });
      return ours('This server failed. It will try again.');
    }
  }

  /** When to try again, ms UTC; undefined when it is over, as it is when the authorization does not wait so long. */
  #nextTry({ tries, expires }: DueAttempt, result: ValidationResult & { ok: false }, now: number): number | undefined {
    const { attempts, attemptSpacingMs } = this.#parts.generation().validation;
    if (this.#closing.signal.aborted) return now;
    const { first, most } = TRANSIENT_SPACING_MS;
    const isWorthIt = result.transient || (WORTH_ANOTHER_TRY.has(result.problem) && tries < attempts);
    const due = now + (result.transient ? Math.min(first * 2 ** (tries - 1), most) : attemptSpacingMs);
    return isWorthIt && due < expires ? due : undefined;
  }

  #leaves(attempt: DueAttempt, outcome: 'valid' | 'invalid', now: number): Write[] {
    const { generation, random } = this.#parts;
    return outcomeOf(generation().directories.get(attempt.directory), attempt, outcome, now, random);
  }

  /** A proof outlives the orders that wait for it (their expiry is at most the pending authorization's). */
  #validUntil({ directory, expires }: DueAttempt, now: number): number {
    const lifetime = this.#parts.generation().directories.get(directory)?.limits.validAuthorizationLifetimeMs ?? 0;
    return Math.max(expires, now + lifetime);
  }
}

/** The first of each account, then the second of each …; whoever has hundreds waits behind whoever has one. */
function inTurn(due: readonly DueAttempt[]): DueAttempt[] {
  const turns = new Map<string, number>();
  return due
    .map((attempt) => {
      const turn = turns.get(attempt.account) ?? 0;
      turns.set(attempt.account, turn + 1);
      return { attempt, turn };
    })
    .sort((a, b) => a.turn - b.turn)
    .map(({ attempt }) => attempt);
}

const running = ({ type, tries }: DueAttempt, error: Problem, flights: readonly Flight[]): Attempt =>
  ({ type, state: 'running', tries, error, flights, evidence: undefined, finished: undefined, validUntil: undefined });

const firstTry = (site: Site, authorization: Authorization, type: DialledChallenge, thumbprint: string): DueAttempt => ({
  authorization: authorization.id, realm: site.realm, directory: site.directory.name, account: authorization.account,
  type, thumbprint, tries: 1, flights: [], token: authorization.token,
  name: authorization.identifier as DueAttempt['name'], // devices have a challenge of their own
  wildcard: authorization.wildcard, subdomains: authorization.subdomains,
  expires: authorizationExpires(authorization),
});
