/** Identifiers (RFC 8555 §9.7.7, RFC 8738 §3): from a newOrder's JSON to canonical names, every fault told at once. */
import { parseDnsName, parseIpName, type ParsedName } from '../../x509/name.ts';
import { type DeviceIdentifierType, parseHardwareModule, parsePermanentIdentifier } from './device/device-identifier.ts';
import { type Fault, malformed, several } from './problem.ts';

/** As on the wire. `dns` values are lower-case A-labels, `*.` in front allowed in orders; `ip` values are canonical. */
export interface Identifier {
  readonly type: 'dns' | 'ip' | DeviceIdentifierType;
  readonly value: string;
}

/** As a newOrder asks for it. */
export interface Wanted {
  readonly identifier: Identifier;
  /** RFC 9444 §4.2: a domain above it, which the client would rather prove. */
  readonly ancestor: string | undefined;
}

const PARSERS: Readonly<Record<string, ((text: string) => ParsedName) | undefined>> = Object.assign(Object.create(null), {
  dns: parseDnsName,
  ip: parseIpName,
  'permanent-identifier': parsePermanentIdentifier,
  'hardware-module': parseHardwareModule,
});

/** RFC 8555 §7.4. Repeated identifiers collapse, in the order given. Throws AcmeError. */
export function parseIdentifiers(given: unknown, limit: number): Wanted[] {
  if (!Array.isArray(given) || given.length === 0) throw malformed('"identifiers" must be an array with at least one element.');
  if (given.length > limit) throw malformed(`Order cannot contain more than ${limit} identifiers.`);
  const faults: Fault[] = [];
  const identifiers = new Map<string, Wanted>();
  for (const item of given as unknown[]) {
    const parsed = parseIdentifier(item);
    const ancestor = 'detail' in parsed ? undefined : parseAncestor(item, parsed);
    if ('detail' in parsed) faults.push(parsed);
    else if (typeof ancestor === 'object') faults.push(ancestor);
    else identifiers.set(`${parsed.type}:${parsed.value}`, { identifier: parsed, ancestor });
  }
  if (faults.length > 0) throw several(faults);
  return [...identifiers.values()];
}

function parseIdentifier(item: unknown): Identifier | Fault {
  const { type, value } = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>;
  if (typeof type !== 'string' || typeof value !== 'string') {
    return { type: 'malformed', detail: 'An identifier is an object with the strings "type" and "value".' };
  }
  const parse = PARSERS[type];
  if (parse === undefined) {
    return { type: 'unsupportedIdentifier', detail: `Identifiers of type ${quote(type)} are not supported, only dns and ip.` };
  }
  const parsed = parse(value);
  if (parsed.value !== undefined) return { type: type as Identifier['type'], value: parsed.value };
  return { type: 'malformed', detail: `${quote(value)} is not a valid ${type} identifier: ${parsed.fault}.` };
}

function parseAncestor(item: unknown, { type, value }: Identifier): string | undefined | Fault {
  const given = (item as Record<string, unknown>)['ancestorDomain'];
  if (given === undefined || given === null) return undefined;
  const base = value.replace(/^\*\./, '');
  const ancestor = typeof given === 'string' ? parseDnsName(given).value : undefined;
  const above = ancestor !== undefined && !ancestor.startsWith('*.') && (base.endsWith(`.${ancestor}`) || (base === ancestor && base !== value));
  if (type === 'dns' && above) return ancestor;
  return { type: 'malformed', detail: `"ancestorDomain"${typeof given === 'string' ? ` ${quote(given)}` : ''} is not a domain above ${value}.` };
}

/** What a client wrote, made short and harmless for an error text. */
const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
