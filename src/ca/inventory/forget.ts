/**
 * Retention: the database stays the size of what is alive. Certificates, their evidence and their intents are dropped some time after
 * they have expired, a day at a time. The signing journal and the audit log keep what they say of them, and the log says since when
 * there is no more to be had from the database.
 */
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/database.ts';
import { firstIdOfDay, publicId, type Random } from '../../database/public-id.ts';
import { dayOf } from '../../x509/serial.ts';
import { auditEntry } from '../audit/entry.ts';
import { dropRecords, hasIntentsBelow } from './store.ts';

export interface Retention {
  readonly realm: string;
  /** What expired before this is not kept, ms. By a clock that may be believed: what is deleted is gone. */
  readonly before: number;
}

/** Forgets what expired too long ago. The entry comes first: a crash leaves more than the log promises, never less. */
export async function forgetExpired(
  { database, clock, random }: { readonly database: Database; readonly clock: Clock; readonly random: Random }, { realm, before }: Retention,
): Promise<void> {
  const now = clock.now();
  const day = dayOf(before);
  const bound = firstIdOfDay(day);
  if (!(await hasIntentsBelow(database, bound))) return;
  await database.commit([auditEntry(publicId(now, random), realm, 'records.forgotten', now, { before: day })]);
  await dropRecords(database, day, bound);
}
