/** A web server that clients put http-01 proofs into as files: what an nginx or Apache with a webroot does. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const CHALLENGES = '/.well-known/acme-challenge/';

/** Serves the files of `directory` below /.well-known/acme-challenge/, nothing else. */
export async function serveWebroot(directory: string, port: number): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    const token = (request.url ?? '').startsWith(CHALLENGES) ? (request.url as string).slice(CHALLENGES.length) : '';
    if (!/^[\w-]+$/.test(token)) return void response.writeHead(404).end();
    readFile(join(directory, token)).then((proof) => response.end(proof), () => response.writeHead(404).end());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
