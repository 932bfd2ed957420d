/**
 * Revokes many certificates, a step at a time: each step looks at some thousands, in the order of their keys, and says where to go on. The
 * caller holds that place, so nothing is lost when either side dies: a step that is done again finds its certificates revoked.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { RevocationRequest } from '../ca.ts';
import { REASON_CODE } from './reason.ts';
import { refusals, revoke, revokeBatch, type RevocationParts } from './revoke.ts';
import { type Candidate, candidatesAfter } from './store.ts';

/** What is given must all be so. Times in ms UTC, of issuance, `issuedTo` excluded. */
export interface Selection {
  readonly issuerKey?: string;
  readonly serial?: string;
  readonly spkiSha256?: string;
  readonly requesterId?: string;
  readonly profile?: string;
  readonly issuedFrom?: number;
  readonly issuedTo?: number;
}

export interface BulkRequest extends Omit<RevocationRequest, 'issuerKey' | 'serial' | 'authority'> {
  readonly selection: Selection;
  /** Revoke only what was replaced, and what is left when this time (ms) has come. */
  readonly afterReplacement?: { readonly deadline: number };
  readonly dryRun: boolean;
  /** Where the step before ended. */
  readonly after?: Place;
}

export interface Place {
  readonly issuerKey: string;
  readonly serial: string;
}

export interface BulkStep {
  /** Certificates looked at. */
  readonly seen: number;
  /** Of those selected: good so far, revoked already, and such that this reason may not be given. */
  readonly selected: number;
  readonly already: number;
  readonly refused: number;
  /** Selected, and waiting for their replacements. */
  readonly waiting: number;
  readonly revoked: number;
  /** Of the good ones, how many belong to whom. */
  readonly owners: Readonly<Record<string, number>>;
  /** Absent when all is done. */
  readonly next?: Place;
}

const PAGES = 5;
/** Certificates in one commit, and commits at once: the loop of the process stands still for some ms, not more. */
const BATCH = 125;
const BATCHES = 4;
/** Single revocations under way at once: on SQLite they share a transaction. */
const AT_ONCE = 50;

export async function revokeSelected(parts: RevocationParts, request: BulkRequest): Promise<BulkStep> {
  const { selection, dryRun } = request;
  const now = parts.clock.now();
  const counts = { seen: 0, selected: 0, already: 0, refused: 0, waiting: 0, revoked: 0 };
  const owners: Record<string, number> = {};
  let place: Place | undefined = request.after ?? { issuerKey: '', serial: '' };
  for (let page = 0; page < PAGES && place !== undefined; page += 1) {
    const rows = await candidatesAfter(parts.database, place, selection.spkiSha256);
    counts.seen += rows.length;
    const selected = rows.filter((row) => row.realm === request.realm && row.not_after >= now && isSelected(row, selection));
    const good = selected.filter(({ reason }) => reason === null || reason === REASON_CODE.certificateHold);
    const allowed = good.filter((row) => refusals(parts, { ...request, authority: 'operator' }, row, now).length === 0);
    const ready = allowed.filter(({ replaced }) => request.afterReplacement === undefined || replaced === 1 || now >= request.afterReplacement.deadline);
    counts.selected += good.length;
    counts.already += selected.length - good.length;
    counts.refused += good.length - allowed.length;
    counts.waiting += allowed.length - ready.length;
    for (const { requester_kind, requester_id } of good) owners[`${requester_kind} ${requester_id}`] = (owners[`${requester_kind} ${requester_id}`] ?? 0) + 1;
    if (!dryRun) counts.revoked += await revokeAll(parts, request, ready);
    const last = rows.at(-1);
    place = last && { issuerKey: last.issuer_key, serial: last.serial };
    await turn();
  }
  return { ...counts, owners, ...(place === undefined ? {} : { next: place }) };
}

function isSelected(row: Candidate, { issuerKey, serial, spkiSha256, requesterId, profile, issuedFrom = 0, issuedTo = Number.POSITIVE_INFINITY }: Selection): boolean {
  return (issuerKey === undefined || row.issuer_key === issuerKey) && (serial === undefined || row.serial === serial)
    && (requesterId === undefined || row.requester_id === requesterId) && (profile === undefined || row.profile === profile)
    && row.created >= issuedFrom && row.created < issuedTo
    // The server's own (its TLS, its OCSP responders) go with their key only: without them it could not say what is revoked.
    && (row.requester_kind !== 'server' || spkiSha256 !== undefined);
}

async function revokeAll(parts: RevocationParts, request: BulkRequest, rows: readonly Candidate[]): Promise<number> {
  const { reason, door, requester, correlation = null, compromisedAt } = request;
  let revoked = 0;
  // Each compromised key is blocked, and may bring certificates with it that were not selected.
  if (reason === 'keyCompromise') {
    for (let at = 0; at < rows.length; at += AT_ONCE) {
      const outcomes = await Promise.all(rows.slice(at, at + AT_ONCE).map(({ issuer_key: issuerKey, serial }) =>
        revoke(parts, { ...request, authority: 'operator', issuerKey, serial })));
      for (const outcome of outcomes) if (outcome.kind === 'revoked') revoked += 1 + outcome.others;
    }
    return revoked;
  }
  for (let at = 0; at < rows.length; at += BATCHES * BATCH) {
    const how = { reason, now: parts.clock.now(), evidence: undefined, compromisedAt, door, requester_kind: requester.kind, requester_id: requester.id, correlation };
    const batches = Array.from({ length: BATCHES }, (_, batch) => rows.slice(at + batch * BATCH, at + (batch + 1) * BATCH));
    for (const count of await Promise.all(batches.map((batch) => revokeBatch(parts, batch, how)))) revoked += count;
    await turn();
  }
  return revoked;
}
