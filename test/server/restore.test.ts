/** A database restored from a backup: the signer fences, nothing it signed is lost, and it opens again under a new id. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { run, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

const FILES = ['chancery.db', 'chancery.db-wal', 'chancery.db-shm'];

test('what the restored database has lost is completed from the journal', async () => {
  await using world = await World.open();
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const issue = (name: string, timeoutMs?: number) => new PersistentClient(transport, world.directoryUrl, responder).certificate([name], timeoutMs);
  const acknowledge = (...more: string[]) => run(process.execPath, [join(REPOSITORY, 'src/main.ts'), 'restore', 'acknowledge', ...more], { env: world.environment() });
  const backup = join(world.directory, 'backup');

  await issue('before.localhost');
  await world.stop();
  for (const file of FILES) if (existsSync(join(world.state, file))) cpSync(join(world.state, file), join(backup, file));
  await world.startSigner();
  await world.startFront();
  await issue('lost-1.localhost');
  await issue('lost-2.localhost');
  const restore = async (): Promise<void> => {
    await world.stop();
    for (const file of FILES) {
      rmSync(join(world.state, file), { force: true });
      if (existsSync(join(backup, file))) cpSync(join(backup, file), join(world.state, file));
    }
  };
  await restore();

  await world.startSigner();
  await world.startFront(0, {}, { ready: false });
  await until('the signer is fenced', async () => (await world.fetchFrom('status', '/readyz').catch(() => undefined))?.body.toString().includes('fenced') ?? false);
  await assert.rejects(issue('while-fenced.localhost', 2_000), /no certificate/);
  assert.equal(await world.statusOf('/crl/development-1/1.crl'), 200);
  assert.match(await run(process.execPath, [join(REPOSITORY, 'src/main.ts'), 'restore', 'acknowledge', '--signer-id', '2'], { env: world.environment(), exit: 2 }), /stop it first/);
  await world.stop();

  assert.match(await acknowledge('--signer-id', '2', '--dry-run'), /^2 certificates are in the journal/m);
  assert.match(await acknowledge('--signer-id', '2'), /^2 certificates completed/m);
  await world.startSigner();
  await world.startFront();
  await issue('after.localhost');
  await restore();
  assert.match(await acknowledge('--signer-id', '3'), /^3 certificates completed/m, 'under whatever id they were signed');
  await checkInvariants(world);
  await world.startSigner();
  await world.startFront();
  await until('what was asked while fenced is settled', async () => {
    try {
      await checkInvariants(world, { settled: true, status: true });
      return true;
    } catch (error) {
      if (/still open|no number/.test((error as Error).message)) return false;
      throw error;
    }
  }, 75_000);
});
