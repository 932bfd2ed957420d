/**
 * Lifting the fence after the database was restored from a backup (`chancery restore acknowledge`). The signer must be
 * stopped: this takes its lock. Completing the database from the journal comes first and is the caller's work.
 */
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { CrlNumbers } from './crl-numbers.ts';
import { Journal, JournalFault, readJournal } from './journal.ts';
import { NOTHING } from './journal-line.ts';
import { Standing } from './standing.ts';
import { lockState } from './state-lock.ts';

export interface Acknowledgement {
  readonly stateDirectory: string;
  /** The id in the configuration, which the journal has had. */
  readonly signer: number;
  /** The id from now on, never used before: serials made after the backup may be in the world, and must not come again. */
  readonly newSigner: number;
  /** Who says so, for the journal. */
  readonly by: string;
  readonly clock: Clock;
}

/** Journals the restore and gives the journal its new id. @throws SupervisorFault while a signer runs, JournalFault */
export async function acknowledgeRestore({
  stateDirectory,
  signer,
  newSigner,
  by,
  clock,
}: Acknowledgement): Promise<void> {
  using _lock = await lockState(stateDirectory);
  const directory = join(stateDirectory, 'journal');
  const standing = new Standing(stateDirectory, signer);
  if (standing.holds(newSigner)) throw new JournalFault(`signer id ${newSigner} was used with this journal already`);
  const numbers = new CrlNumbers();
  for (const line of readJournal(directory)) numbers.take(line);
  const journal = new Journal({ directory, clock, remember: () => numbers.note() });
  const note = { by, from: String(standing.signer), to: String(newSigner) };
  await journal.append({ purpose: 'restore', issuerKey: '', serial: '', core: '', intent: '', note, tbs: NOTHING });
  await journal.close();
  standing.renew(newSigner);
}
