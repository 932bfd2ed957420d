/** `restore acknowledge`: opens state itself, while nothing else runs: the database, and a signer of its own to make lost signatures again. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { auditEntry } from '../ca/audit/entry.ts';
import { completeFromJournal, type SignedLine } from '../ca/issuance/complete.ts';
import { highestReceipt } from '../ca/issuance/store.ts';
import { systemClock } from '../clock.ts';
import type { Generation } from '../config/generation.ts';
import { openDatabase } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { publicId } from '../database/public-id.ts';
import { connectSigner } from '../signing/client.ts';
import { readJournal } from '../signing/journal.ts';
import { acknowledgeRestore } from '../signing/restore.ts';
import { runSupervisor } from '../signing/supervisor.ts';
import { readSerial } from '../x509/serial.ts';
import { loadAuthority } from './authority.ts';
import { environmentOfWorker } from './signer.ts';

export interface Restored {
  /** Certificates that the journal holds and the database lacked. */
  readonly missing: number;
  readonly previousSigner: number;
  readonly signer: number;
}

/** @throws SupervisorFault while a signer runs; every other fault before anything but completed certificates has changed */
export async function acknowledge(generation: Generation, workerArgv: readonly string[], newSigner: number, dryRun: boolean): Promise<Restored> {
  const clock = systemClock;
  const random = (octets: number): Uint8Array => randomBytes(octets);
  const { stateDirectory, socket, callDeadlineMs } = generation.signer;
  const authority = loadAuthority(generation);
  await using database = await openDatabase(generation.database);
  await migrate(database);
  let signerId = 0;
  let missing = 0;
  {
    await using _supervisor = await runSupervisor({ workerArgv, stateDirectory, callDeadlineMs, environment: environmentOfWorker(generation) });
    const connected = Promise.withResolvers<number>();
    await using signer = connectSigner({
      socket, clock, highestReceipt: (id) => highestReceipt(database, id), events: { connected: (id) => connected.resolve(id) },
    });
    signerId = await connected.promise;
    const highest = await highestReceipt(database, signerId);
    const parts = { clock, database, signer, random, frontId: publicId(clock.now(), random), authority: () => authority, reached: () => {} };
    missing = await completeFromJournal(parts, linesAfter(join(stateDirectory, 'journal'), signerId, highest), signerId, dryRun);
  }
  if (dryRun) return { missing, previousSigner: signerId, signer: signerId };
  const by = userInfo().username;
  await acknowledgeRestore({ stateDirectory, signer: signerId, newSigner, by, clock });
  await database.commit([auditEntry(publicId(clock.now(), random), generation.realm, 'restore.acknowledged', clock.now(),
    { signer: newSigner, previousSigner: signerId, completed: missing, by })]);
  return { missing, previousSigner: signerId, signer: newSigner };
}

/** Certificates' lines beyond what the database holds. A snapshot holds the intents of all lines before, and recovery settles those. */
function* linesAfter(directory: string, signerId: number, highest: number): Generator<SignedLine> {
  for (const line of readJournal(directory)) {
    if (line.purpose === 'certificate' && line.seq > highest && readSerial(line.serial)?.signerId === signerId) yield line;
  }
}
