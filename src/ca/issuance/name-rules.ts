/**
 * Whether a name is among those that one side of a policy, `allow` or `deny`, speaks of. Pure.
 * The two sides read alike but for wildcards: what is denied also denies the wildcards that would reach into it.
 */
import type { NameRules } from '../../config/generation.ts';
import { ipOctets } from '../../x509/ip.ts';
import type { Name, NameType } from '../../x509/name.ts';
import type { SubjectValue } from '../../x509/shape.ts';

/** `name` in canonical form. */
export const matchesName = (rules: NameRules, { type, value }: Name, side: 'allow' | 'deny'): boolean =>
  MATCH[type](rules, value, side === 'deny');

/** Whether a subject attribute has one of the values spoken of. */
export const matchesSubject = (rules: NameRules, { attribute, value }: SubjectValue): boolean =>
  rules.subject[attribute]?.some((pattern) => matchesPattern(pattern, value)) ?? false;

const MATCH = {
  dns: (side, value, denies) =>
    value.startsWith('*.')
      ? matchesWildcard(side, value, denies)
      : side.names.includes(value) || side.suffixes.some((suffix) => isWithin(value, suffix)),
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
  return (
    suffixes.some((suffix) => isWithin(base, suffix)) ||
    [...names, ...suffixes].some(
      (denied) => isWithin(denied.replace(/^\*\./, ''), base) && denied.replace(/^\*\./, '') !== base,
    )
  );
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
export function uriFault(uri: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._:[\]-]+(\/|$)/.test(uri))
    return 'its scheme and host are not plain and in lower case';
  if (/[%?#]/.test(uri)) return 'it has an escape, a query or a fragment';
  return uri
    .split('/')
    .slice(3)
    .some((segment) => segment === '' || segment === '.' || segment === '..')
    ? 'its path has an empty or dot segment'
    : undefined;
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
