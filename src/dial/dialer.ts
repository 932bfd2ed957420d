// Everything that reaches out to strangers, joined: one resolver, one policy, one set of bounds per process.
import { addressPolicy } from './address-policy.ts';
import type { DnsServer } from './dns-exchange.ts';
import { Gate } from './gate.ts';
import type { Host } from './host.ts';
import { type HttpAnswer, httpGet } from './http.ts';
import type { HttpTarget } from './http-target.ts';
import { type Endpoint, ownEndpoints } from './own-endpoints.ts';
import { systemResolvers } from './resolv-conf.ts';
import { type Call, openResolver, type Resolver } from './resolver.ts';
import { type TlsAsk, type TlsPeer, tlsPeer } from './tls.ts';

/** The dialling part of `validation` in ca.yaml. */
export interface DialerConfig {
  readonly resolvers: 'system' | readonly DnsServer[];
  readonly zoneResolvers: ReadonlyMap<string, readonly DnsServer[]>;
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly loopback: boolean;
  readonly redirectPorts: readonly number[];
  /** This server's listeners and its database. */
  readonly own?: readonly Endpoint[];
  readonly connectTimeoutMs: number;
  /** Only TCP to resolvers, which nobody can forge answers to from the side. */
  readonly tcpFirst?: boolean;
  readonly queryTimeoutMs?: number;
  readonly lookupTimeoutMs?: number;
}

export interface Dialer {
  readonly resolver: Resolver;
  get(target: HttpTarget, call: Call): Promise<HttpAnswer>;
  tlsPeer(host: Host, port: number, ask: TlsAsk, call: Call): Promise<TlsPeer>;
}

// A place is held for at most the total timeout of a validation. Towards one address or within one zone few of all
// places may be held, so that a stranger who hangs slows nobody else down. Those who wait hold nothing.
const CONNECTIONS = { total: 1536, perKey: 128, waiting: 8192, waitingPerKey: 2048 };
const LOOKUPS = { total: 1024, perKey: 64, waiting: 8192, waitingPerKey: 2048, waitMs: 2000 };

/** Reads resolv.conf(5) when the resolvers are the system's; throws when an address range is not one. */
export function openDialer(config: DialerConfig): Dialer {
  const resolver = openResolver({
    servers: config.resolvers === 'system' ? systemResolvers() : config.resolvers,
    zones: config.zoneResolvers,
    hosts: config.hosts,
    tcpFirst: config.tcpFirst ?? false,
    queryTimeoutMs: config.queryTimeoutMs ?? 2000,
    lookupTimeoutMs: config.lookupTimeoutMs ?? 6000,
    gate: new Gate(LOOKUPS),
  });
  const connector = {
    resolver,
    policy: addressPolicy(config),
    isOwn: ownEndpoints(config.own ?? []),
    gate: new Gate({ ...CONNECTIONS, waitMs: config.connectTimeoutMs }),
    connectTimeoutMs: config.connectTimeoutMs,
  };
  const http = { ...connector, redirectPorts: new Set(config.redirectPorts) };
  return {
    resolver,
    get: (target, call) => httpGet(http, target, call),
    tlsPeer: (host, port, ask, call) => tlsPeer(connector, host, port, ask, call),
  };
}
