/** What an operator does with accounts: looks at them, takes them back, pauses them. */
import type { Clock } from '../../../clock.ts';
import type { Database } from '../../../database/database.ts';
import type { Random } from '../../../database/public-id.ts';
import type { Seal } from '../../../database/seal.ts';
import { changeStanding, findAccount, type Standing } from './store.ts';

/** Who acts, and on what. */
export interface Operator {
  readonly database: Database;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly random: Random;
  readonly realm: string;
  /** For the audit log. */
  readonly by: string;
}

export type Change = 'revoked' | 'paused' | 'unpaused';

/** The account as it is afterwards, and whether this changed it; undefined when there is none. A rehearsal says what would be. */
export async function changeAccount(
  { database, clock, random, realm, by }: Operator, id: string, change: Change, rehearsal: boolean,
): Promise<{ account: Standing; changed: boolean } | undefined> {
  const before = await findAccount(database, realm, id);
  if (before === undefined) return undefined;
  if (!isPossible[change](before)) return { account: before, changed: false };
  const now = clock.now();
  const after: Standing = { ...before, ...(change === 'revoked' ? { state: 'revoked' } : { paused: change === 'paused' ? now : undefined }) };
  if (rehearsal) return { account: after, changed: true };
  const changed = await changeStanding(database, realm, id, change, by, now, random);
  return { account: (await findAccount(database, realm, id)) ?? after, changed };
}

/** Deactivated and revoked accounts stay what they are. */
const isPossible: Readonly<Record<Change, (account: Standing) => boolean>> = {
  revoked: ({ state }) => state === 'valid',
  paused: ({ state, paused }) => state === 'valid' && paused === undefined,
  unpaused: ({ paused, names }) => paused !== undefined || names.some((each) => each.paused !== undefined),
};
