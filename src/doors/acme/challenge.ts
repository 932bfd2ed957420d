/** What a challenge is, and its state as a function of the one attempt of its authorization (RFC 8555 §7.1.5, §7.1.6, §8). */
import type { ChallengeType } from '../../config/generation.ts';
import type { Authorization } from './authorization.ts';
import type { Flight } from './attempts/flight.ts';
import type { Problem } from './problem.ts';

/** One answer to one challenge, from the client's POST to its end; it may take several tries. */
export interface Attempt {
  readonly type: ChallengeType;
  readonly state: 'running' | 'valid' | 'invalid';
  readonly tries: number;
  /** Of the last try that failed. */
  readonly error: Problem | undefined;
  /** The newest tries that failed. */
  readonly flights: readonly Flight[];
  /** What the validator saw, for the record. */
  readonly evidence: unknown;
  /** When it ended, ms UTC. */
  readonly finished: number | undefined;
  /** How long the proof counts, when it ended well. */
  readonly validUntil: number | undefined;
}

export type ChallengeStatus = 'pending' | 'processing' | 'valid' | 'invalid';

const STATUS = { running: 'processing', valid: 'valid', invalid: 'invalid' } as const;

export const challengeStatus = ({ attempt }: Authorization, type: ChallengeType): ChallengeStatus =>
  attempt?.type === type ? STATUS[attempt.state] : 'pending';

/** RFC 8555 §7.1.4: once decided, the challenge that decided it; until then, all that may be tried. */
export const challengesShown = ({ attempt, challenges }: Authorization): readonly ChallengeType[] =>
  attempt === undefined || attempt.state === 'running' ? challenges : [attempt.type];

/** RFC 8555 §8.1: the token and the thumbprint of the account key. */
export const keyAuthorization = (token: string, thumbprint: string): string => `${token}.${thumbprint}`;
