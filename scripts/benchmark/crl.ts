// Runs the CRL loop beside a signer.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startPostgres } from '../../test/support/postgres.ts';
import { World } from '../../test/support/world.ts';
import type { CrlResult } from './crl-loop.ts';

const REVOKED = 1_000_000;
const ISSUED = 50_000;
const SHARDS = 128;
/** What scripts/start gives a front. */
const AS_STARTED = ['--max-semi-space-size=8'];

export type CrlFigures = CrlResult & { readonly database: string };

export async function measureCrls(database: string): Promise<CrlFigures> {
  await using stack = new AsyncDisposableStack();
  const postgres = database === 'postgres' ? await startPostgres() : undefined;
  stack.defer(() => postgres?.stop());
  const world = stack.use(await World.open({
    started: false, ...(postgres === undefined ? {} : { database: await postgres.createDatabase() }), configureIssuer: (issuer) => { issuer['shards'] = SHARDS; },
  }));
  await world.startSigner();
  const loop = join(import.meta.dirname, 'crl-loop.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [...AS_STARTED, loop, String(REVOKED), String(ISSUED), String(world.signer?.pid)], { env: { ...process.env, ...world.environment() } });
  return { ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as CrlResult), database };
}
