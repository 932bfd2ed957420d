/** The metrics listener: loopback by default, a port of its own, nothing else on it. Behind several fronts, the starter sums them up. */
import { randomBytes } from 'node:crypto';
import type { Generation } from '../config/generation.ts';
import { createApp } from '../http/app.ts';
import { type Listening, listenPlain } from '../http/server.ts';
import { registry, sumOfWorkers } from '../telemetry/metrics.ts';

/** This process's own figures. */
export const listenMetrics = ({ listeners }: Generation): Promise<Listening> => listen(listeners.metrics, () => registry.metrics());

/** In the primary of node:cluster: the figures of all fronts, summed. */
export const listenClusterMetrics = ({ listeners }: Generation): Promise<Listening> => listen(listeners.metrics, sumOfWorkers());

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
