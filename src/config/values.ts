/** The small texts of a configuration and what they mean: durations, addresses, URLs, names. Each throws `Unfit`. */
import { parseCertificate } from '../x509/certificate.ts';
import { ipOctets, ipText, isV4Mapped } from '../x509/ip.ts';
import { parseDnsName } from '../x509/name.ts';
import { decodePem } from '../x509/pem.ts';
import { shown } from './fault.ts';
import type { AddressRange, Listen } from './generation.ts';
import { Unfit } from './schema.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `160h` to milliseconds. Zero and more than ten years are refused. */
export function duration(text: string): number {
  const [, count = '', unit = ''] = /^([1-9][0-9]{0,8})(ms|s|m|h|d)$/.exec(text) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? Number.NaN);
  if (!Number.isFinite(milliseconds)) throw new Unfit(`${shown(text)} is not like 90d or 12h`);
  if (milliseconds > 3660 * 86_400_000) throw new Unfit(`${shown(text)} is more than ten years`);
  return milliseconds;
}

/** Milliseconds to the shortest text that `duration` reads. */
export function durationText(milliseconds: number): string {
  const [unit, size] = Object.entries(UNITS)
    .toReversed()
    .find(([, length]) => milliseconds % length === 0) ?? ['ms', 1];
  return `${milliseconds / size}${unit}`;
}

/** `66%` to 66: a whole number from 1 to 99. */
export function percent(text: string): number {
  const [, number = ''] = /^([1-9][0-9]?)%$/.exec(text) ?? [];
  if (number === '') throw new Unfit(`${shown(text)} is not like 66%, from 1% to 99%`);
  return Number(number);
}

/** One certificate in PEM, to its DER in base64. */
export function certificatePem(text: string): string {
  try {
    const [der, ...more] = decodePem('CERTIFICATE', text);
    if (der === undefined || more.length > 0) throw new Error('it is not one certificate');
    parseCertificate(der);
    return Buffer.from(der).toString('base64');
  } catch (error) {
    throw new Unfit(`is no certificate in PEM: ${(error as Error).message}`);
  }
}

/** Names of profiles, policies, groups, directories, realms and issuer keys: they stand in URLs, paths and records. */
export function simpleName(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new Unfit(`${shown(text)} is not a name: lower-case letters, digits and inner hyphens, at most 63`);
}

/** `127.0.0.1:8443` or `[::1]:8443`. */
export function listen(text: string): Listen {
  const [, host = '', port = ''] =
    /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  if (host === '' || Number(port) > 65_535) throw new Unfit(`${shown(text)} is not like 127.0.0.1:8443 or [::1]:8443`);
  return { host: host === 'localhost' ? host : address(host), port: Number(port) };
}

/** A DNS server, `10.0.0.53`, `10.0.0.53:5353` or `[fd00::53]:5353`; port 53 when none is given. */
export function resolver(text: string): Listen {
  const withPort = /^\[.*\]:|^[^:]*:[0-9]+$/.test(text);
  const server = withPort ? listen(text) : { host: address(text), port: 53 };
  if (server.host === 'localhost')
    throw new Unfit(`${shown(text)} is not an address: name resolvers by their addresses`);
  return server;
}

/** An IP address, to its canonical text (RFC 5952, dotted decimal). Octal, zones and IPv4-mapped forms are refused. */
export const address = (text: string): string => ipText(octetsOf(text)) ?? '';

function octetsOf(text: string): Uint8Array {
  const octets = ipOctets(text);
  if (octets === undefined) throw new Unfit(`${shown(text)} is not an IP address`);
  if (isV4Mapped(octets))
    throw new Unfit(`${shown(text)} is an IPv4 address written as IPv6: write ${octets.subarray(12).join('.')}`);
  return octets;
}

