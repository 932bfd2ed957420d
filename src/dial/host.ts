// The host part of a target: a DNS name or an address, in one spelling only.
import { canonicalIp } from '../x509/ip.ts';

export type Host = { readonly kind: 'name'; readonly name: string } | { readonly kind: 'ip'; readonly address: string };

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * Reads a host as it stands in a URL (an IPv6 address in brackets) or as a `dns` identifier. Lower-cases and drops
 * one trailing dot. Undefined for everything else: zones, and odd spellings of IPv4 (`0x7f.1`, `017700000001`,
 * `127.1`), which a resolver or a URL library down the road might take for an address.
 */
export function parseHost(text: string): Host | undefined {
  if (text.startsWith('[') && text.endsWith(']')) {
    const inside = text.slice(1, -1);
    return inside.includes(':') ? ipHost(inside) : undefined;
  }
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  if (!isDnsName(name)) return undefined;
  return endsInNumber(name) ? ipHost(name) : { kind: 'name', name };
}

/** An address as text, without brackets; its canonical form (RFC 5952). */
export function ipHost(text: string): Host | undefined {
  const address = canonicalIp(text);
  return address === undefined ? undefined : { kind: 'ip', address };
}

/** The host as it stands in a URL and in the Host header. */
export function hostText(host: Host): string {
  if (host.kind === 'name') return host.name;
  return host.address.includes(':') ? `[${host.address}]` : host.address;
}

/** Lower-case letters, digits, hyphens and underscores, in labels of at most 63 octets and together at most 253. */
export function isDnsName(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => LABEL.test(label));
}

/** WHATWG URL, "ends in a number": such a host is an IPv4 address or nothing. */
function endsInNumber(name: string): boolean {
  return /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name);
}
