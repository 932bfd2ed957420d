// dns-01 (RFC 8555 §8.4): the zone holds a TXT record with a digest of the key authorization.
import type { Challenge } from './challenge.ts';
import { digestIn } from './txt-proof.ts';

export const dns01: Challenge = ({ dialer }, { host, keyAuthorization }, call) => {
  if (host.kind !== 'name') throw new Error('dns-01 for an address');
  return digestIn(dialer.resolver, `_acme-challenge.${host.name}`, keyAuthorization, call);
};
