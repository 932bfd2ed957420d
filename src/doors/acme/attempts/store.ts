/** SQL of attempts: begun once for an authorization, leased to a front while they run, ended once. Each change is one commit. */
import type { DialledChallenge } from '../../../config/generation.ts';
import type { Database, Write } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import { proofKey } from '../authorization.ts';
import type { Problem } from '../problem.ts';
import type { Flight } from './flight.ts';

/** An attempt that some front is to run: the row as it was taken. */
export interface DueAttempt {
  readonly authorization: string;
  readonly realm: string;
  readonly directory: string;
  readonly type: DialledChallenge;
  readonly thumbprint: string;
  readonly tries: number;
  readonly token: string;
  readonly name: { readonly type: 'dns' | 'ip'; readonly value: string };
  readonly account: string;
  readonly wildcard: boolean;
  readonly subdomains: boolean;
  readonly flights: readonly Flight[];
  /** Until when the authorization waits; trying later is of no use. */
  readonly expires: number;
}

const insertAttempt = statement((k, p) =>
  k('acme_attempt').insert({
    authorization: p('authorization'), realm: p('realm'), type: p('type'), thumbprint: p('thumbprint'), state: 'running', tries: 1,
    holder: p('holder'), lease_expires: p('lease_expires'), created: p('created'), proves: p('proves'),
  }));

const endRunning = statement((k, p) =>
  k('acme_attempt').where({ authorization: p('authorization'), state: 'running', holder: p('holder'), tries: p('tries') })
    .update({ state: p('state'), error: p('error'), flights: p('flights'), evidence: p('evidence'), finished: p('finished'), valid_until: p('valid_until'), holder: null }));

const putBack = statement((k, p) =>
  k('acme_attempt').where({ authorization: p('authorization'), state: 'running', holder: p('holder'), tries: p('tries') })
    .update({ holder: null, lease_expires: p('due'), error: p('error'), flights: p('flights') }));

const takeOver = statement((k, p) =>
  k('acme_attempt').where({ authorization: p('authorization'), state: 'running', tries: p('from_tries') })
    .where('lease_expires', '<=', p('now'))
    .update({ holder: p('holder'), lease_expires: p('lease_expires'), tries: p('tries') }));

const takeWaiting = statement((k, p) =>
  k('acme_attempt').where({ authorization: p('authorization'), state: 'running', tries: p('from_tries') }).whereNull('holder')
    .update({ holder: p('holder'), lease_expires: p('lease_expires'), tries: p('tries'), thumbprint: p('thumbprint') }));

const findDue = statement((k, p) =>
  k('acme_attempt as t').join('acme_authorization as z', 'z.id', 't.authorization')
    .select('t.authorization', 't.realm', 't.type as attempt_type', 't.thumbprint', 't.tries', 't.flights')
    .select('z.directory', 'z.account', 'z.token', 'z.type', 'z.value', 'z.wildcard', 'z.subdomains', 'z.expires')
    // In so many words, as in the index: SQLite does not see that a bound value is the index's own.
    .whereRaw("t.state = 'running'").where('t.lease_expires', '<=', p('now')).orderBy('t.lease_expires').limit(1000));

/** True when this call began it; false when the authorization has an attempt already. */
export const beginAttempt = (
  database: Database, attempt: DueAttempt, holder: string, now: number, leaseExpires: number,
): Promise<boolean> => {
  const { authorization, realm, type, thumbprint } = attempt;
  const proves = proofKey({ ...attempt, identifier: attempt.name });
  return database.commit([{
    statement: insertAttempt, rows: 1,
    values: { authorization, realm, type, thumbprint, holder, lease_expires: leaseExpires, created: now, proves },
  }]);
};

/** True when this call ended it; false when another front had taken it over. */
export const endAttempt = (
  database: Database, attempt: DueAttempt, holder: string,
  outcome: { state: 'valid' | 'invalid'; error?: Problem; flights: readonly Flight[]; evidence: unknown; finished: number; validUntil: number | undefined },
  together: readonly Write[],
): Promise<boolean> =>
  database.commit([...together, {
    statement: endRunning, rows: 1,
    values: {
      authorization: attempt.authorization, holder, tries: attempt.tries, state: outcome.state,
      error: outcome.error === undefined ? null : JSON.stringify(outcome.error), flights: textOf(outcome.flights), evidence: JSON.stringify(outcome.evidence ?? null),
      finished: outcome.finished, valid_until: outcome.validUntil ?? null,
    },
  }]);

/** Leaves it to whoever comes first at `due` (ms UTC); false when another front had taken it over. */
export const putBackAttempt = (
  database: Database, { authorization, tries }: DueAttempt, holder: string, due: number, error: Problem, flights: readonly Flight[],
): Promise<boolean> =>
  database.commit([{
    statement: putBack, rows: 1,
    values: { authorization, holder, tries, due, error: JSON.stringify(error), flights: textOf(flights) },
  }]);

/** As they stand in the column. */
export const flightsIn = (text: string | null): Flight[] => (text === null ? [] : (JSON.parse(text) as Flight[]));

const textOf = (flights: readonly Flight[]): string | null => (flights.length === 0 ? null : JSON.stringify(flights));

/** Up to 1000 attempts whose lease has run out or whose next try is due. */
export async function dueAttempts(database: Database, now: number): Promise<DueAttempt[]> {
  interface Row { authorization: string; realm: string; directory: string; attempt_type: DialledChallenge; thumbprint: string; tries: number;
    flights: string | null; account: string; token: string; type: 'dns' | 'ip'; value: string; wildcard: number; subdomains: number; expires: number }
  const rows = await database.many<Row>(findDue, { now });
  return rows.map((row) => ({
    authorization: row.authorization, realm: row.realm, directory: row.directory, type: row.attempt_type, thumbprint: row.thumbprint, tries: row.tries,
    flights: flightsIn(row.flights), account: row.account, token: row.token, name: { type: row.type, value: row.value },
    wildcard: row.wildcard === 1, subdomains: row.subdomains === 1, expires: row.expires,
  }));
}

/** The attempt as this front now holds it, or undefined when another was faster. */
export async function takeAttempt(
  database: Database, attempt: DueAttempt, holder: string, now: number, leaseExpires: number,
): Promise<DueAttempt | undefined> {
  const tries = attempt.tries + 1;
  const taken = await database.commit([{
    statement: takeOver, rows: 1,
    values: { authorization: attempt.authorization, from_tries: attempt.tries, now, holder, lease_expires: leaseExpires, tries },
  }]);
  return taken ? { ...attempt, tries } : undefined;
}

/** As takeAttempt, for one that waits for its next try, due or not; the proof is then that of the account's present key. */
export async function hastenAttempt(database: Database, attempt: DueAttempt, holder: string, leaseExpires: number): Promise<DueAttempt | undefined> {
  const { authorization, thumbprint } = attempt;
  const tries = attempt.tries + 1;
  const taken = await database.commit([{
    statement: takeWaiting, rows: 1, values: { authorization, from_tries: attempt.tries, holder, lease_expires: leaseExpires, tries, thumbprint },
  }]);
  return taken ? { ...attempt, tries } : undefined;
}
