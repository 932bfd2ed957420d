/**
 * May this requester have these names under this profile? Pure, and every reason at once: new orders, finalize,
 * `chancery explain` and dry runs all ask here, so none of them can answer differently.
 *
 * A name is allowed when one of the policies that bind the requester allows it and none of them denies it.
 * What cannot be judged, because a name is not canonical or a policy is gone, is refused.
 */
import type { Generation, NameRules, Policy, Profile } from '../../config/generation.ts';
import { ipOctets } from '../../x509/ip.ts';
import { type Name, type NameType, nameFault, nameKey, parseSpiffeId } from '../../x509/name.ts';
import { nameConstraintFault } from '../../x509/name-constraints.ts';
import type { SubjectValue } from '../../x509/shape.ts';

export interface Question {
  readonly profile: string;
  /** In canonical form; others are refused. */
  readonly names: readonly Name[];
  readonly subject?: readonly SubjectValue[];
  /** `policies` are the names of those that bind. */
  readonly requester: { readonly kind: string; readonly id: string; readonly policies: readonly string[] };
}

export interface Reason {
  readonly kind: 'name-not-allowed' | 'profile-unknown' | 'profile-not-allowed';
  /** Says what is refused and by what; fit for the requester. */
  readonly detail: string;
  /** How it could be allowed; for the operator. */
  readonly remedy: string;
  /** The name at fault, where there is one. */
  readonly name?: Name;
  /** The policy that says no, where one does. */
  readonly policy?: string;
}

/** What of a generation decides. */
export type Rules = Pick<Generation, 'profiles' | 'policies' | 'groups' | 'issuers'>;

/** Every reason why not; none when it is allowed. */
export function decide(rules: Rules, question: Question): Reason[] {
  const profile = rules.profiles.get(question.profile);
  if (profile === undefined) {
    return [{
      kind: 'profile-unknown', detail: `profile ${quoted(question.profile)} does not exist`,
      remedy: `ask for one of ${[...rules.profiles.keys()].join(', ')}`,
    }];
  }
  return [...againstProfile(profile, question), ...againstIssuer(rules, profile, question), ...againstPolicies(rules, profile, question)];
}

/** What a certificate of this profile can hold at all. */
function againstProfile(profile: Profile, { names, subject = [] }: Question): Reason[] {
  const { nameTypes, maxNames, spiffe, subject: attributes } = profile.shape;
  const reasons: Reason[] = [];
  const refuse = (detail: string, remedy: string, name?: Name): void => {
    reasons.push({ kind: name === undefined ? 'profile-not-allowed' : 'name-not-allowed', detail, remedy, ...(name === undefined ? {} : { name }) });
  };
  const called = quoted(profile.name);
  const file = `profiles/${profile.name}.yaml`;
  if (names.length === 0 && subject.length === 0) refuse('no name is asked for', 'ask for at least one');
  if (spiffe && names.length !== 1) refuse(`profile ${called} has exactly one SPIFFE ID, and ${names.length} names are asked for`, 'ask for one');
  else if (names.length > maxNames) refuse(`${names.length} names are more than the ${maxNames} of profile ${called}`, `ask for fewer, or raise maxNames in ${file}`);
  const seen = new Set<string>();
  for (const name of names) {
    const fault = nameFault(name) ?? (spiffe ? parseSpiffeId(name.value).fault : undefined) ?? (name.type === 'uri' ? uriFault(name.value) : undefined);
    if (fault !== undefined) refuse(`${name.value} cannot be certified: ${fault}`, 'write it otherwise', name);
    if (!nameTypes.includes(name.type)) {
      refuse(`${name.value} is a name of type ${name.type}, which profile ${called} does not have`, `ask for another profile, or add ${name.type} to names in ${file}`, name);
    }
    if (seen.has(nameKey(name))) refuse(`${name.value} is asked for twice`, 'ask for it once', name);
    seen.add(nameKey(name));
  }
  for (const { attribute, value } of subject) {
    if (!attributes.includes(attribute)) refuse(`profile ${called} has no ${attribute} in its subject, and ${quoted(value)} is asked for`, `leave it out, or add it to subject in ${file}`);
  }
  for (const attribute of attributes) {
    const given = subject.filter((each) => each.attribute === attribute).length;
    if (given === 0 && profile.requiredSubject.includes(attribute)) refuse(`profile ${called} requires a ${attribute} in the subject`, `ask for one, or make it optional in ${file}`);
    if (given > 1) refuse(`${attribute} is asked for ${given} times`, 'ask for it once');
  }
  return reasons;
}

