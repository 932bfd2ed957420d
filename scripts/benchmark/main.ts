// npm run bench: how many certificates per second, what each costs, and what it could cost at best.
import type { Run } from './client.ts';
import { FlowDriver, type FlowResult } from './flows.ts';
import { type Options, type Peer, readOptions, USAGE } from './options.ts';
import { commandOf, familyOf, listenerOn, type Watched } from './processes.ts';
import { flowTable } from './tables.ts';

/** A server that can be driven. */
interface Subject {
  readonly name: string;
  readonly driver: FlowDriver;
  readonly processes: () => readonly Watched[];
}

async function openPeer(peer: Peer): Promise<Subject> {
  const driver = await FlowDriver.open(peer);
  const pid = listenerOn(Number(new URL(peer.directory).port || 443));
  const name = pid === undefined ? 'peer' : (commandOf(pid).split(' ')[0]?.split('/').at(-1) ?? 'peer');
  return { name, driver, processes: () => (pid === undefined ? [] : familyOf(pid).map((each) => ({ name, pid: each }))) };
}

/** Every subject at every number of clients; subjects alternate, so that a slow minute of the machine hits all. */
async function measureFlows(subjects: readonly Subject[], { clients, seconds }: Options): Promise<(FlowResult & { server: string })[]> {
  const results: (FlowResult & { server: string })[] = [];
  for (const count of clients) {
    const run: Run = { clients: count, seconds, warmUpSeconds: Math.max(1, seconds / 5) };
    for (const { name, driver, processes } of subjects) {
      results.push({ server: name, ...(await driver.run(run, processes)) });
      process.stderr.write(`${name}, ${count} clients: ${results.at(-1)?.perSecond.toFixed(0)}/s\n`);
    }
  }
  return results;
}

async function main(options: Options): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const subjects: Subject[] = [];
  if (options.peer !== undefined) subjects.push(await openPeer(options.peer));
  for (const { driver } of subjects) stack.use(driver);
  const flows = options.parts.has('flows') ? await measureFlows(subjects, options) : [];
  console.log(options.json ? JSON.stringify({ flows }, undefined, 2) : flowTable(flows));
}

try {
  await main(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof TypeError) console.error(USAGE);
  process.exitCode = 2;
}
