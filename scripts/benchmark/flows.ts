// Drives complete ACME flows against one server from a client process, and accounts for the server's processes meanwhile.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FromClient, Run, Target, ToClient } from './client.ts';
import { cpuOf, memoryOf, type Watched } from './processes.ts';

/** One row of the table. Times in ms, memory in MB. */
export interface FlowResult {
  readonly clients: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Mean time of each step. */
  readonly steps: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly firstFailure?: string;
  /** Server processor time per issuance, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly memory: Readonly<Record<string, number>>;
  /** Processor time of the measuring client per issuance: it runs on the same cores. */
  readonly clientCpu: number;
}

export class FlowDriver implements Disposable {
  readonly #client: ChildProcess;

  private constructor(client: ChildProcess) {
    this.#client = client;
  }

  static async open(target: Target): Promise<FlowDriver> {
    const driver = new FlowDriver(fork(join(import.meta.dirname, 'client.ts'), { serialization: 'advanced' }));
    driver.#tell({ kind: 'target', target });
    await driver.#hear('ready');
    return driver;
  }

  /** `watched` is asked when measuring begins, since processes come and go. */
  async run(run: Run, watched: () => readonly Watched[]): Promise<FlowResult> {
    this.#tell({ kind: 'run', run });
    await this.#hear('measuring');
    const processes = watched();
    const before = processes.map(({ pid }) => cpuOf(pid));
    const { elapsed, latencies, steps, failed, firstFailure, clientCpu } = await this.#hear('measured');
    const used = processes.map(({ pid }, index) => cpuOf(pid) - (before[index] ?? 0));
    const memory = sumBy(processes, ({ pid }) => memoryOf(pid));
    await this.#hear('ready');
    const count = Math.max(1, latencies.length);
    latencies.sort((a, b) => a - b);
    const percentile = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
    return {
      clients: run.clients, perSecond: latencies.length / (elapsed / 1000), p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99),
      steps: Object.fromEntries(Object.entries(steps).map(([step, ms]) => [step, ms / count])), failed, ...(firstFailure === undefined ? {} : { firstFailure }),
      cpu: sumBy(processes, (_, index) => (used[index] ?? 0) / count), memory, clientCpu: clientCpu / count,
    };
  }

  [Symbol.dispose](): void {
    this.#client.disconnect();
  }

  #tell(message: ToClient): void {
    this.#client.send(message);
  }

  async #hear<K extends FromClient['kind']>(kind: K): Promise<FromClient & { kind: K }> {
    const ended = new AbortController();
    const exit = (): void => ended.abort(new Error('the measuring client ended'));
    this.#client.once('exit', exit);
    try {
      const [message] = (await once(this.#client, 'message', { signal: ended.signal })) as [FromClient];
      if (message.kind !== kind) throw new Error(`the measuring client said ${message.kind} instead of ${kind}`);
      return message as FromClient & { kind: K };
    } finally {
      this.#client.off('exit', exit);
    }
  }
}

function sumBy(processes: readonly Watched[], value: (process: Watched, index: number) => number): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [index, process] of processes.entries()) sums[process.name] = (sums[process.name] ?? 0) + value(process, index);
  return sums;
}