/** What the key that would sign may certify; the signer checks the same again. */
function againstIssuer({ groups, issuers }: Rules, profile: Profile, { names }: Question): Reason[] {
  const issuer = issuers.get(groups.get(profile.group)?.active ?? '');
  if (issuer?.permittedNames === undefined) return [];
  const { id, permittedNames } = issuer;
  return names.flatMap((name): Reason[] => {
    const fault = nameFault(name) === undefined ? nameConstraintFault(permittedNames, name) : undefined;
    return fault === undefined ? [] : [{
      kind: 'name-not-allowed', name, detail: `issuer key ${id} may not certify it: ${fault}`,
      remedy: `add it to permittedNames of ${id} under issuers/, or use a profile of another group`,
    }];
  });
}

/** What the policies that bind this requester allow and deny. */
function againstPolicies(rules: Rules, profile: Profile, { names, subject = [], requester }: Question): Reason[] {
  const who = `${requester.kind}:${requester.id}`;
  const gone = requester.policies.filter((name) => !rules.policies.has(name));
  if (gone.length > 0) { // what it denied is not known any more
    return gone.map((policy) => ({
      kind: 'profile-not-allowed', policy, detail: `policy ${quoted(policy)}, which binds this requester, does not exist`,
      remedy: `write policy/${policy}.yaml, or bind ${who} to another policy`,
    }));
  }
  const speaking = [...new Set(requester.policies)].flatMap((name) => rules.policies.get(name) ?? []).filter((policy) =>
    // An internal profile is had only through a policy that names it.
    (policy.profiles === undefined ? !profile.internal : policy.profiles.includes(profile.name)) &&
    (policy.requesters === undefined || policy.requesters.includes(who) || policy.requesters.includes(`${requester.kind}:*`)));
  if (speaking.length === 0) {
    return [{
      kind: 'profile-not-allowed', detail: `no policy gives this requester any name under profile ${quoted(profile.name)}`,
      remedy: requester.policies.length === 0 ? `bind ${who} to a policy` : `let one of ${requester.policies.join(', ')} speak about profile ${profile.name} and ${who}`,
    }];
  }
  return [
    ...names.filter((name) => nameFault(name) === undefined).flatMap((name) => judge(speaking, describeName(name), (side, denies) => MATCH[name.type](side, name.value, denies), name)),
    ...subject.flatMap(({ attribute, value }) => judge(
      speaking, { text: `${attribute} ${quoted(value)}`, key: `subject.${attribute}`, entry: value },
      (side) => side.subject[attribute]?.some((pattern) => matchesPattern(pattern, value)) ?? false,
    )),
  ];
}

interface Described {
  readonly text: string;
  /** The key and the entry that would allow it. */
  readonly key: string;
  readonly entry: string;
}

/** Deny wins over allow, whatever policy either stands in. */
function judge(policies: readonly Policy[], { text, key, entry }: Described, matches: (side: NameRules, denies: boolean) => boolean, name?: Name): Reason[] {
  const about = { kind: 'name-not-allowed' as const, ...(name === undefined ? {} : { name }) };
  const denying = policies.filter(({ deny }) => matches(deny, true));
  if (denying.length > 0) {
    return denying.map((policy) => ({ ...about, policy: policy.name, detail: `${text} is denied by policy ${quoted(policy.name)}`, remedy: `see deny in policy/${policy.name}.yaml` }));
  }
  if (policies.some(({ allow }) => matches(allow, false))) return [];
  const [first] = policies as readonly [Policy];
  const all = policies.map((policy) => quoted(policy.name)).join(', ');
  return [{
    ...about, ...(policies.length === 1 ? { policy: first.name } : {}),
    detail: `${text} is not allowed by ${policies.length === 1 ? 'policy' : 'any of the policies'} ${all}`,
    remedy: key === '' ? entry : `add ${quoted(entry)} to allow.${key} in policy/${first.name}.yaml`,
  }];
}

