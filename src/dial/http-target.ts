// Where an HTTP request goes, and where a redirect leads. Read by hand: `new URL()` mends what it is given
// (`http://0x7f.1` becomes 127.0.0.1, backslashes become slashes), and what was checked must be what is dialled.
import { DialFault } from './dial-fault.ts';
import { type Host, hostText, parseHost } from './host.ts';
import { printable } from './printable.ts';

export interface HttpTarget {
  readonly scheme: 'http' | 'https';
  readonly host: Host;
  readonly port: number;
  /** Path and query, beginning with a slash. */
  readonly path: string;
}

const DEFAULT_PORT = { http: 80, https: 443 } as const;
const MAX_LOCATION = 2048;

/** `name` or `name:port`, as in the Host header: the port only where it is not the scheme's own. */
export function authority({ scheme, host, port }: HttpTarget): string {
  return port === DEFAULT_PORT[scheme] ? hostText(host) : `${hostText(host)}:${port}`;
}

export const targetText = (target: HttpTarget): string => `${target.scheme}://${authority(target)}${target.path}`;

/** Resolves a Location against where it came from (RFC 9110 §10.2.2). Throws DialFault `redirect`. */
export function followLocation(from: HttpTarget, location: string, ports: ReadonlySet<number>): HttpTarget {
  const refuse = (why: string): never => {
    throw new DialFault('redirect', `The redirect to "${printable(location, 200)}" is not followed: ${why}`);
  };
  if (location.length > MAX_LOCATION) refuse(`it is longer than ${MAX_LOCATION} characters`);
  if (!/^[\x21-\x7e]+$/.test(location) || location.includes('\\')) refuse('it is not a plain URL');
  const [reference = ''] = location.split('#');
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(reference)?.[1]?.toLowerCase();
  if (scheme === undefined && !reference.startsWith('//')) return { ...from, path: joinPath(from.path, reference) };
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') refuse('only http and https are');

  const [, server, path = ''] = /^(?:[a-z]+:)?\/\/([^/?]*)(.*)$/i.exec(reference) ?? refuse('it names no host');
  if (server?.includes('@')) refuse('it carries user information');
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(server ?? '');
  const [, hostPart = '', portPart] = parts ?? refuse('its host is malformed');
  const host = parseHost(hostPart) ?? refuse('its host is malformed');
  const chosen = (scheme as HttpTarget['scheme'] | undefined) ?? from.scheme;
  const port = portPart === undefined ? DEFAULT_PORT[chosen] : Number(portPart);
  if (!ports.has(port)) refuse(`port ${port} is not one that redirects may lead to`);
  return { scheme: chosen, host, port, path: path.startsWith('/') ? path : `/${path}` };
}

/** A reference without a host. Dot segments stay: the server knows what it means by them. */
function joinPath(base: string, reference: string): string {
  const [directory = '/'] = /^[^?]*\//.exec(base) ?? [];
  if (reference.startsWith('/')) return reference;
  return reference.startsWith('?') ? `${base.split('?')[0]}${reference}` : `${directory}${reference}`;
}
