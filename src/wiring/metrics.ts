/** The metrics listener: loopback by default, a port of its own, nothing else on it. Behind several fronts, the starter sums them up. */
import { randomBytes } from 'node:crypto';
import { AggregatorRegistry, type RegistryContentType } from 'prom-client';
import type { Generation } from '../config/generation.ts';
import { createApp } from '../http/app.ts';
import { type Listening, listenPlain } from '../http/server.ts';
import { collectProcessMetrics, registry } from '../telemetry/metrics.ts';

/** This process's own figures. */
export function listenMetrics({ listeners }: Generation): Promise<Listening> {
  collectProcessMetrics();
  return listen(listeners.metrics, () => registry.metrics());
}

/** In a worker of node:cluster: nobody listens, the primary asks. */
export function handMetricsToPrimary(): void {
  collectProcessMetrics();
  AggregatorRegistry.setRegistries([registry]);
  new AggregatorRegistry(); // making one is what sets it to answer the primary
}

/** In the primary of node:cluster: the figures of all fronts, summed. */
export function listenClusterMetrics({ listeners }: Generation): Promise<Listening> {
  const fronts = new AggregatorRegistry<RegistryContentType>();
  return listen(listeners.metrics, () => fronts.clusterMetrics());
}

function listen(where: { readonly host: string; readonly port: number }, read: () => Promise<string>): Promise<Listening> {
  const door = {
    name: 'metrics',
    routes: [{
      method: 'GET' as const, path: '/metrics',
      handle: async () => ({ status: 200, headers: { 'Content-Type': registry.contentType }, body: await read() }),
    }],
  };
  return listenPlain(createApp({ doors: [door], random: (octets) => randomBytes(octets) }), { name: 'metrics', ...where });
}
