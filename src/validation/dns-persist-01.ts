// dns-persist-01 (draft-ietf-acme-dns-persist): the zone holds a TXT record, put there once, that names this CA and the account.
import type { Challenge, Failure, ValidationInput } from './challenge.ts';
import { unauthorized } from './challenge.ts';
import { type IssueValue, parametersOf, parseIssueValue } from './issue-value.ts';
import { excerpt, txtOf } from './txt-proof.ts';

export const dnsPersist01: Challenge = async ({ dialer, clock }, input, call) => {
  if (input.host.kind !== 'name') throw new Error('dns-persist-01 for an address');
  const name = `_validation-persist.${input.host.name}`;
  const found = await txtOf(dialer.resolver, name, call);
  if (!('values' in found)) return found;
  const ours = found.values.map(parseIssueValue).filter((record) => record !== undefined && input.issuers.includes(record.issuer));
  if (ours.length === 0) {
    return unauthorized(`${name} has no record for ${input.issuers.join(' or ')}${excerpt(found)}.`);
  }
  // One that fits is enough, whatever else stands there.
  const faults = ours.map((record) => persistFault(record as IssueValue, input, clock.now()));
  if (faults.includes(undefined)) return { ok: true };
  const [first] = faults as Fault[];
  return { ok: false, transient: false, problem: first?.problem ?? 'unauthorized', detail: `The record of ${name} ${first?.clause}.` };
};

interface Fault {
  readonly problem: Failure['problem'];
  /** After the words "the record". */
  readonly clause: string;
}

/** Why a record that names this CA does not prove what is asked; undefined when it does. */
export function persistFault(
  record: IssueValue, { accountUrls, wildcard, subdomains }: Pick<ValidationInput, 'accountUrls' | 'wildcard' | 'subdomains'>, now: number,
): Fault | undefined {
  const malformed = (clause: string): Fault => ({ problem: 'malformed', clause });
  for (const tag of ['accounturi', 'policy', 'persistuntil']) {
    if (parametersOf(record, tag).length > 1) return malformed(`has "${tag}" more than once`);
  }
  const [account] = parametersOf(record, 'accounturi');
  const [until] = parametersOf(record, 'persistuntil');
  const [policy] = parametersOf(record, 'policy');
  if (account === undefined) return malformed('has no "accounturi"');
  if (until !== undefined && !/^\d{1,15}$/.test(until)) return malformed('has a "persistUntil" that is no number of seconds');
  if (!accountUrls.includes(account)) return { problem: 'unauthorized', clause: `is for another account than ${accountUrls[0]}` };
  if (until !== undefined && Number(until) * 1000 < now) return { problem: 'unauthorized', clause: 'says "persistUntil", and that is past' };
  if ((wildcard || subdomains) && policy?.toLowerCase() !== 'wildcard') {
    return { problem: 'unauthorized', clause: `has no "policy=wildcard", so it does not speak for ${wildcard ? 'wildcards' : 'names below it'}` };
  }
  return undefined;
}
