/** CAA at this door (RFC 8659): for which names it is asked, and asked again before a certificate is made. */
import type { Directory, Generation } from '../../config/generation.ts';
import type { Evidence } from '../../validation/index.ts';
import { authorizationFor } from './authorization.ts';
import type { Acme, ByAccount } from './handler.ts';
import type { Identifier } from './identifier.ts';
import { AcmeError, type Fault, several } from './problem.ts';
import { accountUrls } from './wire.ts';

/** What CAA said counts for eight hours (RFC 8659 §4 leaves it to policy; this is what public CAs are held to). */
const COUNTS_MS = 8 * 3_600_000;
const TRY_AGAIN_S = 5;

/** Never for addresses: CAA is about domains (RFC 8738 §5 leaves them out). Private zones have no owner but the operator. */
export function caaApplies({ validation }: Generation, { caa }: Directory, { type, value }: Identifier): boolean {
  if (caa === 'off' || type !== 'dns') return false;
  return caa === 'all' || !validation.privateZones.some((zone) => value === zone || value.endsWith(`.${zone}`));
}

export type CaaParts = Pick<Acme, 'clock' | 'generation' | 'validator' | 'closing'>;

/** For the evidence: what was found now, for one name. */
export interface Rechecked {
  readonly name: string;
  readonly caa: Evidence['caa'];
}

/**
 * Asks again for each name whose last answer is older than eight hours, or was for its parent. Costs nothing where CAA is off.
 * Throws AcmeError when a name is denied (403, naming each), or cannot be looked up now (503: the order stays ready).
 */
export async function recheckCaa(
  acme: CaaParts, { site, account, about: order }: Pick<ByAccount<'order'>, 'site' | 'account' | 'about'>,
): Promise<Rechecked[]> {
  const now = acme.clock.now();
  const generation = acme.generation();
  const stale = order.identifiers.filter((identifier) => caaApplies(generation, site.directory, identifier) && !isFresh(order, identifier, now));
  const answers = await Promise.all(stale.map(async (identifier) => {
    const { name, wildcard } = spelledOut(identifier);
    const method = authorizationFor(order.authorizations, identifier)?.attempt?.type;
    if (method === undefined || method === 'device-attest-01') throw new Error('an order is ready without a proof');
    const question = { name, wildcard, method, issuers: site.directory.caaIdentities, accountUrls: accountUrls(site, account.id) };
    return { identifier, answer: await acme.validator.checkCaa(question, acme.closing) };
  }));
  const faults = answers.flatMap(({ identifier, answer }): (Fault & { transient: boolean })[] =>
    answer.ok ? [] : [{ type: answer.problem, detail: answer.detail, identifier, transient: answer.transient }]);
  const denied = faults.filter(({ transient }) => !transient);
  if (denied.length > 0) throw several(denied);
  const [unknown] = faults;
  if (unknown !== undefined) {
    throw new AcmeError('dns', `${unknown.detail} The order stays ready: try again.`, { status: 503, headers: { 'Retry-After': String(TRY_AGAIN_S) } });
  }
  return answers.map(({ identifier, answer }) => ({ name: identifier.value, caa: answer.evidence.caa }));
}

function isFresh(order: ByAccount<'order'>['about'], identifier: Identifier, now: number): boolean {
  const authorization = authorizationFor(order.authorizations, identifier);
  if (authorization === undefined) return false;
  const { name, wildcard } = spelledOut(identifier);
  if (authorization.identifier.value !== name || authorization.wildcard !== wildcard) return false; // it was asked for the parent
  const caa = (authorization.attempt?.evidence as Evidence | undefined)?.caa;
  return caa !== undefined && now - caa.at <= COUNTS_MS && caa.at <= now;
}

function spelledOut({ value }: Identifier): { name: string; wildcard: boolean } {
  const wildcard = value.startsWith('*.');
  return { name: wildcard ? value.slice(2) : value, wildcard };
}
