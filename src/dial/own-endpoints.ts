// This server's own listeners and its database, which nobody may make it dial, whatever ranges are allowed (acme.md SF-1).
import { networkInterfaces } from 'node:os';
import { canonicalIp, ipOctets, ipText, isV4Mapped } from '../x509/ip.ts';

export interface Endpoint {
  /** An address, `localhost`, or 0.0.0.0 or :: for every address of this machine. Other names are not looked up. */
  readonly host: string;
  readonly port: number;
}

/** Whether an address and port are one of `endpoints`. The machine is asked for its addresses each time, for they change. */
export function ownEndpoints(endpoints: readonly Endpoint[], addressesOfThisMachine = ofThisMachine): (address: string, port: number) => boolean {
  return (text, port) => {
    const address = plain(text);
    return endpoints.some((endpoint) => {
      if (endpoint.port !== port) return false;
      if (endpoint.host === 'localhost') return isLoopback(address);
      if (EVERY.has(endpoint.host)) return isLoopback(address) || addressesOfThisMachine().includes(address);
      return canonicalIp(endpoint.host) === address;
    });
  };
}

const EVERY: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** An IPv4-mapped address is its IPv4 address. */
function plain(text: string): string {
  const octets = ipOctets(text);
  if (octets === undefined) return text;
  return (isV4Mapped(octets) ? ipText(octets.subarray(12)) : ipText(octets)) ?? text;
}

function ofThisMachine(): string[] {
  return Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => canonicalIp(address.replace(/%.*$/, '')) ?? address));
}
