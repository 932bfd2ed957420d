/** Reads what is revoked in one shard and writes it as entries of a CRL, page by page, so that everybody else gets a turn in between. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from '../../../database/database.ts';
import { CrlEntryWriter } from '../../../x509/crl-entries.ts';
import { REASON_CODE } from '../reason.ts';
import type { CrlTimes } from './due.ts';
import { entryPages, type ShardState } from './store.ts';

export interface List {
  readonly entries: Uint8Array;
  readonly count: number;
  /** Of those that the published CRL lists, how many are known, expired ones included. */
  readonly still: number;
}

export interface ListOptions {
  readonly issuerKey: string;
  readonly shard: number;
  readonly state: ShardState | undefined;
  readonly times: CrlTimes;
  /** Whether this issuer's CRLs may say certificateHold. */
  readonly holds: boolean;
}

export async function readList(database: Database, { issuerKey, shard, state, times, holds }: ListOptions): Promise<List> {
  const writer = new CrlEntryWriter();
  const before = state?.listed_from ?? Number.POSITIVE_INFINITY;
  let still = 0;
  for await (const page of entryPages(database, issuerKey, shard, Math.min(before, times.listedFrom))) {
    for (const { serial, not_after, revoked_at, reason } of page) {
      if (not_after >= before) still += 1;
      if (not_after < times.listedFrom) continue;
      // No entry is dated after thisUpdate, though the clock of the front that revoked may be ahead of ours.
      const at = Math.floor(Math.min(revoked_at, times.thisUpdate) / 1000) * 1000;
      // Where holds are not allowed any more, what was held stays listed.
      writer.add(serial, at, reason === REASON_CODE.certificateHold && !holds ? REASON_CODE.unspecified : reason);
    }
    await turn();
  }
  return { entries: writer.octets, count: writer.count, still };
}
