/** RFC 8555 §7.1.1: where everything is. A member stands here exactly when there is something behind it. */
import type { OpenHandler } from './handler.ts';
import type { Site } from './site.ts';
import { renderOffer } from './star/auto-renewal.ts';

export const directory: OpenHandler = (_, { site }) => ({ status: 200, body: renderDirectory(site) });

/** `meta` is always there: some clients read it without asking. */
export function renderDirectory({ base, profiles, directory: { termsOfService, website, caaIdentities, subdomains, externalAccountRequired, star } }: Site) {
  return {
    newNonce: `${base}/new-nonce`,
    newAccount: `${base}/new-account`,
    newOrder: `${base}/new-order`,
    newAuthz: `${base}/new-authz`,
    revokeCert: `${base}/revoke-cert`,
    keyChange: `${base}/key-change`,
    renewalInfo: `${base}/renewal-info`, // RFC 9773 §4.1
    meta: {
      externalAccountRequired,
      ...(termsOfService === undefined ? {} : { termsOfService }),
      ...(website === undefined ? {} : { website }),
      ...(caaIdentities.length === 0 ? {} : { caaIdentities }),
      ...(subdomains ? { subdomainAuthAllowed: true } : {}), // RFC 9444 §4.4
      profiles, // draft-ietf-acme-profiles
      ...(star === undefined ? {} : { 'auto-renewal': renderOffer(star) }),
    },
  };
}
