/** The job that forgets what has been over for long enough: the door's records, then the CA's. */
import type { OpenCa } from '../ca/open.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import { reckonTime } from '../database/reckoned-day.ts';
import type { AcmeDoor } from '../doors/acme/acme.ts';
import * as events from '../telemetry/events.ts';

/** The most that limits.orderLifetime may be. */
const LONGEST_ORDER_MS = 10 * 86_400_000;

export interface RetentionParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly acme: Pick<AcmeDoor, 'forgetOrders'>;
  readonly ca: { readonly work: Pick<OpenCa['work'], 'forgetExpired'> };
}

export async function forget({ database, clock, acme, ca }: RetentionParts, retentionMs: number): Promise<void> {
  const { now, behind } = await reckonTime(database, clock);
  if (behind > 0) events.clockLeapt({ days: behind });
  await acme.forgetOrders(now - retentionMs);
  // An intent says what became of its order, so it goes after it.
  await ca.work.forgetExpired(now - retentionMs - LONGEST_ORDER_MS);
}
