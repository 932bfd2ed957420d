/** What a request costs by the directory's `rateLimits`, and what a client is told that asks for too much (RFC 8555 §6.6). */
import { createHash } from 'node:crypto';
import type { Directory } from '../../../config/generation.ts';
import type { Write } from '../../../database/database.ts';
import type { Random } from '../../../database/public-id.ts';
import { ipOctets, ipText, isV4Mapped } from '../../../x509/ip.ts';
import type { Account } from '../account.ts';
import type { Acme } from '../handler.ts';
import type { Identifier } from '../identifier.ts';
import { AcmeError } from '../problem.ts';
import type { Site } from '../site.ts';
import { type Bucket, bucketOf, nextAt } from './bucket.ts';
import { isPausedFor, pausedByOperator } from './pause.ts';
import { arrivalTimes, failed, filled, noted, pausedNames, type Spending, spend, succeeded } from './store.ts';

/** How long it is remembered that an account had a certificate for certain names. */
const MEMORY_MS = 60 * 86_400_000;

type Named = Pick<Identifier, 'type' | 'value'>;

/**
 * What an order costs; undefined where nothing is limited. A renewal (RFC 9773 with no name added, or the same names as in an earlier certificate of
 * the account) counts among orders for the same names only. Throws AcmeError when the operator has paused the account.
 */
export function orderSpending(site: Site, account: Account, identifiers: readonly Named[], isRenewal: boolean): Spending | undefined {
  if (account.paused !== undefined) throw pausedByOperator();
  const { directory, realm } = site;
  const limits = directory.rateLimits;
  if (limits === undefined) return undefined;
  const { ordersPerAccount, ordersPerSuffix, ordersPerNameSet, failuresPerName, pauseAfter, suffixLabels } = limits;
  const key = keysOf(directory);
  const set = setOf(identifiers);
  const names = [...new Set(identifiers.map(nameOf))];
  const suffixes = [...new Set(identifiers.map((identifier) => suffixOf(identifier, suffixLabels)))];
  const spent = [
    ...(ordersPerAccount && !isRenewal ? [bucketOf(key.orders(account.id), ordersPerAccount, 'new orders by this account', true)] : []),
    ...(ordersPerSuffix && !isRenewal ? suffixes.map((suffix) => bucketOf(key.suffix(suffix), ordersPerSuffix, `new orders for names in ${suffix}`, true)) : []),
    ...(ordersPerNameSet ? [bucketOf(key.set(account.id, set), ordersPerNameSet, 'orders by this account for exactly these names')] : []),
  ];
  const watched = failuresPerName ? names.map((name) => bucketOf(key.failures(account.id, name), failuresPerName, `failed validations of ${bare(name)}`)) : [];
  const paused = pauseAfter === undefined ? [] : names;
  if (spent.length === 0 && watched.length === 0 && paused.length === 0) return undefined;
  // Where nothing is spent, a row that costs nothing carries the answer.
  return { realm, account: account.id, spent: spent.length === 0 ? [free(key.orders(account.id))] : spent, watched, names: paused, had: key.had(account.id, set) };
}

const free = (key: string): Bucket => ({ key, cost: 0, slack: 0, sparesRenewals: false, what: '' });

/** What an account costs the address that asks for it; undefined where that is not limited. */
export function accountSpending({ directory, realm }: Site, address: string): Spending | undefined {
  const rate = directory.rateLimits?.accountsPerAddress;
  if (rate === undefined) return undefined;
  const network = networkOf(address);
  const spent = [bucketOf(keysOf(directory).accounts(network), rate, `new accounts from ${network}`)];
  return { realm, account: '', spent, watched: [], names: [], had: '' };
}

export const writesOf = (spending: Spending | undefined, now: number): Write[] => (spending === undefined ? [] : [spend(spending, now)]);

