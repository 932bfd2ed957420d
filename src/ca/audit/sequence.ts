/** The sequencer: gives waiting audit entries their places (I5: within 2 s). Runs as a leased job, harmless when run twice. */
import type { Database } from '../../database/database.ts';
import { sequenceEntries } from './store.ts';

const MAX_ROUNDS = 10; // 20,000 entries a run, then others get their turn

export async function sequenceAudit(database: Database): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (!(await sequenceEntries(database))) return;
  }
}
