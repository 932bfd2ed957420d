// From an identifier to what is dialled.
import { type Host, ipHost, parseHost } from '../dial/host.ts';
import type { Name } from '../x509/name.ts';

/**
 * The host behind an identifier, a wildcard's parent for a wildcard. Undefined for what is no host: other types, and
 * a `dns` name that is or reads as an address, for that would evade the rules for addresses.
 */
export function hostOf(name: Name): Host | undefined {
  if (name.type === 'ip') return ipHost(name.value);
  if (name.type !== 'dns') return undefined;
  const host = parseHost(name.value.startsWith('*.') ? name.value.slice(2) : name.value);
  return host?.kind === 'name' ? host : undefined;
}