/** Why the commit that was to spend this did not hold; undefined when it was for another reason. */
export async function whyLimited(acme: Pick<Acme, 'database' | 'clock' | 'seal'>, site: Site, spending: Spending | undefined): Promise<AcmeError | undefined> {
  if (spending === undefined) return undefined;
  const { database, clock } = acme;
  const now = clock.now();
  const paused = (await pausedNames(database, spending.account)).filter((name) => spending.names.includes(name));
  if (paused.length > 0) return isPausedFor(acme, site, spending.account, paused.map(bare));
  const buckets = [...spending.spent, ...spending.watched];
  const times = await arrivalTimes(database, spending.realm, [spending.had, ...buckets.map(({ key }) => key)]);
  const isRenewal = (times.get(spending.had) ?? 0) > now;
  const over = buckets.flatMap((bucket) => {
    const at = nextAt(bucket, times.get(bucket.key) ?? 0, now);
    return at === undefined || bucket.cost === 0 || (isRenewal && bucket.sparesRenewals) ? [] : [{ what: bucket.what, at }];
  });
  const latest = over.reduce<(typeof over)[number] | undefined>((a, b) => (a === undefined || b.at > a.at ? b : a), undefined);
  return latest === undefined ? undefined : tooMany(latest.what, latest.at, now);
}

/** It was too much a moment ago, and is not any more. */
export const tryAgain = (): AcmeError => new AcmeError('rateLimited', 'Too many requests at once. Try again.', { headers: { 'Retry-After': '1' } });

/** For `Retry-After`: seconds, for clients misread dates. */
function tooMany(what: string, at: number, now: number): AcmeError {
  const seconds = Math.max(1, Math.ceil((at - now) / 1000));
  return new AcmeError('rateLimited', `Too many ${what}. The next may come at ${new Date(now + seconds * 1000).toISOString()}.`, {
    headers: { 'Retry-After': String(seconds) },
  });
}

/** What an attempt that came to an end leaves, in the commit that ends it. */
export function outcomeOf(
  directory: Directory | undefined, { realm, account, name: identifier }: { realm: string; account: string; name: Named }, outcome: 'valid' | 'invalid', now: number, random: Random,
): Write[] {
  const { failuresPerName, pauseAfter } = directory?.rateLimits ?? {};
  const name = nameOf(identifier);
  if (directory === undefined) return [];
  if (outcome === 'valid') return pauseAfter === undefined ? [] : [succeeded(account, name)];
  return [
    ...(failuresPerName ? [filled(realm, bucketOf(keysOf(directory).failures(account, name), failuresPerName, ''), now)] : []),
    ...(pauseAfter === undefined ? [] : failed(realm, account, name, pauseAfter, now, random)),
  ];
}

/** That the account now has a certificate for these names, where that will spare it something. */
export function hadNames({ directory, realm }: Site, account: string, identifiers: readonly Named[], now: number): Write[] {
  const { ordersPerAccount, ordersPerSuffix } = directory.rateLimits ?? {};
  if (ordersPerAccount === undefined && ordersPerSuffix === undefined) return [];
  return [noted(realm, keysOf(directory).had(account, setOf(identifiers)), now + MEMORY_MS)];
}

/** Keys of one directory's buckets. None can be mistaken for another's: what a client chose stands last. */
const keysOf = ({ name }: Directory) => ({
  accounts: (network: string) => `${name} accounts ${network}`,
  orders: (account: string) => `${name} orders ${account}`,
  suffix: (suffix: string) => `${name} suffix ${suffix}`,
  set: (account: string, set: string) => `${name} set ${account} ${set}`,
  failures: (account: string, identifier: string) => `${name} failures ${account} ${identifier}`,
  had: (account: string, set: string) => `${name} had ${account} ${set}`,
});

/** An authorization of a wildcard is of the name below it, and so are its failures. */
const nameOf = ({ type, value }: Named): string => `${type}:${value.replace(/^\*\./, '')}`;
const bare = (name: string): string => name.slice(name.indexOf(':') + 1);

const setOf = (identifiers: readonly Named[]): string =>
  createHash('sha256').update(identifiers.map(({ type, value }) => `${type}:${value}`).sort().join('\n')).digest('base64url');

const suffixOf = ({ type, value }: Named, labels: number): string =>
  type === 'dns' ? value.replace(/^\*\./, '').split('.').slice(-labels).join('.') : networkOf(value, 24);

/** The /48 of an IPv6 address, for whoever has one has them all; of an IPv4 address as many bits as are said. */
function networkOf(address: string, v4Bits: 24 | 32 = 32): string {
  const given = ipOctets(address);
  if (given === undefined) return address;
  const octets = isV4Mapped(given) ? given.subarray(12) : given;
  const kept = octets.length === 4 ? v4Bits / 8 : 6;
  const text = ipText(octets.map((octet, at) => (at < kept ? octet : 0))) ?? address;
  return kept === octets.length ? text : `${text}/${kept * 8}`;
}
