/** Names of the server itself: host names and addresses as they stand in its URLs and its certificate. */
import { type Name, parseDnsName, parseIpName } from '../x509/name.ts';
import { shown } from './fault.ts';
import { Unfit } from './schema.ts';

/** A DNS name or an address, told apart by its look. Throws `Unfit`. */
export function ownName(text: string): Name {
  const ip = parseIpName(text);
  if (ip.value !== undefined) return { type: 'ip', value: ip.value };
  const dns = parseDnsName(text);
  if (dns.value !== undefined) return { type: 'dns', value: dns.value };
  throw new Unfit(`${shown(text)} is neither a DNS name nor an address: ${text.includes(':') ? ip.fault : dns.fault}`);
}

/** The host of a URL that was already checked. */
export function hostName(url: string): Name {
  const { hostname } = new URL(url);
  return ownName(hostname.startsWith('[') ? hostname.slice(1, -1) : hostname);
}
