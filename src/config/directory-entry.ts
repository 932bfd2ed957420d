/** One entry under `directories` in ca.yaml: an ACME directory, what it offers and under which URL. */
import { z } from 'zod';
import { didYouMean, type FaultsOf, type KeyPath } from './fault.ts';
import type { ChallengeType, Directory } from './generation.ts';
import { rateLimits, rateLimitsOf } from './rate-limits.ts';
import { type Complete, mapping, parsed, type Read, readKeys } from './schema.ts';
import { baseUrl, certificatePem, dnsName, duration, durationText, pageUrl, simpleName } from './values.ts';

const CHALLENGES = ['http-01', 'dns-01', 'tls-alpn-01', 'dns-account-01', 'dns-persist-01', 'device-attest-01'] as const satisfies readonly ChallengeType[];
const BY_DEFAULT = ['http-01', 'dns-01', 'tls-alpn-01'] as const satisfies readonly ChallengeType[];
/** draft-ietf-acme-dns-persist: clients refuse more. */
const MAX_IDENTITIES = 10;
const DAY_MS = 86_400_000;
/** A certificate that renews itself is made anew after two fifths of its life. */
const MIN_STAR_MS = 600_000;

export const directoryKeys = {
  /** Another directory: what is not said here is as it is there. */
  like: parsed(simpleName).optional(),
  /** How clients reach the server: all URLs are built from it. */
  externalUrl: parsed(baseUrl('https')),
  /** Earlier values, still accepted in requests. */
  formerUrls: z.array(parsed(baseUrl('https'))).default([]),
  /** Profiles that an order may ask for. */
  profiles: z.array(parsed(simpleName)).min(1),
  /** The issuer group that signs here, in place of the profiles' own. */
  group: parsed(simpleName).optional(),
  /** For orders that ask for none; the first of `profiles` when absent. */
  defaultProfile: parsed(simpleName).optional(),
  /** Policies that bind everybody here. */
  policies: z.array(parsed(simpleName)).min(1),
  challenges: z
    .array(z.enum(CHALLENGES))
    .min(1)
    .default([...BY_DEFAULT]),
  /** What CAA and dns-persist-01 records call this CA. */
  caaIdentities: z.array(parsed(dnsName)).max(MAX_IDENTITIES).default([]),
  /** For which names CAA is looked up. */
  caa: z.enum(['off', 'public', 'all']).default('off'),
  /** RFC 9444: whether an authorization for a domain may stand for all names below it. */
  subdomains: z.boolean().default(false),
  /** Whether an account is made only for whoever brings an external account binding (RFC 8555 §7.3.4). */
  externalAccountRequired: z.boolean().default(false),
  /** device-attest-01: PEM roots that attestations of each format must lead to. */
  attestation: mapping({
    apple: z.array(parsed(certificatePem)).min(1).optional(),
    step: z.array(parsed(certificatePem)).min(1).optional(),
    tpm: z.array(parsed(certificatePem)).min(1).optional(),
  }).prefault({}),
  /** RFC 8739: orders that renew themselves; absent, there are none. */
  star: mapping({
    minLifetime: parsed(duration).prefault('1h'),
    maxDuration: parsed(duration).prefault('90d'),
    certificateGet: z.boolean().default(false),
  }).optional(),
  /** None when absent. */
  rateLimits: rateLimits.optional(),
  termsOfService: parsed(pageUrl).optional(),
  /** Whether accounts that agreed to other terms get no new orders until they agree to these (RFC 8555 §7.3.3). */
  agreeAgain: z.boolean().default(false),
  website: parsed(pageUrl).optional(),
  limits: mapping({
    namesPerOrder: z.int().min(1).max(1000).default(100),
    contacts: z.int().min(0).max(100).default(10),
    orderLifetime: parsed(duration).prefault('1d'),
    pendingAuthorizationLifetime: parsed(duration).prefault('1d'),
    validAuthorizationLifetime: parsed(duration).prefault('1d'),
  }).prefault({}),
} as const;

/** One entry as far as it could be read; of one that is `like` another, only what it says itself. */
export function readDirectory(data: unknown, at: KeyPath, faults: FaultsOf): Read<typeof directoryKeys> {
  const says = (key: string): boolean => typeof data === 'object' && data !== null && Object.hasOwn(data, key);
  const needed = says('like') ? Object.fromEntries(Object.entries(directoryKeys).map(([key, schema]) => [key, says(key) ? schema : z.unknown()])) : directoryKeys;
  const read = readKeys(needed as typeof directoryKeys, data, faults, at);
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
}

/** An entry together with what it takes over from the one that it is like. */
export function withInherited(name: string, directories: ReadonlyMap<string, Read<typeof directoryKeys>>): Read<typeof directoryKeys> {
  const own = directories.get(name) ?? {};
  return own.like === undefined ? own : { ...directories.get(own.like), ...own };
}

