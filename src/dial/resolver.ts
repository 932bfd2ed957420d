// Names to addresses, TXT and CAA records: our own stub resolver, so that we know which server said what, and so that
// what was resolved is what is dialled. It keeps no answers: a record that was mended is seen at the next attempt.
import { aliasOf, extendedErrors, valuesOf } from './dns-answer.ts';
import { type DnsServer, exchange, type Question } from './dns-exchange.ts';
import { DnsFault, type DnsOutcome, isTransient, MAX_ALIASES } from './dns-fault.ts';
import type { Gate } from './gate.ts';
import { isDnsName } from './host.ts';
import { printable } from './printable.ts';
import type { LookupRecord, Trail } from './trail.ts';

export interface ResolverConfig {
  readonly servers: readonly DnsServer[];
  /** Zone (lower-case, no trailing dot) → who is asked about it and all below it in their place; of two zones the longer one counts. */
  readonly zones: ReadonlyMap<string, readonly DnsServer[]>;
  /** Name (lower-case, no trailing dot) → addresses, in the order in which to dial them. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  readonly tcpFirst: boolean;
  /** For one question to one server. */
  readonly queryTimeoutMs: number;
  /** For one lookup: all servers, all retries, all aliases. */
  readonly lookupTimeoutMs: number;
  readonly gate: Gate;
}

export interface Found {
  readonly values: readonly string[];
  /** The names that CNAME records led through; empty when the name itself has the records. */
  readonly aliases: readonly string[];
}

export interface Call {
  readonly signal: AbortSignal;
  readonly trail: Trail;
}

/** All throw DialFault `dns`: its `outcome` tells the cases apart. */
export interface Resolver {
  /** IPv6 addresses before IPv4, each in the order of the answer. Static hosts and loopback names as configured. */
  addresses(name: string, call: Call): Promise<Found>;
  /** Each value is one record, its strings joined, one character per octet. */
  txt(name: string, call: Call): Promise<Found>;
  /** `FLAGS TAG VALUE`, all of them or none: that there are none is an answer, and no fault. */
  caa(name: string, call: Call): Promise<Found>;
}

/** How often each server is asked, as long as there is time: packets get lost. */
const ROUNDS = 2;

type Type = LookupRecord['type'];

interface Result {
  readonly outcome: DnsOutcome | 'found';
  readonly values: readonly string[];
  readonly aliases: readonly string[];
  readonly server?: DnsServer | undefined;
  readonly authentic: boolean;
  /** Extended DNS Errors (RFC 8914), for the operator and the owner of the name. */
  readonly extra: string;
}