function describeName({ type, value }: Name): Described {
  const [key, entry] = {
    dns: value.startsWith('*.') ? ['wildcards', value.slice(2)] : ['names', value],
    ip: ['addresses', value], uri: ['uris', value], email: ['', 'no policy can allow mail addresses yet'],
  }[type] as [string, string];
  return { text: value, key, entry };
}

const MATCH = {
  dns: (side, value, denies) => (value.startsWith('*.') ? matchesWildcard(side, value, denies) : side.names.includes(value) || side.suffixes.some((suffix) => isWithin(value, suffix))),
  ip: ({ addresses }, value) => {
    const octets = ipOctets(value);
    return octets !== undefined && addresses.some((range) => isInRange(octets, range));
  },
  uri: ({ uris }, value) => uris.some((pattern) => matchesUri(pattern, value)),
  email: () => false, // policies have no words for them yet, so nothing allows them
} satisfies Record<NameType, (side: NameRules, value: string, denies: boolean) => boolean>;

/** A name itself, or one below it: `badexample.com` is not within `example.com`. */
const isWithin = (host: string, suffix: string): boolean => host === suffix || host.endsWith(`.${suffix}`);

/**
 * Allowed only in so many words. Denied also where it would reach into something denied: within a denied suffix,
 * or above a denied name, however deep, for not every client stops a wildcard at one label.
 */
function matchesWildcard({ names, suffixes, wildcards }: NameRules, value: string, denies: boolean): boolean {
  const base = value.slice(2);
  if (names.includes(value) || wildcards.some((suffix) => isWithin(base, suffix))) return true;
  if (!denies) return false;
  return suffixes.some((suffix) => isWithin(base, suffix)) ||
    [...names, ...suffixes].some((denied) => isWithin(denied.replace(/^\*\./, ''), base) && denied.replace(/^\*\./, '') !== base);
}

function isInRange(octets: Uint8Array, range: NameRules['addresses'][number]): boolean {
  if (octets.length !== range.octets.length) return false;
  return range.octets.every((octet, at) => {
    const bits = Math.max(0, Math.min(8, range.prefix - at * 8));
    return ((octet ^ (octets[at] as number)) & (0xff00 >> bits) & 0xff) === 0;
  });
}

/** Segment by segment: `*` is one, a last `**` one or more; scheme and authority are literal. */
function matchesUri(pattern: string, uri: string): boolean {
  const wanted = pattern.split('/');
  const given = uri.split('/');
  if (wanted.at(-1) === '**' ? given.length < wanted.length : given.length !== wanted.length) return false;
  return given.every((segment, at) => {
    const want = wanted[Math.min(at, wanted.length - 1)];
    return at > 2 && (want === '*' || want === '**') ? segment !== '' : segment === want;
  });
}

/** Forms that compare unequal and mean the same would slip past a deny. */
function uriFault(uri: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._:[\]-]+(\/|$)/.test(uri)) return 'its scheme and host are not plain and in lower case';
  if (/[%?#]/.test(uri)) return 'it has an escape, a query or a fragment';
  return uri.split('/').slice(3).some((segment) => segment === '' || segment === '.' || segment === '..') ? 'its path has an empty or dot segment' : undefined;
}

/** X.520 caseIgnoreMatch; `*` is any run of characters. Parts are sought from the left, so no pattern takes long. */
function matchesPattern(pattern: string, value: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*');
  const text = value.toLowerCase();
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - at >= last.length && text.endsWith(last);
}

const quoted = (text: string): string => JSON.stringify(text);
