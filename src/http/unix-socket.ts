/** Listening on a Unix socket: who may speak is who may open the file. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
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
  try {
    await listenForUs(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return undefined; // another front started in the same moment
  }
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => { server.close(() => resolve()); });
    },
  };
}

/** The mode is there from the first moment, and is not set by name: a front that starts beside us may just have replaced the file. */
async function listenForUs(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  const listening = once(server, 'listening');
  server.listen(path);
  process.umask(mask);
  await listening;
  if (cluster.isWorker) chmodSync(path, 0o600); // the primary made it
}

/** Whether some process listens at `path`. */
export function answersOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}
