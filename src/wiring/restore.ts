/** `restore acknowledge`: opens state itself, while nothing else runs: the database, and a signer of its own to make lost signatures again. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { auditEntry } from '../ca/audit/entry.ts';
import { completeFromJournal, type SignedLine } from '../ca/issuance/complete.ts';
import { highestReceipt } from '../ca/issuance/store.ts';
import { type CompletedCrls, completeCrls } from '../ca/revocation/complete.ts';
import { sweepKeys } from '../ca/revocation/revoke.ts';
import { systemClock } from '../clock.ts';
import type { Generation } from '../config/generation.ts';
import { openDatabase } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { publicId } from '../database/public-id.ts';
import { connectSigner } from '../signing/client.ts';
import { JournalFault, type JournalLine, readJournal } from '../signing/journal.ts';
import { acknowledgeRestore } from '../signing/restore.ts';
import { runSupervisor } from '../signing/supervisor.ts';
import { loadAuthority } from './authority.ts';
import { environmentOfWorker } from './signer.ts';

export interface Restored extends CompletedCrls {
  /** Certificates that the journal holds and the database lacked. */
  readonly missing: number;
  readonly previousSigner: number;
  readonly signer: number;
}

/** @throws SupervisorFault while a signer runs, JournalFault, CompletionFault; each before anything but what was completed has changed */
export async function acknowledge(generation: Generation, workerArgv: readonly string[], newSigner: number, dryRun: boolean): Promise<Restored> {
  const clock = systemClock;
  const random = (octets: number): Uint8Array => randomBytes(octets);
  const { stateDirectory, socket, callDeadlineMs } = generation.signer;
  const authority = loadAuthority(generation);
  await using database = await openDatabase(generation.database);
  await migrate(database);
  let signerId = 0;
  let missing = 0;
  let completed: CompletedCrls;
  {
    await using _supervisor = await runSupervisor({ workerArgv, stateDirectory, callDeadlineMs, environment: environmentOfWorker(generation) });
    const connected = Promise.withResolvers<number>();
    await using signer = connectSigner({
      socket, clock, highestReceipt: (id) => highestReceipt(database, id), events: { connected: (id) => connected.resolve(id) },
    });
    signerId = await connected.promise;
    if (signer.ids.includes(newSigner)) {
      throw new JournalFault(`signer id ${newSigner} was used with this journal already (${signer.ids.join(', ')}): give one that no signer of this CA ever had`);
    }
    // A database may be restored again, and be older than an id that the signer got for the restore before.
    const highest = Math.max(...(await Promise.all(signer.ids.map((id) => highestReceipt(database, id)))));
    const parts = { clock, database, signer, random, frontId: publicId(clock.now(), random), authority: () => authority, reached: () => {} };
    const since = (purpose: JournalLine['purpose']) => linesAfter(join(stateDirectory, 'journal'), highest, purpose);
    missing = await completeFromJournal(parts, since('certificate'), dryRun);
    completed = await completeCrls(parts, since('crl'), signerId, dryRun);
    // What was completed may have a key that is blocked: it is revoked before anybody can ask for its status.
    if (!dryRun) await sweepKeys(parts);
  }
  if (dryRun) return { missing, ...completed, previousSigner: signerId, signer: signerId };
  const by = userInfo().username;
  await acknowledgeRestore({ stateDirectory, signer: signerId, newSigner, by, clock });
  await database.commit([auditEntry(publicId(clock.now(), random), generation.realm, 'restore.acknowledged', clock.now(),
    { signer: newSigner, previousSigner: signerId, completed: missing, revocations: completed.revocations, by })]);
  return { missing, ...completed, previousSigner: signerId, signer: newSigner };
}

/** Lines beyond what the database holds. A snapshot holds the intents of all lines before, and recovery settles those. */
function* linesAfter(directory: string, highest: number, purpose: JournalLine['purpose']): Generator<SignedLine> {
  for (const line of readJournal(directory)) if (line.seq > highest && line.purpose === purpose) yield line;
}
