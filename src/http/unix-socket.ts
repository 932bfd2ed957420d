/** Listening on a Unix socket: who may speak is who may open the file. */
import cluster from 'node:cluster';
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { RequestListener } from './app.ts';

/**
 * Listens at `path` (mode 0600), replacing a socket that nobody answers. When another process of ours answers there
 * already (a second front on this machine), it goes on doing so, and undefined is returned.
 */
export async function listenUnixSocket(listener: RequestListener, path: string): Promise<AsyncDisposable | undefined> {
  // In a cluster the primary holds the socket, and removed a stale one before it started anybody.
  if (!cluster.isWorker) {
    if (await answersOn(path)) return undefined;
    rmSync(path, { force: true });
  }
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => { server.close(() => resolve()); });
    },
  };
}

/** Whether some process listens at `path`. */
export function answersOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}
