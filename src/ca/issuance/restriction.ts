/** What a requester may have at most, beside what the policies say: it only takes away. Pure. */
import { nameFault } from '../../x509/name.ts';
import { matchesName, matchesSubject } from './name-rules.ts';
import type { Question, Reason } from './policy.ts';

export function againstRestriction({ profile, names, subject = [], requester: { restriction } }: Question): Reason[] {
  if (restriction === undefined) return [];
  const { by, profiles, names: allowed } = restriction;
  const reasons: Reason[] = [];
  if (profiles?.includes(profile) === false) {
    reasons.push({
      kind: 'profile-not-allowed',
      detail: `profile ${JSON.stringify(profile)} is not among those of ${by}: ${profiles.join(', ')}`,
      remedy: 'ask for one of these, or let the requester in anew with wider bounds',
    });
  }
  if (allowed === undefined) return reasons;
  for (const name of names) {
    if (nameFault(name) !== undefined || matchesName(allowed, name, 'allow')) continue;
    reasons.push({
      kind: 'name-not-allowed', name, detail: `${name.value} is not among the names of ${by}`,
      remedy: 'let the requester in anew with wider bounds',
    });
  }
  // Whoever is bound to names has no others by way of the subject: a device, or a person, is one as well.
  for (const value of subject) {
    if (matchesSubject(allowed, value)) continue;
    reasons.push({
      kind: 'name-not-allowed', detail: `${value.attribute} ${JSON.stringify(value.value)} is not among the names of ${by}`,
      remedy: 'let the requester in anew without bounds on names',
    });
  }
  return reasons;
}
