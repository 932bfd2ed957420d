// A koa server over TLS that reads each request and answers almost nothing: what HTTP alone costs. Its parent ends it.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';

const [keyFile = '', certificateFile = ''] = process.argv.slice(2);
const app = new Koa();
app.use(async (context) => {
  for await (const _ of context.req); // the body, as a server that verifies it must
  context.set('Replay-Nonce', 'x'.repeat(43));
  context.body = { status: 'valid' };
});
const handle = app.callback();
const tls = { key: readFileSync(keyFile), cert: readFileSync(certificateFile), minVersion: 'TLSv1.3' as const };
const server = createServer(tls, (request, response) => void handle(request, response));
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
