// The one place that opens a connection to a stranger: resolve, ask the policy about each address, dial an address
// that passed. Nothing resolves again between the check and the connection (DNS rebinding).
import { connect, type Socket } from 'node:net';
import { ipOctets } from '../x509/ip.ts';
import type { AddressPolicy } from './address-policy.ts';
import { busyNow, type DialFault, excludedTarget, faultFrom } from './dial-fault.ts';
import type { Gate } from './gate.ts';
import { type Host, hostText } from './host.ts';
import type { Call, Resolver } from './resolver.ts';

export interface ConnectorConfig {
  readonly resolver: Resolver;
  readonly policy: AddressPolicy;
  /** What is this server's own, and so never dialled. */
  readonly isOwn: (address: string, port: number) => boolean;
  readonly gate: Gate;
  readonly connectTimeoutMs: number;
}

export interface Connection {
  readonly socket: Socket;
  readonly address: string;
}

/**
 * A connected socket, which is destroyed when the call's signal says so and counts against the bounds until it is
 * closed: the caller destroys it. Tries one address of each family, the second only when the first cannot be
 * reached (RFC 8555 leaves it open; a host whose IPv6 is broken still gets its certificate). Throws DialFault.
 */
export async function openConnection(
  config: ConnectorConfig,
  host: Host,
  port: number,
  call: Call,
): Promise<Connection> {
  const addresses = host.kind === 'ip' ? [host.address] : (await config.resolver.addresses(host.name, call)).values;
  const permitted = addresses.filter((address) => config.policy.permits(address) && !config.isOwn(address, port));
  if (permitted.length === 0) {
    const [address] = addresses;
    if (address !== undefined) call.trail.dials.push({ address, port, outcome: 'excluded' });
    throw excludedTarget();
  }
  let fault: DialFault | undefined;
  for (const address of oneOfEachFamily(permitted)) {
    const began = call.trail.now();
    const record = () => ({ address, port, ms: call.trail.now() - began });
    try {
      const socket = await dial(config, address, port, call.signal);
      call.trail.dials.push({ ...record(), outcome: 'connected' });
      return { socket, address };
    } catch (error) {
      fault = faultFrom(error, 'connect', `Connecting to ${named(host, address)} port ${port}`, call.signal);
      call.trail.dials.push({ ...record(), outcome: 'failed' });
      if (call.signal.aborted || fault.kind === 'busy') break;
    }
  }
  throw fault ?? excludedTarget();
}

/** `name (address)`, or the address alone. */
export const named = (host: Host, address: string): string =>
  host.kind === 'ip' ? hostText(host) : `${host.name} (${address})`;

function oneOfEachFamily(addresses: readonly string[]): string[] {
  const isV6 = (address: string) => address.includes(':');
  const [first] = addresses;
  if (first === undefined) return [];
  const other = addresses.find((address) => isV6(address) !== isV6(first));
  return other === undefined ? [first] : [first, other];
}

async function dial(config: ConnectorConfig, address: string, port: number, signal: AbortSignal): Promise<Socket> {
  const leave = await config.gate.enter(laneOf(address), signal);
  if (signal.aborted) {
    leave();
    throw busyNow();
  }
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => socket.destroy(new TimedOut()), config.connectTimeoutMs);
    const onAbort = () => socket.destroy(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.on('error', reject); // stays: what happens after the connection is its user's to notice
    socket.once('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      leave();
    });
  });
}

/** An IPv4 address, or the /64 that an IPv6 address is in: whoever has one of its addresses has them all. */
function laneOf(address: string): string {
  const octets = address.includes(':') ? ipOctets(address) : undefined;
  return octets === undefined ? address : Buffer.from(octets.subarray(0, 8)).toString('hex');
}

class TimedOut extends Error {
  override readonly name = 'TimedOut';
  readonly code = 'ETIMEDOUT';
}
