/**
 * Pulls renewal windows forward: the operator's means to have certificates replaced before they are revoked (RFC 9773 §4.2). A pull is a
 * row that every front reads with the certificate, so it holds for a million of them at once, and is undone by releasing that row.
 *
 * A set (a profile, a time of issuance) never includes what is issued after the pull: what was renewed would be due again at once.
 */
import type { Database, Write } from '../../database/database.ts';
import { publicId } from '../../database/public-id.ts';
import { readSerial } from '../../x509/serial.ts';
import { auditEntry } from '../audit/entry.ts';
import { Refusal } from '../errors.ts';
import type { IssuanceParts } from '../issuance/issue.ts';
import { activePulls, certificatePages, type PullRow, pullsAfter, recordPull, releasePull, renewable, replacement } from './store.ts';

export type RenewalParts = Pick<IssuanceParts, 'clock' | 'database' | 'random' | 'authority'>;

/** One certificate by its serial, or those of a profile, or all; sets narrowed to a time of issuance (ms UTC, `to` excluded). */
export interface Selection {
  readonly serial?: string;
  readonly profile?: string;
  readonly issuedFrom?: number;
  readonly issuedTo?: number;
}

/** How a pull is to be: windows spread over so long (0 is at once), what clients may show people, who said so. */
export interface Manner {
  readonly overMs: number;
  readonly explanation?: string;
  readonly by: string;
}

/** A certificate as a pull needs to know it. */
export interface Pullable {
  readonly realm: string;
  readonly issuerKey: string;
  readonly serial: string;
  readonly notAfter: number;
}

/** How long a pull of a set is kept: by then every certificate that a profile may ask for has expired (config/profile-file.ts). */
const SET_LIFETIME_MS = 3660 * 86_400_000;
/** So many rows are looked at to tell how many certificates a set has; beyond, it is told as a lower bound. */
const MOST_COUNTED = 500_000;

/** The row that a selection comes to, nothing stored. Throws Refusal for what there is not. */
export async function preparePull(parts: RenewalParts, selection: Selection, manner: Manner): Promise<PullRow> {
  const { generation } = parts.authority();
  const now = parts.clock.now();
  const { serial, profile } = selection;
  if (serial !== undefined) {
    const certificate = await findBySerial(parts, serial);
    if (certificate === undefined) throw new Refusal('bad-csr', `there is no certificate with serial ${serial} here`);
    return rowFor(parts, certificate, manner);
  }
  if (profile !== undefined && !generation.profiles.has(profile)) {
    throw new Refusal('profile-unknown', `there is no profile "${profile}": it is one of ${[...generation.profiles.keys()].join(', ')}`);
  }
  return {
    id: publicId(now + SET_LIFETIME_MS, parts.random), realm: generation.realm, scope: profile === undefined ? 'all' : `profile:${profile}`,
    issued_from: selection.issuedFrom ?? 0, issued_to: Math.min(selection.issuedTo ?? now, now), at: now, over_ms: manner.overMs,
    explanation: manner.explanation ?? null, pulled_by: manner.by, expires: now + SET_LIFETIME_MS,
  };
}

/** Puts a prepared pull in force, on every front, from its commit on. */
export async function pull(parts: RenewalParts, row: PullRow): Promise<void> {
  if (!(await parts.database.commit(pullWrites(parts, row)))) throw new Error('a random id came up twice');
}

/** The same for one certificate, as writes for the commit of whatever makes it necessary. */
export const pullOne = (parts: RenewalParts, certificate: Pullable, manner: Manner): Write[] => pullWrites(parts, rowFor(parts, certificate, manner));

/** Resolves to those of the rows that this call released. */
export async function release({ clock, database, random }: RenewalParts, rows: readonly PullRow[], by: string): Promise<PullRow[]> {
  const now = clock.now();
  const released: PullRow[] = [];
  for (const row of rows) {
    const { id, realm, scope, expires } = row;
    const entry = auditEntry(publicId(expires, random), realm, 'renewals.released', now, { pull: id, scope, by });
    if (await database.commit([releasePull(id, now), entry])) released.push(row);
  }
  return released;
}

