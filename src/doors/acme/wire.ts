/** The objects of RFC 8555 §7.1 as JSON, and their URLs. Members that do not apply are left out, never null. */
import type { ChallengeType } from '../../config/generation.ts';
import type { Account } from './account.ts';
import { type Authorization, authorizationExpires, authorizationStatus } from './authorization.ts';
import { challengeStatus, challengesShown } from './challenge.ts';
import { type Order, orderError, orderStatus } from './order.ts';
import type { Site } from './site.ts';
import { renderAutoRenewal } from './star/auto-renewal.ts';
import { formatTime } from './time.ts';

export const accountUrl = ({ base }: Site, id: string): string => `${base}/account/${id}`;
/** Today's, then those under former external URLs: people write account URLs into their zones. */
export const accountUrls = ({ bases }: Site, id: string): string[] => bases.map((base) => `${base}/account/${id}`);
export const ordersUrl = ({ base }: Site, account: string): string => `${base}/orders/${account}`;
export const orderUrl = ({ base }: Site, id: string): string => `${base}/order/${id}`;
export const authorizationUrl = ({ base }: Site, id: string): string => `${base}/authorization/${id}`;
export const certificateUrl = ({ base }: Site, issuerKey: string, serial: string): string => `${base}/certificate/${issuerKey}/${serial}`;
export const challengeUrl = ({ base }: Site, authorization: string, type: ChallengeType): string =>
  `${base}/challenge/${authorization}/${type}`;

/** §7.1.2 */
export const renderAccount = (site: Site, account: Account) => ({
  status: account.state,
  ...(account.contact.length === 0 ? {} : { contact: account.contact }),
  ...(account.binding === undefined ? {} : { externalAccountBinding: account.binding.jws }), // §7.3.4
  orders: ordersUrl(site, account.id),
});

/** §7.1.3 */
export function renderOrder(site: Site, order: Order, now: number) {
  const error = orderError(order, now);
  return {
    status: orderStatus(order, now),
    expires: formatTime(order.certificate === undefined ? order.expires : (order.autoRenewal?.end ?? order.expires)),
    identifiers: order.identifiers,
    profile: order.profile, // draft-ietf-acme-profiles
    ...(order.renews === undefined ? {} : { replaces: order.renews.certId }), // RFC 9773 §5
    ...(order.autoRenewal === undefined ? {} : { 'auto-renewal': renderAutoRenewal(order.autoRenewal) }), // RFC 8739 §3.1.1
    ...(order.notBefore === undefined ? {} : { notBefore: formatTime(order.notBefore) }),
    ...(order.notAfter === undefined ? {} : { notAfter: formatTime(order.notAfter) }),
    authorizations: order.authorizations.map(({ id }) => authorizationUrl(site, id)),
    finalize: `${orderUrl(site, order.id)}/finalize`,
    ...renderCertificate(site, order),
    ...(error === undefined ? {} : { error }),
  };
}

/** Where the certificate is; of an order that renews itself, where the newest always is (RFC 8739 §3.1.1). */
function renderCertificate(site: Site, { id, certificate, autoRenewal }: Order) {
  if (certificate === undefined) return {};
  if (autoRenewal !== undefined) return { 'star-certificate': `${site.base}/star-certificate/${id}` };
  return { certificate: certificateUrl(site, certificate.issuerKey, certificate.serial) };
}

/** §7.1.4; erratum 6364: `wildcard` is true or absent. */
export const renderAuthorization = (site: Site, authorization: Authorization, now: number) => ({
  identifier: authorization.identifier,
  status: authorizationStatus(authorization, now),
  expires: formatTime(authorizationExpires(authorization)),
  ...(authorization.wildcard || authorization.subdomains ? { wildcard: true } : {}), // RFC 9444 §4.1: names below it include wildcards
  ...(authorization.subdomains ? { subdomainAuthAllowed: true } : {}), // RFC 9444 §4.1
  challenges: challengesShown(authorization).map((type) => renderChallenge(site, authorization, type)),
});

/** §7.1.5; erratum 5732: `error` goes with `processing` as well as with `invalid`. */
export function renderChallenge(site: Site, authorization: Authorization, type: ChallengeType) {
  const attempt = authorization.attempt?.type === type ? authorization.attempt : undefined;
  return {
    type,
    url: challengeUrl(site, authorization.id, type),
    status: challengeStatus(authorization, type),
    ...(type === 'dns-persist-01'
      ? { accounturi: accountUrl(site, authorization.account), 'issuer-domain-names': site.directory.caaIdentities }
      : { token: authorization.token }),
    ...(attempt?.state === 'valid' && attempt.finished !== undefined ? { validated: formatTime(attempt.finished) } : {}),
    ...(attempt?.state !== 'valid' && attempt?.error !== undefined ? { error: attempt.error } : {}),
  };
}
