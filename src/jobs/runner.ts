/**
 * Runs the job table. A leased job runs on the front that holds its lease, which it renews at half of its life: most runs
 * ask the database nothing. A job never overlaps itself; one that fails is reported and runs again at its next time.
 */
import { schedule, type ScheduledTask } from 'node-cron';
import * as events from '../telemetry/events.ts';
import type { Job } from './table.ts';

/** The consumer's view of database/lease.ts. */
export interface Leases {
  acquire(name: string, holder: string, ttlMs: number): Promise<{ readonly token: number } | undefined>;
  release(name: string, holder: string): Promise<void>;
}

export interface RunnerParts {
  readonly jobs: readonly Job[];
  readonly leases: Leases;
  readonly holder: string;
  /** Milliseconds since whenever, which nobody can set: a clock that is put back must not make a lease last. */
  readonly elapsed: () => number;
}

export interface Runner extends AsyncDisposable {
  /** Runs a job now, out of turn, lease or not; for start-up and tests. */
  runNow(name: string): Promise<void>;
}

const LEASE_MS = 10_000;
const DRAIN_MS = 3_000;

export function startJobs({ jobs, leases, holder, elapsed }: RunnerParts): Runner {
  const heldUntil = new Map<string, number>();
  const running = new Map<string, Promise<void>>();
  let stopping = false;

  const mayRun = async (job: Job): Promise<boolean> => {
    if (job.on === 'each') return true;
    const asked = elapsed();
    if ((heldUntil.get(job.name) ?? 0) - asked > LEASE_MS / 2) return true;
    const lease = await leases.acquire(`job:${job.name}`, holder, LEASE_MS);
    if (lease === undefined) heldUntil.delete(job.name);
    else heldUntil.set(job.name, asked + LEASE_MS);
    return lease !== undefined;
  };

  const runOnce = (job: Job, leased: boolean): Promise<void> => {
    const already = running.get(job.name);
    if (already !== undefined) return already;
    const run = (async () => {
      try {
        if (!leased || (await mayRun(job))) await job.run();
      } catch (error) {
        if (!stopping) events.jobFailed({ job: job.name, error });
      } finally {
        running.delete(job.name);
      }
    })();
    running.set(job.name, run);
    return run;
  };

  const tasks: ScheduledTask[] = jobs.map((job) => schedule(job.schedule, () => runOnce(job, true), { name: job.name }));

  return {
    async runNow(name) {
      const job = jobs.find((candidate) => candidate.name === name);
      if (job === undefined) throw new Error(`no job "${name}"`);
      await runOnce(job, false);
    },
    async [Symbol.asyncDispose]() {
      stopping = true;
      for (const task of tasks) await task.destroy();
      await Promise.race([Promise.all(running.values()), new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())]);
      // Handing the leases back lets another front go on at once; if this fails they simply run out.
      await Promise.all([...heldUntil.keys()].map((name) => leases.release(`job:${name}`, holder).catch(() => {})));
    },
  };
}
