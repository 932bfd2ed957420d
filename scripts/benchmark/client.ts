// The measuring client: a process of its own, so that its work is not counted as the server's. Its parent tells it over IPC
// what to drive; it tells its parent when measuring begins and what came out.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { AcmeClient, type Directory, type Proofs, STEPS, type Step } from './acme-client.ts';
import { Connection } from './connection.ts';
import { respondToDns, respondToHttp01 } from './responders.ts';

/** What to drive, told once. */
export interface Target {
  readonly directory: string;
  readonly ca: string;
  readonly http01Port: number;
  readonly dnsPort?: number;
  readonly domainSuffix: string;
}

/** One run: so many clients at once for so long, after a warm-up that does not count. */
export interface Run {
  readonly clients: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** In each order; 1 when nothing is said. */
  readonly names?: number;
}

export type ToClient = { readonly kind: 'target'; readonly target: Target } | { readonly kind: 'run'; readonly run: Run };

/** `measuring` and `measured` bracket what counts. Times are in ms. */
export type FromClient =
  | { readonly kind: 'ready' | 'measuring' }
  | { readonly kind: 'measured'; readonly elapsed: number; readonly latencies: number[]; readonly steps: Record<Step, number>; readonly failed: number; readonly firstFailure?: string; readonly clientCpu: number };

const proofs: Proofs = new Map();
let target: Target | undefined;
let context: SecureContext;
let directory: Directory;

const tell = (message: FromClient): void => { process.send?.(message); };

async function aim(at: Target): Promise<void> {
  target = at;
  context = createSecureContext({ ca: readFileSync(at.ca), minVersion: 'TLSv1.3' });
  await respondToHttp01(at.http01Port, proofs);
  if (at.dnsPort !== undefined) await respondToDns(at.dnsPort);
  const url = new URL(at.directory);
  const connection = new Connection(url, context);
  directory = JSON.parse((await connection.request('GET', url.pathname)).body.toString()) as Directory;
  connection.close();
  tell({ kind: 'ready' });
}

async function drive({ clients, seconds, warmUpSeconds, names = 1 }: Run): Promise<void> {
  const latencies: number[] = [];
  const steps = Object.fromEntries(STEPS.map((step) => [step, 0])) as Record<Step, number>;
  let failed = 0;
  let firstFailure: string | undefined;
  let counting = false;
  let running = true;

  const one = async (client: AcmeClient): Promise<void> => {
    while (running) {
      const begun = performance.now();
      try {
        await client.issue(Array.from({ length: names }, () => `${randomBytes(8).toString('hex')}.${target?.domainSuffix}`));
        if (counting) latencies.push(performance.now() - begun);
      } catch (error) {
        failed++;
        firstFailure ??= String(error);
        if (failed > 100 && latencies.length === 0) return; // it will not get better
      }
    }
  };

  const all = Array.from({ length: clients }, () => new AcmeClient(context, directory, proofs, (step, ms) => { if (counting) steps[step] += ms; }));
  await Promise.all(all.map((client) => client.register()));
  const work = Promise.all(all.map(one));
  await after(warmUpSeconds);
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  counting = true;
  tell({ kind: 'measuring' });
  await after(seconds);
  counting = false;
  const { user, system } = process.cpuUsage(cpu);
  tell({ kind: 'measured', elapsed: performance.now() - begun, latencies: latencies.slice(), steps, failed, ...(firstFailure === undefined ? {} : { firstFailure }), clientCpu: (user + system) / 1000 });
  running = false;
  await work;
  for (const client of all) client.close();
  tell({ kind: 'ready' });
}

const after = (seconds: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });

process.on('message', (message: ToClient) => {
  const done = message.kind === 'target' ? aim(message.target) : drive(message.run);
  done.catch((error: unknown) => {
    console.error(`bench client: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  });
});
process.once('disconnect', () => process.exit());