/** The rules between keys of one directory, and between it and the one that it is like. */
export function checkDirectory(name: string, directories: ReadonlyMap<string, Read<typeof directoryKeys>>, faults: FaultsOf): void {
  const at: KeyPath = ['directories', name];
  const file = directories.get(name) ?? {};
  const { externalUrl, formerUrls, limits, like } = file;
  const { profiles, defaultProfile, star, challenges, attestation } = withInherited(name, directories);
  if (like !== undefined) {
    const model = directories.get(like);
    if (model === undefined) faults.add([...at, 'like'], `directory "${like}" does not exist${didYouMean(like, directories.keys())}`);
    else if (like === name) faults.add([...at, 'like'], 'is this directory itself');
    else if (model.like !== undefined) faults.add([...at, 'like'], `"${like}" is like another directory itself: name that one, "${model.like}"`);
  }
  if (externalUrl !== undefined) {
    formerUrls?.forEach((url, index) => {
      if (url === externalUrl) faults.add([...at, 'formerUrls', index], 'is externalUrl itself: leave it out');
      else if (formerUrls.indexOf(url) < index) faults.add([...at, 'formerUrls', index], `"${url}" is there twice`);
    });
  }
  const saysProfiles = file.profiles !== undefined || file.defaultProfile !== undefined;
  if (saysProfiles && defaultProfile !== undefined && profiles !== undefined && !profiles.includes(defaultProfile)) {
    faults.add(
      [...at, 'defaultProfile'],
      `"${defaultProfile}" is not among this directory's profiles: ${profiles.join(', ')}`,
    );
  }
  checkIdentities(file, at, faults);
  // What is taken over from another directory is a fault there, and told once.
  const saysDevices = file.challenges !== undefined || file.attestation !== undefined;
  const needsRoots = challenges?.indexOf('device-attest-01') ?? -1;
  if (saysDevices && needsRoots !== -1 && attestation !== undefined && Object.values(attestation).every((roots) => roots === undefined))
    faults.add([...at, 'challenges', needsRoots], '"device-attest-01" needs somebody to believe: write the roots of a format under attestation');
  if (star !== undefined && file.star !== undefined) checkStar(star, at, faults);
  for (const key of ['profiles', 'policies', 'challenges', 'caaIdentities'] as const) {
    const list: readonly string[] | undefined = file[key];
    list?.forEach((entry, index) => {
      if (list.indexOf(entry) < index) faults.add([...at, key, index], `"${entry}" is there twice`);
    });
  }
  for (const key of ['orderLifetime', 'pendingAuthorizationLifetime', 'validAuthorizationLifetime'] as const) {
    if (limits !== undefined && limits[key] > 10 * DAY_MS)
      faults.add([...at, 'limits', key], `${durationText(limits[key])} is more than 10d`);
  }
}

function checkStar(star: NonNullable<Read<typeof directoryKeys>['star']>, at: KeyPath, faults: FaultsOf): void {
  const { minLifetime, maxDuration } = star;
  if (minLifetime > maxDuration)
    faults.add([...at, 'star', 'minLifetime'], `${durationText(minLifetime)} is more than maxDuration ${durationText(maxDuration)}`);
  if (minLifetime < MIN_STAR_MS)
    faults.add([...at, 'star', 'minLifetime'], `${durationText(minLifetime)} is less than ${durationText(MIN_STAR_MS)}: renewals would not keep up`);
}

/** What needs a name for this CA in other people's zones, and what nothing but DNS can prove. */
function checkIdentities({ caa, caaIdentities, challenges, subdomains }: Read<typeof directoryKeys>, at: KeyPath, faults: FaultsOf): void {
  if (caaIdentities?.length === 0) {
    const remedy = 'caaIdentities is empty: write the name that records call this CA, like ca.example.com';
    if (caa !== undefined && caa !== 'off') faults.add([...at, 'caa'], `is "${caa}", and ${remedy}`);
    const index = challenges?.indexOf('dns-persist-01') ?? -1;
    if (index !== -1) faults.add([...at, 'challenges', index], `"dns-persist-01" needs a name to look for, and ${remedy}`);
  }
  if (subdomains && challenges !== undefined && !challenges.some((type) => type.startsWith('dns-'))) {
    faults.add([...at, 'subdomains'], 'is true, but only DNS challenges can prove a whole domain, and none is in challenges');
  }
}

export function directoryOf(name: string, file: Complete<typeof directoryKeys>): Directory {
  const { externalUrl, formerUrls, profiles, policies, challenges, caaIdentities, caa, subdomains, termsOfService, website, limits } = file;
  return {
    name,
    path: name === 'default' ? '/acme' : `/acme/d/${name}`,
    externalUrl,
    formerUrls,
    profiles,
    defaultProfile: file.defaultProfile ?? profiles[0] ?? '',
    ...(file.group === undefined ? {} : { group: file.group }),
    policies,
    challenges,
    externalAccountRequired: file.externalAccountRequired,
    ...(file.rateLimits === undefined ? {} : { rateLimits: rateLimitsOf(file.rateLimits) }),
    caaIdentities,
    caa,
    subdomains,
    attestation: new Map(Object.entries(file.attestation).flatMap(([format, roots]) => (roots === undefined ? [] : [[format, roots] as const]))),
    ...(file.star === undefined
      ? {}
      : { star: { minLifetimeMs: file.star.minLifetime, maxDurationMs: file.star.maxDuration, certificateGet: file.star.certificateGet } }),
    ...(termsOfService === undefined ? {} : { termsOfService }),
    agreeAgain: file.agreeAgain,
    ...(website === undefined ? {} : { website }),
    limits: {
      namesPerOrder: limits.namesPerOrder,
      contacts: limits.contacts,
      orderLifetimeMs: limits.orderLifetime,
      pendingAuthorizationLifetimeMs: limits.pendingAuthorizationLifetime,
      validAuthorizationLifetimeMs: limits.validAuthorizationLifetime,
    },
  };
}
