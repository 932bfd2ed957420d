// What hundreds of hosts that hang cost everybody else: the rate of complete issuances with and without them, on one server.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { AcmeClient } from '../../test/support/acme-client.ts';
import { transportTo } from '../../test/support/live-client.ts';
import { FlowDriver } from './flows.ts';
import { OwnServer } from './own-server.ts';

export interface Hanging {
  readonly clients: number;
  /** Validations that hung when measuring began, and when it ended. */
  readonly hanging: readonly [number, number];
  /** Per second: with nothing hanging, then with them. */
  readonly before: number;
  readonly during: number;
}

const HOSTS = 500;
const NAMES_PER_ORDER = 100;
const CLIENTS = 16;
/** Longer than all of the measuring, so that the same validations hang from its beginning to its end. */
const TOTAL_TIMEOUT = '120s';

export async function measureHanging(seconds: number, database: string): Promise<Hanging> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await OwnServer.open(database, (ca) => { ca.validation.totalTimeout = TOTAL_TIMEOUT; }));
  const { world } = server;
  const { directoryUrl, rootFile, http01Port } = world;
  const driver = stack.use(await FlowDriver.open({ directory: directoryUrl, ca: rootFile, http01Port, domainSuffix: 'localhost' }));
  const run = { clients: CLIENTS, seconds, warmUpSeconds: Math.max(1, seconds / 5) };
  const hosts = stack.use(await openHosts(http01Port));
  const rate = async (): Promise<number> => (await driver.run(run, () => [])).perSecond;

  const before = await rate();
  using send = transportTo(world);
  const client = await AcmeClient.registered(send, directoryUrl);
  for (let first = 0; first < HOSTS; first += NAMES_PER_ORDER) await answerAll(client, hosts.addresses.slice(first, first + NAMES_PER_ORDER));
  const atStart = await hosts.connected(HOSTS);
  const during = await rate();
  return { clients: CLIENTS, hanging: [atStart, await hosts.connected(0)], before, during };
}

/** Answers all challenges of one order at once; none of these answers says more than that it is being looked at. */
async function answerAll(client: AcmeClient, addresses: readonly string[]): Promise<void> {
  const { json: order, status, text } = await client.newOrder(addresses);
  if (status !== 201) throw new Error(`newOrder: ${status} ${text}`);
  const urls: string[] = [];
  for (const url of order.authorizations) {
    const { json } = await client.post(url);
    urls.push(json.challenges.find(({ type }: { type: string }) => type === 'http-01').url);
  }
  await Promise.all(urls.map((url) => client.post(url, {})));
}

/** Hosts that take a connection and say nothing, each at a loopback address of its own. */
async function openHosts(port: number) {
  const addresses = Array.from({ length: HOSTS }, (_, at) => `127.9.${at >> 8}.${at & 255}`);
  let open = 0;
  const servers: Server[] = [];
  for (const address of addresses) {
    const server = createServer((socket) => {
      open += 1;
      socket.on('error', () => {});
      socket.once('close', () => { open -= 1; });
    });
    server.listen(port, address);
    await once(server, 'listening');
    server.unref();
    servers.push(server);
  }
  return {
    addresses,
    /** How many connections there are, once there are at least so many. */
    async connected(least: number): Promise<number> {
      const end = Date.now() + 30_000;
      while (open < least && Date.now() < end) await new Promise((resolve) => { setTimeout(resolve, 50); });
      return open;
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) server.close();
    },
  };
}
