/**
 * What a client needs around it: a server with state of its own, the DNS that the server asks, and a desk where the client's hooks
 * ask for TXT records. The desk speaks the language of lego's httpreq provider; hooks of other clients say the same with curl.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { join } from 'node:path';
import { type DnsResponder, startDnsResponder } from '../support/dns-responder.ts';
import { type CaYaml, World, type WorldOptions } from '../support/world.ts';

export interface Lab extends AsyncDisposable {
  readonly world: World;
  readonly dns: DnsResponder;
  /** POST /present and /cleanup take {"fqdn":"_acme-challenge.zone.test.","value":"…"}; several values may stand at one name. */
  readonly deskUrl: string;
  /** TXT records that are present now, `name value`. */
  txtRecords(): string[];
  /** A new empty directory that ends with the lab. */
  folder(name: string): string;
  /** An executable shell script, for a client to call; its path. `desk present|cleanup NAME VALUE` is defined in it. */
  hook(name: string, script: string): string;
}

/** A server whose resolver is the lab's: whatever stands in its table is the truth. */
export async function openLab(configure: (ca: CaYaml) => void = () => {}, options: Omit<WorldOptions, 'configure'> = {}): Promise<Lab> {
  await using opened = new AsyncDisposableStack();
  const dns = opened.use(await startDnsResponder());
  const records = new Map<string, Set<string>>();
  const desk = await startDesk((action, name, value) => {
    const values = records.get(name) ?? new Set();
    if (action === 'present') values.add(value);
    else values.delete(value);
    records.set(name, values);
    dns.set(name, 'TXT', ...values);
  });
  opened.defer(() => new Promise<void>((resolve) => {
    desk.close(() => resolve());
    desk.closeAllConnections();
  }));
  const world = opened.use(await World.open({ ...options, configure: (ca) => {
    ca.validation.resolvers = [`127.0.0.1:${dns.port}`];
    configure(ca);
  } }));
  const deskUrl = `http://127.0.0.1:${(desk.address() as { port: number }).port}`;
  const end = opened.move();
  return {
    world, dns, deskUrl,
    txtRecords: () => [...records].flatMap(([name, values]) => [...values].map((value) => `${name} ${value}`)),
    folder(name) {
      const path = join(world.directory, name);
      mkdirSync(path);
      return path;
    },
    hook(name, script) {
      const path = join(world.directory, name);
      const say = `desk() { curl -fsS --noproxy '*' -d "{\\"fqdn\\":\\"$2\\",\\"value\\":\\"$3\\"}" ${deskUrl}/$1; }`;
      writeFileSync(path, `#!/bin/sh\nset -eu\n${say}\n${script}\n`);
      chmodSync(path, 0o755);
      return path;
    },
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}

async function startDesk(act: (action: 'present' | 'cleanup', name: string, value: string) => void): Promise<Server> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { fqdn, value } = JSON.parse(body) as { fqdn: string; value: string };
      act(request.url === '/cleanup' ? 'cleanup' : 'present', fqdn.replace(/\.$/, '').toLowerCase(), value);
      response.end();
    }).catch((error: Error) => response.writeHead(400).end(error.message));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