/** What is in force for exactly this selection: the same scope, the same times. Times left out were "until the pull", whenever that was. */
export async function matching({ database }: RenewalParts, like: PullRow): Promise<PullRow[]> {
  const rows = await activePulls(database, like.realm, like.scope);
  const bounded = like.issued_to !== like.at;
  return rows.filter(({ issued_from, issued_to, at }) =>
    issued_from === like.issued_from && (bounded ? issued_to === like.issued_to : issued_to === at));
}

/**
 * What the same party pulled before and has not released: the same set, or one that ended with its own pull where this one would end later.
 * So a revocation that waits for replacements and is begun again goes on with its own set, which has none of the replacements in it.
 */
export async function unfinished({ database }: RenewalParts, like: PullRow): Promise<PullRow | undefined> {
  const rows = await activePulls(database, like.realm, like.scope);
  return rows.find(({ pulled_by, issued_from, issued_to, at }) =>
    pulled_by === like.pulled_by && issued_from === like.issued_from && (issued_to === like.issued_to || (issued_to === at && at < like.issued_to)));
}

/** A page of all pulls in force, by their ids. */
export const pullsInForce = (parts: RenewalParts, after: string): Promise<PullRow[]> =>
  pullsAfter(parts.database, parts.authority().generation.realm, after);

/** How many unexpired certificates a pull speaks about; `complete` is false when there are too many to look at them all. */
export async function countPulled(parts: RenewalParts, row: PullRow): Promise<{ certificates: number; complete: boolean }> {
  if (row.scope.startsWith('serial:')) return { certificates: 1, complete: true };
  const now = parts.clock.now();
  const profile = row.scope === 'all' ? undefined : row.scope.slice('profile:'.length);
  let looked = 0;
  let certificates = 0;
  for await (const page of certificatePages(parts.database, row.realm)) {
    looked += page.length;
    certificates += page.filter((each) => each.not_after > now && each.created >= row.issued_from && each.created < row.issued_to &&
      (profile === undefined || each.profile === profile)).length;
    if (looked >= MOST_COUNTED) return { certificates, complete: false };
  }
  return { certificates, complete: true };
}

/** The certificate that was issued to replace this one, as soon as there is one (RFC 9773 §5); for `revoke --after-replacement`. */
export async function replacementOf(
  database: Database, { realm, issuerKey, serial }: Omit<Pullable, 'notAfter'>,
): Promise<{ readonly issuerKey: string; readonly serial: string } | undefined> {
  const row = await replacement(database, realm, `${issuerKey}:${serial}`);
  return row && { issuerKey: row.issuer_key, serial: row.serial };
}

function rowFor({ clock, random }: RenewalParts, { realm, issuerKey, serial, notAfter }: Pullable, manner: Manner): PullRow {
  const now = clock.now();
  return {
    id: publicId(notAfter, random), realm, scope: `serial:${issuerKey}:${serial}`, issued_from: 0, issued_to: Number.MAX_SAFE_INTEGER, at: now,
    over_ms: manner.overMs, explanation: manner.explanation ?? null, pulled_by: manner.by, expires: notAfter,
  };
}

function pullWrites({ random }: RenewalParts, row: PullRow): Write[] {
  const { id, realm, scope, issued_from: issuedFrom, issued_to: issuedTo, over_ms: overMs, explanation, pulled_by: by, at } = row;
  const facts = { pull: id, scope, issuedFrom, issuedTo, overMs, explanation, by };
  return [...recordPull(row, at), auditEntry(publicId(row.expires, random), realm, 'renewals.pulled', at, facts)];
}

/** An operator knows a serial and not whose it is: it is looked for under every issuer key. */
async function findBySerial({ authority, database }: RenewalParts, serial: string): Promise<Pullable | undefined> {
  if (readSerial(serial) === undefined) return undefined;
  const { generation: { realm }, issuerKeys } = authority();
  for (const issuerKey of issuerKeys.keys()) {
    const [row] = await renewable(database, realm, issuerKey, serial);
    if (row !== undefined) return { realm, issuerKey, serial, notAfter: row.not_after };
  }
  return undefined;
}
