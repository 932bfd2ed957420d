// Runs the CRL loop beside a signer, and watches what the signer's worker takes.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startPostgres } from '../../test/support/postgres.ts';
import { World } from '../../test/support/world.ts';
import type { CrlResult } from './crl-loop.ts';
import { cpuOf, familyOf } from './processes.ts';

const REVOKED = 1_000_000;
const ISSUED = 50_000;
const SHARDS = 128;

/** `signerCpu`: processor time of the signer, in ms, of all that was signed, the empty CRLs at the start included. */
export type CrlFigures = CrlResult & { readonly database: string; readonly signerCpu: number };

export async function measureCrls(database: string): Promise<CrlFigures> {
  await using stack = new AsyncDisposableStack();
  const postgres = database === 'postgres' ? await startPostgres() : undefined;
  stack.defer(() => postgres?.stop());
  const world = stack.use(await World.open({
    started: false, ...(postgres === undefined ? {} : { database: await postgres.createDatabase() }), configureIssuer: (issuer) => { issuer['shards'] = SHARDS; },
  }));
  await world.startSigner();
  const loop = join(import.meta.dirname, 'crl-loop.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [loop, String(REVOKED), String(ISSUED)], { env: { ...process.env, ...world.environment() } });
  const signerCpu = familyOf(world.signer?.pid ?? 0).reduce((sum, pid) => sum + cpuOf(pid), 0);
  return { ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as CrlResult), database, signerCpu };
}
