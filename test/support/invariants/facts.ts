/** All that the invariants are checked over, read once: the tables, the journals, and how they are looked up in each other. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Authority } from '../../../src/ca/issuance/issuer-key.ts';
import { type Database, rawStatement } from '../../../src/database/database.ts';
import { type JournalLine, readJournal } from '../../../src/signing/journal.ts';
import type { Identifier } from '../../../src/doors/acme/identifier.ts';
import { ALGORITHMS, algorithmOf } from '../../../src/x509/algorithm.ts';
import { parseCertificate } from '../../../src/x509/certificate.ts';

export interface Sources {
  readonly database: Database;
  /** Directories that hold journal files, one for each state directory that a signer of this database ever had. */
  readonly journals: readonly string[];
  /** DER certificates of the issuer keys, by id. */
  readonly issuers: ReadonlyMap<string, Uint8Array>;
  /** The configuration in force: what was issued under it is linted, rendered and decided again. */
  readonly authority?: Authority;
  /** GET on a status listener; absent when no front runs. */
  readonly fetchStatus?: (path: string) => Promise<{ status: number; body: Uint8Array }>;
  /** PINs and other words that may stand nowhere, by what they are. */
  readonly secrets?: ReadonlyMap<string, string>;
  /** Nothing is under way any more: open intents and unnumbered audit entries are violations too. */
  readonly settled?: boolean;
}

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I9';
/** Notes one violation, a sentence. */
export type Bad = (invariant: Invariant, what: string) => void;
/** One part of the checker. */
export type Check = (facts: Facts, bad: Bad) => void | Promise<void>;

export interface IntentRow {
  id: string; realm: string; purpose: 'certificate' | 'crl'; issuer_key: string; serial: string; state: 'open' | 'signed' | 'closed'; reason: string | null;
  request_ref: string | null; door: string; requester_kind: string; requester_id: string; profile: string; config_digest: string; evidence_digest: string;
  spki_sha256: string; not_before: number; not_after: number; shard: number; tbs: Uint8Array; lineage_id: string; replaces: string | null;
  signer_id: number; deadline: number; created: number;
}
export interface CertificateRow extends Omit<IntentRow, 'id' | 'purpose' | 'state' | 'reason' | 'tbs' | 'deadline' | 'request_ref'> {
  request_ref: string; sha256: string; journal_seq: number; der: Uint8Array;
}
export interface ProbeRow { issuer_key: string; url: string; number: string }
export interface CrlRow {
  issuer_key: string; shard: number; number: string; this_update: number; next_update: number; listed_from: number; entries: number; sha256: string;
  der: Uint8Array; signer_id: number; journal_seq: number;
}
export interface ShardRow { issuer_key: string; shard: number; changed: number; built: number; changed_at: number | null; reserved: string }
export interface RevocationRow {
  issuer_key: string; serial: string; realm: string; spki_sha256: string; shard: number; not_after: number; day: number; reason: number; revoked_at: number;
  recorded_at: number; door: string; requester_kind: string; requester_id: string; evidence_digest: string | null;
}
export interface BlockedRow { realm: string; spki_sha256: string; blocked_at: number; swept: number | null }
export interface NameRow { issuer_key: string; serial: string; type: string; value: string }
export interface EvidenceRow { digest: string; body: string }
export interface AuditRow { id: string; realm: string; type: string; at: number; body: string; hash: string; seq: number | null }
export interface GenerationRow { digest: string; body: string }
export interface OrderRow { id: string; account: string; authorizations: string }
/** With its attempt, where there is one. */
export interface AuthorizationRow {
  id: string; account: string; type: Identifier['type']; value: string; wildcard: number; subdomains: number;
  state: string | null; proves: string | null; finished: number | null; valid_until: number | null;
}
export interface AccountRow { id: string; directory: string; jwk: string; spki_sha256: string; eab: string | null; restriction: string | null; revoked: number | null; paused: number | null }
/** A name that an account may not order, for it never proved it. */
export interface PauseRow { account: string; name: string }
export interface CredentialRow {
  id: string; directory: string; restriction: string | null; uses: number | null; used: number; expires: number | null; revoked: number | null;
}

/** An audit entry with its body read; `said` is empty when the body is no JSON object. */
export interface Entry { readonly row: AuditRow; readonly said: Readonly<Record<string, unknown>> }
/** A journal line, the journal that it stands in, and `ISSUERKEY SERIAL`. */
export interface Line extends JournalLine { readonly journal: number; readonly key: string }

export interface Facts {
  readonly sources: Sources;
  readonly intents: readonly IntentRow[];
  readonly intentById: ReadonlyMap<string, IntentRow>;
  readonly intentBySerial: ReadonlyMap<string, IntentRow>;
  readonly certificates: readonly CertificateRow[];
  readonly certificateBySerial: ReadonlyMap<string, CertificateRow>;
  readonly names: ReadonlyMap<string, readonly NameRow[]>;
  readonly evidence: readonly EvidenceRow[];
  readonly evidenceByDigest: ReadonlyMap<string, EvidenceRow>;
  readonly generations: readonly GenerationRow[];
  readonly orders: ReadonlyMap<string, OrderRow>;
  readonly authorizations: ReadonlyMap<string, AuthorizationRow>;
  readonly accounts: ReadonlyMap<string, AccountRow>;
  readonly pauses: readonly PauseRow[];
  readonly credentials: ReadonlyMap<string, CredentialRow>;
  readonly probes: readonly ProbeRow[];
  readonly crls: readonly CrlRow[];
  readonly shards: readonly ShardRow[];
  readonly revocations: readonly RevocationRow[];
  readonly blocked: readonly BlockedRow[];
  readonly entries: readonly Entry[];
  /** Entries of one type, by the intent that they are about. */
  entriesOf(type: string): ReadonlyMap<unknown, Entry>;
  /** Up to the first that does not follow from the one before. */
  readonly lines: readonly Line[];
  /** Lines over certificates or CRLs, by what they sign. */
  readonly signed: ReadonlyMap<string, Line>;
  /** Whether records of this id (its first four digits are a day) were dropped, by the word of the audit log. */
  readonly forgotten: (id: unknown) => boolean;
  readonly tombstones: ReadonlySet<string>;
  readonly journalFaults: readonly string[];
}

