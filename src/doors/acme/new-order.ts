/** RFC 8555 §7.4: an order for a certificate, and an authorization for each identifier in it. */
import { publicId } from '../../database/public-id.ts';
import { spkiSha256 } from '../../x509/public-key.ts';
import type { Account } from './account.ts';
import { type Authorization, authorizationExpires, proofKey } from './authorization.ts';
import { refuseBlockedKey, refuseListedKey } from './blocked-key.ts';
import { namesOf, refuseDevices, subjectOf } from './device/device-identifier.ts';
import type { AccountHandler, Acme } from './handler.ts';
import { parseIdentifiers, type Wanted } from './identifier.ts';
import type { JsonObject } from './json.ts';
import { orderSpending, tryAgain, whyLimited, writesOf } from './limits/limits.ts';
import { draftAuthorization } from './new-authorization.ts';
import type { Order } from './order.ts';
import { AcmeError, type Fault, malformed, refused, several } from './problem.ts';
import { alreadyReplaced, parseReplaces } from './renewal/replaces.ts';
import { claim } from './renewal/store.ts';
import { requesterOf } from './requester.ts';
import { reuse } from './reuse.ts';
import type { Site } from './site.ts';
import { parseAutoRenewal, validityAt } from './star/auto-renewal.ts';
import { createOrder } from './store.ts';
import { requireAgreement } from './terms.ts';
import { parseTime } from './time.ts';
import { orderUrl, renderOrder } from './wire.ts';

/** Between the moment for which a validity is chosen and the one at which it is granted. */
const SLACK_MS = 10_000;

export const newOrder: AccountHandler<'nothing'> = async (acme, { site, account, key, payload }) => {
  if (payload === undefined) throw malformed('The payload must be a JSON object.');
  requireAgreement(site, account);
  refuseListedKey(acme, key);
  const { limits } = site.directory;
  const now = acme.clock.now();
  const wanted = parseIdentifiers(payload['identifiers'], limits.namesPerOrder);
  const identifiers = wanted.map(({ identifier }) => identifier);
  refuseDevices(site, identifiers);
  const profile = parseProfile(site, payload['profile']);
  const autoRenewal = parseAutoRenewal(payload, site.directory.star, now);
  const validity = autoRenewal === undefined ? parseValidity(payload, now) : {};

  const reasons = acme.ca.decide({
    profile, names: namesOf(identifiers), ...subjectOf(identifiers), requester: requesterOf(site, account), ...(autoRenewal === undefined ? validity : validityAt(autoRenewal, now - SLACK_MS)),
  });
  if (reasons.length > 0) throw refused(reasons);

  const renewal = await parseReplaces(acme, site, account, identifiers, payload['replaces']);
  const spending = orderSpending(site, account, identifiers, renewal !== undefined && !renewal.addsNames);
  const authorizations = await reuse(acme.database, site, draftAuthorizations(acme, site, account, wanted, now), now);
  const expires = Math.min(now + limits.orderLifetimeMs, ...authorizations.map(authorizationExpires));
  const order: Order = {
    id: publicId(autoRenewal?.end ?? expires, acme.random), profile, identifiers, authorizations, expires, issuing: false, certificate: undefined,
    notBefore: validity.notBefore, notAfter: validity.notAfter,
    ...(renewal === undefined ? {} : { renews: renewal.renews }), ...(autoRenewal === undefined ? {} : { autoRenewal }),
  };
  const claims = renewal === undefined ? [] : [claim(renewal.renews.certificate, site.realm, order.id, renewal.from, now)];
  if (!(await createOrder(acme.database, site, account, spkiSha256(key.spki), order, now, [...writesOf(spending, now), ...claims]))) {
    await refuseBlockedKey(acme, site, key);
    throw (await whyLimited(acme, site, spending)) ?? (renewal === undefined ? tryAgain() : alreadyReplaced());
  }
  return { status: 201, body: renderOrder(site, order, now), headers: { Location: orderUrl(site, order.id) } };
};

/** draft-ietf-acme-profiles: one of those that the directory lists. */
function parseProfile({ directory: { profiles, defaultProfile } }: Site, given: unknown): string {
  if (given === undefined || given === null || given === '') return defaultProfile;
  if (typeof given === 'string' && profiles.includes(given)) return given;
  throw new AcmeError('invalidProfile', `There is no such profile here; there are: ${profiles.join(', ')}.`);
}

/** RFC 8555 §7.4: what was asked for is granted or refused, never ignored. Zero times are how some Go clients say nothing. */
function parseValidity(payload: JsonObject, now: number): { notBefore?: number; notAfter?: number } {
  const notBefore = parseMoment(payload, 'notBefore');
  const notAfter = parseMoment(payload, 'notAfter');
  if (notAfter !== undefined && notAfter <= Math.max(now, notBefore ?? 0)) throw malformed('"notAfter" must be later than now and "notBefore".');
  return { ...(notBefore === undefined ? {} : { notBefore }), ...(notAfter === undefined ? {} : { notAfter }) };
}

function parseMoment(payload: JsonObject, member: 'notBefore' | 'notAfter'): number | undefined {
  const given = payload[member];
  if (given === undefined || given === null || given === '' || given === '0001-01-01T00:00:00Z') return undefined;
  const time = typeof given === 'string' ? parseTime(given) : undefined;
  if (time === undefined) throw malformed(`"${member}" must be a time as in RFC 3339.`);
  return time;
}

/** One for each identifier, or for several that stand below the same ancestor. Throws AcmeError when one of them could not be proven. */
function draftAuthorizations(acme: Acme, site: Site, account: Account, wanted: readonly Wanted[], now: number): Authorization[] {
  const faults: Fault[] = [];
  const drafts = new Map<string, Authorization>();
  for (const each of wanted) {
    const draft = draftAuthorization(acme, site, account, each, now);
    if (draft.challenges.length === 0) {
      faults.push({ type: 'rejectedIdentifier', identifier: each.identifier, detail: 'No challenge that is offered here can prove this identifier.' });
    }
    if (!drafts.has(proofKey(draft))) drafts.set(proofKey(draft), draft);
  }
  if (faults.length > 0) throw several(faults);
  return [...drafts.values()];
}
