/** RFC 8555 §7.4.1: an authorization ahead of any order. */
import { publicId } from '../../database/public-id.ts';
import type { Account } from './account.ts';
import { type Authorization, challengesFor } from './authorization.ts';
import { namesOf, refuseDevices, subjectOf } from './device/device-identifier.ts';
import type { AccountHandler, Acme } from './handler.ts';
import { type Identifier, parseIdentifiers, type Wanted } from './identifier.ts';
import { isObject } from './json.ts';
import { orderSpending, tryAgain, whyLimited, writesOf } from './limits/limits.ts';
import { AcmeError, malformed, refused } from './problem.ts';
import { requesterOf } from './requester.ts';
import type { Site } from './site.ts';
import { createAuthorization } from './store.ts';
import { requireAgreement } from './terms.ts';
import { authorizationUrl, renderAuthorization } from './wire.ts';

/** Always a new one, 201: an order to come uses its proof, not its URL. */
export const newAuthorization: AccountHandler<'nothing'> = async (acme, { site, account, payload }) => {
  requireAgreement(site, account);
  const given = payload?.['identifier'];
  const [{ identifier }] = parseIdentifiers([given], 1) as [Wanted];
  // "… because the identifier in a pre-authorization request is the exact identifier to be included in the authorization object,
  // pre-authorization cannot be used to authorize issuance of certificates containing wildcard domain names."
  if (identifier.value.startsWith('*.')) throw malformed('A wildcard cannot be authorized ahead of its order.');
  decide(acme, site, account, identifier);

  const now = acme.clock.now();
  const below = isObject(given) && given['subdomainAuthAllowed'] === true && identifier.type === 'dns'; // RFC 9444 §4.2
  const authorization = draftAuthorization(acme, site, account, { identifier, ancestor: below ? identifier.value : undefined }, now);
  if (authorization.challenges.length === 0) {
    throw new AcmeError('rejectedIdentifier', `No challenge that is offered here can prove ${identifier.value}.`);
  }
  // It counts as an order: else it would be the way around the limits.
  const spending = orderSpending(site, account, [identifier], false);
  if (!(await createAuthorization(acme.database, site, authorization, now, writesOf(spending, now)))) {
    throw (await whyLimited(acme, site, spending)) ?? tryAgain();
  }
  return {
    status: 201, body: renderAuthorization(site, authorization, now), headers: { Location: authorizationUrl(site, authorization.id) },
  };
};

/** Refused when no profile of this directory may have the name. Throws AcmeError. */
function decide({ ca }: Acme, site: Site, account: Account, identifier: Identifier): void {
  refuseDevices(site, [identifier]);
  const { defaultProfile, profiles } = site.directory;
  const reasonsFor = (profile: string) => ca.decide({ profile, names: namesOf([identifier]), ...subjectOf([identifier]), requester: requesterOf(site, account) });
  if (!profiles.some((profile) => reasonsFor(profile).length === 0)) throw refused(reasonsFor(defaultProfile));
}

/** An authorization with everything but a row. Without any challenge when nothing that is offered here could prove it. */
export function draftAuthorization(
  { random }: Acme, { directory }: Site, { id: account }: Account, { identifier: { type, value }, ancestor }: Wanted, now: number,
): Authorization {
  const subdomains = directory.subdomains && ancestor !== undefined;
  const wildcard = !subdomains && type === 'dns' && value.startsWith('*.');
  const identifier: Identifier = { type, value: subdomains ? ancestor : wildcard ? value.slice(2) : value };
  const expires = now + directory.limits.pendingAuthorizationLifetimeMs;
  return {
    id: publicId(expires, random), account, identifier, wildcard, subdomains, expires,
    token: Buffer.from(random(16)).toString('base64url'), challenges: challengesFor(identifier, wildcard || subdomains, directory.challenges),
    deactivated: false, attempt: undefined,
  };
}