export function openResolver(config: ResolverConfig): Resolver {
  // Where the last answer came from, for each list: a dead first server costs its timeout once and not at every question.
  const preferred = new Map<readonly DnsServer[], number>();

  /** Servers in turn until one answers. SERVFAIL is an answer, and the next server would mostly give it too. */
  async function ask(question: Question, signal: AbortSignal) {
    let last: { kind: DnsOutcome; server: DnsServer } | undefined;
    const servers = serversFor(config, question.name);
    const count = servers.length;
    const start = preferred.get(servers) ?? 0;
    for (let turn = 0; turn < count * ROUNDS && !signal.aborted; turn++) {
      const index = (start + turn) % count;
      const server = servers[index] as DnsServer;
      const answer = await exchange(server, question, {
        tcpFirst: config.tcpFirst, timeoutMs: config.queryTimeoutMs, signal,
      });
      if (answer.kind !== 'message') {
        last = { kind: answer.kind, server };
        continue;
      }
      if (!ANSWERED.has(answer.message.rcode)) {
        last = { kind: 'refused', server };
        continue;
      }
      preferred.set(servers, index);
      return { kind: 'message' as const, message: answer.message, server };
    }
    return last ?? { kind: 'timeout' as const, server: undefined };
  }

  async function lookup(name: string, type: Type, signal: AbortSignal): Promise<Result> {
    const aliases: string[] = [];
    let current = name;
    const ended = (outcome: DnsOutcome | 'found', more: Partial<Result> = {}): Result =>
      ({ outcome, values: [], aliases, authentic: false, extra: '', ...more });

    for (;;) {
      const local = type === 'A' || type === 'AAAA' ? localAddresses(config, current) : undefined;
      if (local !== undefined) {
        const values = local.filter((address) => address.includes(':') === (type === 'AAAA'));
        return ended(values.length > 0 ? 'found' : 'nodata', { values });
      }
      if (!isDnsName(current)) return ended('name');
      const answer = await ask({ name: current, type }, signal);
      if (answer.kind !== 'message') return ended(answer.kind, { server: answer.server });

      const { message, server } = answer;
      const more = { server, authentic: message.flag_ad, extra: extendedErrors(message) };
      if (message.rcode === 'SERVFAIL') return ended('servfail', more);
      const records = message.answers ?? [];
      const asked = current;
      for (let next = aliasOf(current, records); next !== undefined; next = aliasOf(current, records)) {
        if (aliases.length === MAX_ALIASES || next === name || aliases.includes(next)) return ended('aliases', more);
        aliases.push(next);
        current = next;
      }
      const values = valuesOf(current, type, records);
      if (values.length > 0) return ended('found', { ...more, values });
      if (message.rcode === 'NXDOMAIN') return ended('nxdomain', more);
      if (current === asked) return ended('nodata', more);
      // The server did not follow its CNAME to the end: ask for the end.
    }
  }

  /** Bounds, deadline and record around one or two lookups. */
  async function bounded(name: string, types: readonly Type[], { signal, trail }: Call): Promise<Result[]> {
    const began = trail.now();
    const leave = await config.gate.enter(zoneOf(name), signal);
    const limit = new AbortController();
    const stop = () => limit.abort();
    const timer = setTimeout(stop, config.lookupTimeoutMs);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const results = await Promise.all(types.map((type) => lookup(name, type, limit.signal)));
      for (const [index, result] of results.entries()) trail.lookups.push(record(name, types[index] as Type, result, trail.now() - began));
      return results;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      leave();
    }
  }

  return {
    async addresses(name, call) {
      const local = localAddresses(config, name);
      if (local !== undefined) return { values: local, aliases: [] };
      const results = await bounded(name, ['AAAA', 'A'], call);
      const values = results.flatMap((result) => result.values);
      const [first] = results.filter((result) => result.outcome !== 'found').sort(worstFirst);
      if (values.length === 0 && first !== undefined) {
        throw new DnsFault(first.outcome as DnsOutcome, name, 'addresses', first.extra);
      }
      return { values, aliases: results.find((result) => result.values.length > 0)?.aliases ?? [] };
    },

    async txt(name, call) {
      const [result] = (await bounded(name, ['TXT'], call)) as [Result];
      if (result.outcome !== 'found') throw new DnsFault(result.outcome, name, 'TXT records', result.extra);
      return result;
    },

    async caa(name, call) {
      const [result] = (await bounded(name, ['CAA'], call)) as [Result];
      if (result.outcome === 'nodata' || result.outcome === 'nxdomain') return { values: [], aliases: result.aliases };
      if (result.outcome !== 'found') throw new DnsFault(result.outcome, name, 'CAA records', result.extra);
      return result;
    },
  };
}

/** Split horizon: who knows about a zone that others have never heard of, or know otherwise. */
function serversFor({ servers, zones }: ResolverConfig, name: string): readonly DnsServer[] {
  if (zones.size === 0) return servers;
  const labels = name.toLowerCase().split('.');
  const zone = labels.map((_, index) => labels.slice(index).join('.')).find((suffix) => zones.has(suffix));
  return (zone === undefined ? undefined : zones.get(zone)) ?? servers;
}

const ANSWERED: ReadonlySet<string> = new Set(['NOERROR', 'NXDOMAIN', 'SERVFAIL']);

/** RFC 6761 §6.3: localhost names are never asked for. Then the operator's own. */
function localAddresses(config: ResolverConfig, name: string): readonly string[] | undefined {
  const configured = config.hosts.get(name);
  if (configured !== undefined) return configured;
  return name === 'localhost' || name.endsWith('.localhost') ? ['127.0.0.1', '::1'] : undefined;
}

/** Lookups are bounded by what is probably one zone, for a zone whose servers hang makes all its lookups hang. */
const zoneOf = (name: string): string => name.split('.').slice(-2).join('.');

const worstFirst = (a: Result, b: Result): number => rank(b) - rank(a);
function rank({ outcome }: Result): number {
  if (outcome === 'found') return 0;
  return isTransient(outcome) ? 3 : outcome === 'nodata' ? 1 : 2;
}

function record(name: string, type: Type, result: Result, ms: number): LookupRecord {
  return {
    name,
    type,
    outcome: result.outcome,
    ...(result.server && { resolver: `${result.server.host}#${result.server.port}` }),
    ...(result.values.length > 0 && { answers: result.values.slice(0, 4).map((value) => printable(value, 64)) }),
    ...(result.aliases.length > 0 && { aliases: result.aliases.slice(0, 4) }),
    ...(result.authentic && { authentic: true as const }),
    ms,
  };
}
