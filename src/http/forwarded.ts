/**
 * From which address a request came, where reverse proxies stand in front. `X-Forwarded-For` is a list that every hop appends to, and that the caller
 * may have begun with whatever he liked: only what a trusted proxy has appended counts, which is read from the right.
 */
import { BlockList, isIP } from 'node:net';
import { canonicalIp } from '../x509/ip.ts';

/** The address of the peer (`socket`), or the one that trusted proxies say, given the header's value. */
export type ClientAddress = (socket: string, forwardedFor: string | undefined) => string;

/** More hops than this is no chain of proxies. */
const MAX_HOPS = 16;

/** `proxies` are CIDR ranges, checked by the configuration loader; without any, the header is never looked at. */
export function clientAddressBehind(proxies: readonly string[]): ClientAddress {
  if (proxies.length === 0) return (socket) => socket;
  const trusted = new BlockList();
  for (const range of proxies) {
    const [network = '', prefix] = range.split('/');
    trusted.addSubnet(network, Number(prefix), isIP(network) === 6 ? 'ipv6' : 'ipv4');
  }
  const isTrusted = (address: string): boolean => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

  return (socket, forwardedFor) => {
    let known = socket;
    const hops = forwardedFor?.split(',').reverse().slice(0, MAX_HOPS) ?? [];
    for (const hop of hops) {
      if (!isTrusted(known)) break;
      // What a proxy of ours wrote, and nobody can read, is as if it had written nothing: then it is the proxy itself that asks.
      const address = addressIn(hop.trim());
      if (address === undefined) break;
      known = address;
    }
    return known;
  };
}

/** An address, perhaps with a port as some proxies write it: `192.0.2.1:1234`, `[2001:db8::1]:1234`. */
function addressIn(hop: string): string | undefined {
  const [, v4, v6] = /^(?:([\d.]+)(?::\d{1,5})?|\[([\da-fA-F:.]+)\](?::\d{1,5})?)$/.exec(hop) ?? [];
  return canonicalIp(v4 ?? v6 ?? hop);
}