/** `10.0.0.0/8`, or one address. Bits beyond the prefix are refused, for they show that something else was meant. */
export function range(text: string): AddressRange {
  const [, host = '', prefixText] = /^([^/]+)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
  const octets = octetsOf(host === '' ? text : host);
  const prefix = Number(prefixText ?? octets.length * 8);
  if (prefix > octets.length * 8) throw new Unfit(`${shown(text)} is not a range like 10.0.0.0/8 or fc00::/7`);
  const network = octets.map((octet, at) => octet & networkBits(prefix, at));
  const canonical = `${ipText(network)}/${prefix}`;
  if (Buffer.compare(network, octets) !== 0)
    throw new Unfit(`${shown(text)} has bits beyond /${prefix}: write ${canonical}`);
  return { text: canonical, octets: [...network], prefix };
}

/** The bits of the octet at `at` that belong to the network. */
const networkBits = (prefix: number, at: number): number =>
  (0xff00 >> Math.max(0, Math.min(8, prefix - at * 8))) & 0xff;

/** Whether two ranges share an address. */
export function overlap(a: AddressRange, b: AddressRange): boolean {
  if (a.octets.length !== b.octets.length) return false;
  const prefix = Math.min(a.prefix, b.prefix);
  return a.octets.every((octet, at) => ((octet ^ (b.octets[at] ?? 0)) & networkBits(prefix, at)) === 0);
}

/** An http or https URL in canonical form, without trailing slash, query, fragment or user. */
export const baseUrl =
  (scheme: 'http' | 'https') =>
  (text: string): string => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== `${scheme}:`) throw new Unfit(`${shown(text)} is not an ${scheme} URL`);
    if (url.username !== '' || url.password !== '') throw new Unfit('holds a user or password: leave them out');
    if (/[?#]/.test(text)) throw new Unfit(`${shown(text)} has a query or fragment: leave it out`);
    if (text.endsWith('/')) throw new Unfit(`${shown(text)} ends in a slash: leave it out`);
    const canonical = `${url.origin}${url.pathname === '/' ? '' : url.pathname}`;
    if (text !== canonical) throw new Unfit(`${shown(text)} is not written as URLs compare: write ${canonical}`);
    return canonical;
  };

/** A page that people read: any http or https URL. */
export function pageUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new Unfit(`${shown(text)} is not an https URL`);
}

/** A path below the state directory. Absolute paths stay as they are; a path that climbs out is refused. */
export function statePath(text: string): string {
  if (text === '' || text.includes('\0')) throw new Unfit(`${shown(text)} is not a path`);
  if (text.split('/').includes('..')) throw new Unfit(`${shown(text)} leads out of the state directory`);
  return text;
}

/** A DNS name in canonical form, without a wildcard. */
export function dnsName(text: string): string {
  if (text.includes('*'))
    throw new Unfit(
      `${shown(text)} has a wildcard: suffixes cover all names below, wildcards list wildcard certificates`,
    );
  return dnsNameOrWildcard(text);
}

/** A DNS name in canonical form; `*.` may stand in front. */
export function dnsNameOrWildcard(text: string): string {
  const { value, fault } = parseDnsName(text);
  if (value === undefined) throw new Unfit(`${shown(text)} is no DNS name: ${fault}`);
  return value;
}

/**
 * A URI pattern: scheme and authority literal, then path segments; `*` is any one segment, a last `**` one or more.
 * Queries and fragments are refused: names have none.
 */
export function uriPattern(text: string): string {
  const [, path] = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._:[\]-]+((?:\/[^/?#]*)*)$/.exec(text) ?? [];
  if (path === undefined)
    throw new Unfit(`${shown(text)} is not like spiffe://example.internal/ns/*/sa/*, without * before the path`);
  const segments = path.split('/').slice(1);
  segments.forEach((segment, at) => {
    if (segment === '' && segments.length > 1) throw new Unfit(`${shown(text)} has an empty path segment`);
    if (segment === '**' && at < segments.length - 1)
      throw new Unfit(`${shown(text)} has ** before its end: it may only be the last segment`);
    if (segment.includes('*') && segment !== '*' && segment !== '**')
      throw new Unfit(`${shown(text)} has * within a segment: it stands for a whole one`);
  });
  return text;
}
