// The resolvers that this machine is set up with.
import { readFileSync } from 'node:fs';
import { canonicalIp } from '../x509/ip.ts';
import type { DnsServer } from './dns-exchange.ts';

/** The `nameserver` lines of resolv.conf(5); 127.0.0.1 when there are none, as the C library does it. */
export function systemResolvers(path = '/etc/resolv.conf'): DnsServer[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const servers = parseResolvConf(text);
  return servers.length > 0 ? servers : [{ host: '127.0.0.1', port: 53 }];
}

/** At most three, as in the C library; those that are no plain address are left out. */
export function parseResolvConf(text: string): DnsServer[] {
  const found: DnsServer[] = [];
  for (const line of text.split('\n')) {
    const host = canonicalIp(/^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '');
    if (host !== undefined) found.push({ host, port: 53 });
  }
  return found.slice(0, 3);
}
