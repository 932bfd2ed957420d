// Runs the issue() loop beside a signer: once as it is, and once with 25 ms added to every signature, as a network HSM would.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { World, type WorldOptions } from '../../test/support/world.ts';
import type { IssueRate } from './issue-loop.ts';

const CALLERS = 64;

/** Certificates per second by issue() alone, recorded and durable. */
export async function measureIssue(seconds: number, options: WorldOptions = {}): Promise<IssueRate> {
  await using world = await World.open({ ...options, started: false });
  await world.startSigner();
  const loop = join(import.meta.dirname, 'issue-loop.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [loop, String(seconds), String(CALLERS)], { env: { ...process.env, ...world.environment() } });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as IssueRate;
}
