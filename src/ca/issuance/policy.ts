/**
 * May this requester have these names under this profile? Pure, and every reason at once: new orders, finalize,
 * `chancery explain` and dry runs all ask here, so none of them can answer differently.
 *
 * A name is allowed when one of the policies that bind the requester allows it and none of them denies it.
 * What cannot be judged, because a name is not canonical or a policy is gone, is refused.
 */
import type { Generation, NameRules, Policy, Profile } from '../../config/generation.ts';
import { type Name, nameFault, nameKey, parseSpiffeId } from '../../x509/name.ts';
import { nameConstraintFault } from '../../x509/name-constraints.ts';
import type { SubjectValue } from '../../x509/shape.ts';
import type { Requester } from '../ca.ts';
import { matchesName, matchesSubject, uriFault } from './name-rules.ts';
import { againstRestriction } from './restriction.ts';

export interface Question {
  readonly profile: string;
  /** In canonical form; others are refused. */
  readonly names: readonly Name[];
  readonly subject?: readonly SubjectValue[];
  readonly requester: Requester;
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
    return [
      {
        kind: 'profile-unknown',
        detail: `profile ${quoted(question.profile)} does not exist`,
        remedy: `ask for one of ${[...rules.profiles.keys()].join(', ')}`,
      },
    ];
  }
  return [
    ...againstProfile(profile, question),
    ...againstIssuer(rules, profile, question),
    ...againstPolicies(rules, profile, question),
    ...againstRestriction(question),
  ];
}

/** What a certificate of this profile can hold at all. */
function againstProfile(profile: Profile, { names, subject = [] }: Question): Reason[] {
  const { nameTypes, maxNames, spiffe, subject: attributes } = profile.shape;
  const reasons: Reason[] = [];
  const refuse = (detail: string, remedy: string, name?: Name): void => {
    reasons.push({
      kind: name === undefined ? 'profile-not-allowed' : 'name-not-allowed',
      detail,
      remedy,
      ...(name === undefined ? {} : { name }),
    });
  };
  const called = quoted(profile.name);
  const file = `profiles/${profile.name}.yaml`;
  if (names.length === 0 && subject.length === 0) refuse('no name is asked for', 'ask for at least one');
  if (spiffe && names.length !== 1)
    refuse(`profile ${called} has exactly one SPIFFE ID, and ${names.length} names are asked for`, 'ask for one');
  else if (names.length > maxNames)
    refuse(
      `${names.length} names are more than the ${maxNames} of profile ${called}`,
      `ask for fewer, or raise maxNames in ${file}`,
    );
  const seen = new Set<string>();
  for (const name of names) {
    const fault =
      nameFault(name) ??
      (spiffe ? parseSpiffeId(name.value).fault : undefined) ??
      (name.type === 'uri' ? uriFault(name.value) : undefined);
    if (fault !== undefined) refuse(`${name.value} cannot be certified: ${fault}`, 'write it otherwise', name);
    if (!nameTypes.includes(name.type)) {
      refuse(
        `${name.value} is a name of type ${name.type}, which profile ${called} does not have`,
        `ask for another profile, or add ${name.type} to names in ${file}`,
        name,
      );
    }
    if (seen.has(nameKey(name))) refuse(`${name.value} is asked for twice`, 'ask for it once', name);
    seen.add(nameKey(name));
  }
  for (const { attribute, value } of subject) {
    if (!attributes.includes(attribute))
      refuse(
        `profile ${called} has no ${attribute} in its subject, and ${quoted(value)} is asked for`,
        `leave it out, or add it to subject in ${file}`,
      );
  }
  for (const attribute of attributes) {
    const given = subject.filter((each) => each.attribute === attribute).length;
    if (given === 0 && profile.requiredSubject.includes(attribute))
      refuse(`profile ${called} requires a ${attribute} in the subject`, `ask for one, or make it optional in ${file}`);
    if (given > 1) refuse(`${attribute} is asked for ${given} times`, 'ask for it once');
  }
  return reasons;
}

