/** The flight recorder: what each try of an attempt asked, dialled and heard, within bounds; and how much of it the client is told. */
import type { Evidence } from '../../../validation/index.ts';
import type { Identifier } from '../identifier.ts';
import { type Problem, type ProblemType, problemOf } from '../problem.ts';
import { formatTime } from '../time.ts';

/** One try that failed. */
export interface Flight {
  /** 1 for the first. */
  readonly number: number;
  readonly problem: ProblemType;
  readonly detail: string;
  readonly evidence: Evidence;
}

const KEPT = 4;
const MAX_BYTES = 8192;

/** The tries so far and this one: the newest four at most, and 8 KiB at most. */
export function recorded(before: readonly Flight[], flight: Flight): readonly Flight[] {
  let kept = [...before, flight].slice(-KEPT);
  while (kept.length > 1 && Buffer.byteLength(JSON.stringify(kept)) > MAX_BYTES) kept = kept.slice(1);
  return kept;
}

/** RFC 8555 §6.7: why it failed, and in the subproblems what was seen in each try. */
export function problemFrom(flights: readonly Flight[], identifier: Identifier): Problem {
  const last = flights.at(-1);
  if (last === undefined) throw new Error('no try to tell of');
  const told = flights.map((flight) => ({ flight, seen: seenIn(flight.evidence) }));
  const base = problemOf(last.problem, last.detail);
  if (flights.length === 1 && told[0]?.seen.length === 0) return base;
  return {
    ...base,
    subproblems: told.map(({ flight: { number, problem, detail, evidence }, seen }) => {
      const when = `Try ${number} at ${formatTime(evidence.at)}, ${evidence.ms} ms`;
      return { ...problemOf(problem, `${when}: ${[...seen, detail].join('; ')}`), identifier };
    }),
  };
}

/**
 * What was seen, as clauses. Nothing where a target was excluded, and nothing that a record behind a CNAME says: either could be used
 * to read out a network that only this server sees (RFC 8555 §10.4). The excerpt of an answer is told in the detail, if at all.
 */
function seenIn({ lookups = [], dials, address, redirects = [], status, tlsVersion, caa }: Evidence): string[] {
  if (dials?.some(({ outcome }) => outcome === 'excluded')) return [];
  const connections = dials ?? (address === undefined ? [] : [{ address, port: undefined, outcome: 'connected' }]);
  return [
    ...lookups.map(({ type, name, resolver, outcome, answers = [], aliases }) => {
      const values = outcome !== 'found' || aliases !== undefined ? outcome : answers.join(', ');
      return `${type} of ${name}: ${values}${resolver === undefined ? '' : ` (from ${resolver})`}`;
    }),
    ...connections.map((dial) => `${dial.outcome === 'connected' ? 'connected to' : 'no connection to'} ${dial.address}${dial.port === undefined ? '' : ` port ${dial.port}`}`),
    ...redirects.map((url) => `redirected to ${url}`),
    ...(status === undefined ? [] : [`status ${status}`]),
    ...(tlsVersion === undefined ? [] : [tlsVersion]),
    ...(caa === undefined ? [] : [caa.domain === undefined ? 'no CAA records' : `CAA records at ${caa.domain}`]),
  ];
}
