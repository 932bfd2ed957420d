// npm run bench: how many certificates per second, what each costs, and what it could cost at best.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Run } from './client.ts';
import { measureCrls } from './crl.ts';
import { FlowDriver } from './flows.ts';
import { measureFloors } from './floors.ts';
import { measureHanging } from './hanging.ts';
import { measureIssue } from './issue.ts';
import { measureNames } from './names.ts';
import { type Options, type Peer, readOptions, USAGE } from './options.ts';
import { measureOcsp } from './ocsp.ts';
import { OwnServer } from './own-server.ts';
import { commandOf, familyOf, listenerOn, type Watched } from './processes.ts';
import { measureSlowSignatures } from './slow-signatures.ts';
import { report, type Results, type ServerFlow } from './report.ts';

/** A server that can be driven. */
interface Subject {
  readonly name: string;
  readonly driver: FlowDriver;
  readonly processes: () => readonly Watched[];
}

const SOFTHSM = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so'].find((path) => existsSync(path)) ?? '';
const progress = (text: string): void => { process.stderr.write(`${text}\n`); };

async function openPeer(peer: Peer): Promise<Subject> {
  const driver = await FlowDriver.open(peer);
  const pid = listenerOn(Number(new URL(peer.directory).port || 443));
  const name = pid === undefined ? 'peer' : (commandOf(pid).split(' ')[0]?.split('/').at(-1) ?? 'peer');
  return { name, driver, processes: () => (pid === undefined ? [] : familyOf(pid).map((each) => ({ name, pid: each }))) };
}

async function openOwn(server: OwnServer, database: string): Promise<Subject> {
  const { directoryUrl, rootFile, http01Port } = server.world;
  const driver = await FlowDriver.open({ directory: directoryUrl, ca: rootFile, http01Port, domainSuffix: 'localhost' });
  return { name: `chancery (${database.split(':')[0]})`, driver, processes: () => server.processes() };
}

/** Every subject at every number of clients; subjects alternate, so that a slow minute of the machine hits all. */
async function measureFlows(subjects: readonly Subject[], { clients, seconds }: Options): Promise<ServerFlow[]> {
  const results: ServerFlow[] = [];
  for (const count of clients) {
    const run: Run = { clients: count, seconds, warmUpSeconds: Math.max(1, seconds / 5) };
    for (const { name, driver, processes } of subjects) {
      const flow = { server: name, ...(await driver.run(run, processes)) };
      results.push(flow);
      progress(`${name}, ${count} clients: ${flow.perSecond.toFixed(0)}/s`);
    }
  }
  return results;
}

async function flowsOf(options: Options): Promise<Pick<Results, 'flows' | 'startMs'>> {
  await using stack = new AsyncDisposableStack();
  const subjects: Subject[] = [];
  let startMs: number | undefined;
  if (options.ours) {
    progress('starting the server …');
    const server = stack.use(await OwnServer.open(options.database));
    startMs = server.startMs;
    subjects.push(await openOwn(server, options.database));
  }
  if (options.peer !== undefined) subjects.push(await openPeer(options.peer));
  for (const { driver } of subjects) stack.use(driver);
  return { flows: await measureFlows(subjects, options), ...(startMs === undefined ? {} : { startMs }) };
}

async function measure(options: Options): Promise<Results> {
  const { parts, seconds, ours } = options;
  const flows = parts.has('flows') ? await flowsOf(options) : {};
  if (!ours) return flows;
  if (parts.has('floors')) progress('floors …');
  const floors = parts.has('floors') ? { floors: await measureFloors(tmpdir(), SOFTHSM) } : {};
  if (parts.has('issue')) progress('issue() alone …');
  const issue = parts.has('issue') ? { issue: await measureIssue(seconds) } : {};
  if (parts.has('latency')) progress('signatures with 25 ms added …');
  const slow = parts.has('latency') ? { slow: await measureSlowSignatures(seconds, SOFTHSM) } : {};
  if (parts.has('hanging')) progress('while 500 validations hang …');
  const hanging = parts.has('hanging') ? { hanging: await measureHanging(seconds, options.database) } : {};
  if (parts.has('crl')) progress('CRLs of a million revoked certificates …');
  const crl = parts.has('crl') ? { crl: await measureCrls(options.database) } : {};
  if (parts.has('ocsp')) progress('OCSP …');
  const ocsp = parts.has('ocsp') ? { ocsp: await measureOcsp(seconds, options.database) } : {};
  if (parts.has('names')) progress('orders with 100 names …');
  const names = parts.has('names') ? { names: await measureNames(seconds, options.database) } : {};
  return { ...flows, ...floors, ...issue, ...slow, ...hanging, ...crl, ...ocsp, ...names };
}

const words = process.argv.slice(2);
if (words.includes('--help')) console.log(USAGE);
else
  try {
    const options = readOptions(words);
    const results = await measure(options);
    console.log(options.json ? JSON.stringify(results, undefined, 2) : report(results));
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof TypeError) console.error(USAGE);
    process.exitCode = 2;
  }
