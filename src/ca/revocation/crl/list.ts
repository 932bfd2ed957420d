/** Reads what is revoked in one shard and writes it as entries of a CRL, page by page, so that everybody else gets a turn in between. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from '../../../database/database.ts';
import { parseCrl } from '../../../x509/crl.ts';
import { CrlEntryWriter, readSerials } from '../../../x509/crl-entries.ts';
import { REASON_CODE } from '../reason.ts';
import type { CrlTimes } from './due.ts';
import { entryPages, latest, type ShardState } from './store.ts';

export interface List {
  readonly entries: Uint8Array;
  readonly count: number;
  /** How many of those that the published CRL lists are not known to be revoked any more. What is new does not make up for them. */
  readonly missing: number;
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
  const listed = await publishedSerials(database, issuerKey, shard);
  let [next, missing] = [listed.next(), 0];
  const from = Math.min(state?.listed_from ?? times.listedFrom, times.listedFrom);
  for await (const page of entryPages(database, issuerKey, shard, { from, listedFrom: times.listedFrom })) {
    for (const { serial, at, reason } of page) {
      // Both are in the order of serials.
      for (; !next.done && next.value < serial; next = listed.next()) missing += 1;
      if (!next.done && next.value === serial) next = listed.next();
      if (reason === undefined) continue;
      // No entry is dated after thisUpdate, though the clock of the front that revoked may be ahead of ours.
      // Where holds are not allowed any more, what was held stays listed.
      writer.add(serial, Math.min(at * 1000, times.thisUpdate), reason === REASON_CODE.certificateHold && !holds ? REASON_CODE.unspecified : reason);
    }
    await turn();
  }
  for (; !next.done; next = listed.next()) missing += 1;
  return { entries: writer.octets, count: writer.count, missing };
}

async function publishedSerials(database: Database, issuerKey: string, shard: number): Promise<Iterator<string>> {
  const published = await latest(database, issuerKey, shard);
  const entries = published && parseCrl(published.der).tbs.entries;
  return readSerials(entries ?? new Uint8Array(0));
}