/** What the key that would sign may certify; the signer checks the same again. */
function againstIssuer({ groups, issuers }: Rules, profile: Profile, { names, requester }: Question): Reason[] {
  const issuer = issuers.get(groups.get(requester.group ?? profile.group)?.active ?? '');
  if (issuer?.permittedNames === undefined) return [];
  const { id, permittedNames } = issuer;
  return names.flatMap((name): Reason[] => {
    const fault = nameFault(name) === undefined ? nameConstraintFault(permittedNames, name) : undefined;
    return fault === undefined
      ? []
      : [
          {
            kind: 'name-not-allowed',
            name,
            detail: `issuer key ${id} may not certify it: ${fault}`,
            remedy: `add it to permittedNames of ${id} under issuers/, or use a profile of another group`,
          },
        ];
  });
}

/** What the policies that bind this requester allow and deny. */
function againstPolicies(rules: Rules, profile: Profile, { names, subject = [], requester }: Question): Reason[] {
  const who = `${requester.kind}:${requester.id}`;
  const gone = requester.policies.filter((name) => !rules.policies.has(name));
  if (gone.length > 0) {
    // what it denied is not known any more
    return gone.map((policy) => ({
      kind: 'profile-not-allowed',
      policy,
      detail: `policy ${quoted(policy)}, which binds this requester, does not exist`,
      remedy: `write policy/${policy}.yaml, or bind ${who} to another policy`,
    }));
  }
  const speaking = [...new Set(requester.policies)]
    .flatMap((name) => rules.policies.get(name) ?? [])
    .filter(
      (policy) =>
        // An internal profile is had only through a policy that names it.
        (policy.profiles === undefined ? !profile.internal : policy.profiles.includes(profile.name)) &&
        (policy.requesters === undefined ||
          policy.requesters.includes(who) ||
          policy.requesters.includes(`${requester.kind}:*`)),
    );
  if (speaking.length === 0) {
    return [
      {
        kind: 'profile-not-allowed',
        detail: `no policy gives this requester any name under profile ${quoted(profile.name)}`,
        remedy:
          requester.policies.length === 0
            ? `bind ${who} to a policy`
            : `let one of ${requester.policies.join(', ')} speak about profile ${profile.name} and ${who}`,
      },
    ];
  }
  return [
    ...names
      .filter((name) => nameFault(name) === undefined)
      .flatMap((name) => judge(speaking, describeName(name), (rules, side) => matchesName(rules, name, side), name)),
    ...subject.flatMap(({ attribute, value }) =>
      judge(speaking, { text: `${attribute} ${quoted(value)}`, key: `subject.${attribute}`, entry: value }, (rules) =>
        matchesSubject(rules, { attribute, value }),
      ),
    ),
  ];
}

interface Described {
  readonly text: string;
  /** The key and the entry that would allow it. */
  readonly key: string;
  readonly entry: string;
}

/** Deny wins over allow, whatever policy either stands in. */
function judge(
  policies: readonly Policy[],
  { text, key, entry }: Described,
  matches: (rules: NameRules, side: 'allow' | 'deny') => boolean,
  name?: Name,
): Reason[] {
  const about = { kind: 'name-not-allowed' as const, ...(name === undefined ? {} : { name }) };
  const denying = policies.filter(({ deny }) => matches(deny, 'deny'));
  if (denying.length > 0) {
    return denying.map((policy) => ({
      ...about,
      policy: policy.name,
      detail: `${text} is denied by policy ${quoted(policy.name)}`,
      remedy: `see deny in policy/${policy.name}.yaml`,
    }));
  }
  if (policies.some(({ allow }) => matches(allow, 'allow'))) return [];
  const [first] = policies as readonly [Policy];
  const all = policies.map((policy) => quoted(policy.name)).join(', ');
  return [
    {
      ...about,
      ...(policies.length === 1 ? { policy: first.name } : {}),
      detail: `${text} is not allowed by ${policies.length === 1 ? 'policy' : 'any of the policies'} ${all}`,
      remedy: key === '' ? entry : `add ${quoted(entry)} to allow.${key} in policy/${first.name}.yaml`,
    },
  ];
}

function describeName({ type, value }: Name): Described {
  const [key, entry] = {
    dns: value.startsWith('*.') ? ['wildcards', value.slice(2)] : ['names', value],
    ip: ['addresses', value],
    uri: ['uris', value],
    email: ['', 'no policy can allow mail addresses yet'],
  }[type] as [string, string];
  return { text: value, key, entry };
}

const quoted = (text: string): string => JSON.stringify(text);