/** The bytes of a superseded CRL stand in the journal alone. */
export const isEmptied = ({ purpose, state, tbs }: IntentRow): boolean => purpose === 'crl' && state !== 'open' && tbs.length === 0;

export const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const keyOf = (row: { issuer_key: string; serial: string }): string => `${row.issuer_key} ${row.serial}`;
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export async function readFacts(sources: Sources): Promise<Facts> {
  const rows = <T>(sql: string): Promise<T[]> => sources.database.many<T>(rawStatement(sql));
  const intents = await rows<IntentRow>('select * from intent');
  const certificates = await rows<CertificateRow>('select * from certificate');
  const evidence = await rows<EvidenceRow>('select * from evidence');
  const entries = (await rows<AuditRow>('select * from audit_entry order by seq, at, id')).map((row) => ({ row, said: objectIn(row.body) }));
  const byType = new Map([...Map.groupBy(entries, ({ row }) => row.type)].map(([type, ofType]) => [type, new Map(ofType.map((entry) => [entry.said['intent'], entry]))]));
  const journal = readLines(sources.journals);
  return {
    sources, intents, certificates, evidence, entries, ...journal,
    intentById: new Map(intents.map((row) => [row.id, row])),
    intentBySerial: new Map(intents.map((row) => [keyOf(row), row])),
    certificateBySerial: new Map(certificates.map((row) => [keyOf(row), row])),
    names: Map.groupBy(await rows<NameRow>('select * from certificate_name'), keyOf),
    evidenceByDigest: new Map(evidence.map((row) => [row.digest, row])),
    generations: await rows<GenerationRow>('select * from configuration_generation'),
    accounts: new Map((await rows<AccountRow>('select id, directory, jwk, spki_sha256, eab, restriction, revoked, paused from acme_account')).map((row) => [row.id, row])),
    pauses: await rows<PauseRow>('select account, name from acme_pause where paused is not null'),
    credentials: new Map((await rows<CredentialRow>('select id, directory, restriction, uses, used, expires, revoked from acme_eab')).map((row) => [row.id, row])),
    orders: new Map((await rows<OrderRow>('select id, account, authorizations from acme_order')).map((row) => [row.id, row])),
    authorizations: new Map((await rows<AuthorizationRow>(
      `select z.id, z.account, z.type, z.value, z.wildcard, z.subdomains, t.state, t.proves, t.finished, t.valid_until
       from acme_authorization z left join acme_attempt t on t."authorization" = z.id`)).map((row) => [row.id, row])),
    probes: await rows<ProbeRow>("select issuer_key, url, number from probed_url where what = 'crl' and number is not null"), // before what is published, which may move on
    crls: await rows<CrlRow>('select * from crl'),
    shards: await rows<ShardRow>('select * from crl_shard'),
    revocations: await rows<RevocationRow>('select * from revocation'),
    blocked: await rows<BlockedRow>('select * from blocked_key'),
    entriesOf: (type) => byType.get(type) ?? new Map(),
    signed: new Map(journal.lines.filter(({ purpose }) => purpose === 'certificate' || purpose === 'crl').map((line) => [line.key, line])),
    forgotten: forgottenIds(entries),
    tombstones: new Set(journal.lines.filter(({ purpose }) => purpose === 'tombstone').map(({ key }) => key)),
  };
}

/** Whether the log says that the records of this id were dropped: their day has long passed, and only journal and log still tell of them. */
function forgottenIds(entries: readonly Entry[]): (id: unknown) => boolean {
  const before = Math.max(0, ...entries.filter(({ row }) => row.type === 'records.forgotten').map(({ said }) => Number(said['before'])));
  return (id) => Number.parseInt(String(id).slice(0, 4), 16) < before;
}

function readLines(journals: readonly string[]): { lines: Line[]; journalFaults: string[] } {
  const lines: Line[] = [];
  const journalFaults: string[] = [];
  for (const [journal, directory] of journals.entries()) {
    if (!existsSync(directory)) continue;
    try {
      for (const line of readJournal(directory)) lines.push({ ...line, journal, key: `${line.issuerKey} ${line.serial}` });
    } catch (error) {
      journalFaults.push((error as Error).message);
    }
  }
  return { lines, journalFaults };
}

/** The JSON object in `text`; an empty one when there is none. */
export function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Undefined when `bytes` cannot be read. */
export function readOr<T>(read: (bytes: Uint8Array) => T, bytes: Uint8Array): T | undefined {
  try {
    return read(bytes);
  } catch {
    return undefined;
  }
}

/** Whether the issuer certificate's key made this signature. */
export function verifies(issuer: Uint8Array, signed: { tbsBytes: Uint8Array; signatureAlgorithm: Uint8Array; signature: Uint8Array }): boolean {
  const algorithm = algorithmOf(signed.signatureAlgorithm);
  return algorithm !== undefined && ALGORITHMS[algorithm].verify(parseCertificate(issuer).tbs.spki, signed.tbsBytes, signed.signature);
}
