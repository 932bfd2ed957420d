/** SQL of issuance: evidence, intents, certificates. Writes are built here and committed together by the caller. */
import type { Database, Write } from '../../database/database.ts';
import { rawStatement, statement } from '../../database/statement.ts';
import { type Name, reverse } from '../../x509/name.ts';
import { dayOf, readSerial } from '../../x509/serial.ts';
import type { IssuedCertificate, Progress } from '../ca.ts';

export type IntentState = 'open' | 'signed' | 'closed';

/** What we mean to sign, durable before the signer is asked. */
interface IntentOf<Purpose extends 'certificate' | 'crl', Text> {
  readonly id: string;
  readonly realm: string;
  readonly purpose: Purpose;
  readonly issuer_key: string;
  /** For a CRL `crl:SHARD:NUMBER`. */
  readonly serial: string;
  readonly request_ref: Text;
  readonly door: string;
  readonly requester_kind: Text;
  readonly requester_id: Text;
  readonly profile: Text;
  readonly config_digest: string;
  readonly evidence_digest: Text;
  readonly spki_sha256: Text;
  readonly not_before: number;
  readonly not_after: number;
  readonly shard: number;
  readonly tbs: Uint8Array;
  readonly lineage_id: Text;
  readonly replaces: string | null;
  readonly front_id: string;
  readonly signer_id: number;
  readonly deadline: number;
  /** Of the request that asked: the id that runs through log lines, intent and audit entry. */
  readonly correlation: string | null;
  readonly created: number;
}
export type Intent = IntentOf<'certificate', string>;
/** A CRL is nobody's request: it has no requester, profile or evidence. */
export type CrlIntent = IntentOf<'crl', null>;

const INTENT_COLUMNS = [
  'id', 'realm', 'purpose', 'issuer_key', 'serial', 'request_ref', 'door', 'requester_kind', 'requester_id', 'profile',
  'config_digest', 'evidence_digest', 'spki_sha256', 'not_before', 'not_after', 'shard', 'tbs', 'lineage_id', 'replaces',
  'front_id', 'signer_id', 'deadline', 'correlation', 'created',
] as const satisfies readonly (keyof Intent)[];

export const insertEvidence = statement((k, p) =>
  k('evidence')
    .insert({ realm: p('realm'), digest: p('digest'), day: p('day'), body: p('body'), created: p('created') })
    .onConflict(['realm', 'digest', 'day']).ignore());

const findEvidence = statement((k, p) => k('evidence').select('body').where({ realm: p('realm'), digest: p('digest') }).limit(1));

// A blocked key gets no intent, and asking costs no statement of its own. The `|| ''` keeps SQLite from planning anew for each value.
const insertIntent = rawStatement(
  `insert into intent (${INTENT_COLUMNS.join(', ')}, state) select ${INTENT_COLUMNS.map((column) => `:${column}`).join(', ')}, 'open'
   where not exists (select 1 from blocked_key where realm = :realm || '' and spki_sha256 = :spki_sha256 || '')`);

// What was signed was signed, whatever became of its key since.
const insertSigned = statement((k, p) =>
  k('intent').insert({ ...Object.fromEntries(INTENT_COLUMNS.map((column) => [column, p(column)])), state: 'open' }));

const moveIntentRow = statement((k, p) =>
  k('intent').where({ id: p('id'), state: p('from') }).update({ state: p('to'), reason: p('reason') }));

const insertCertificate = statement((k, p) =>
  k('certificate').insert(Object.fromEntries([
    'realm', 'issuer_key', 'serial', 'not_before', 'not_after', 'profile', 'config_digest', 'spki_sha256', 'sha256', 'shard',
    'door', 'requester_kind', 'requester_id', 'request_ref', 'lineage_id', 'replaces', 'evidence_digest', 'signer_id',
    'journal_seq', 'der', 'created', 'day',
  ].map((column) => [column, p(column)]))));

const insertName = statement((k, p) =>
  k('certificate_name').insert({
    realm: p('realm'), issuer_key: p('issuer_key'), serial: p('serial'), type: p('type'), value: p('value'), reversed: p('reversed'),
    day: p('day'),
  }));

const findCertificate = statement((k, p) =>
  k('certificate').select('issuer_key', 'serial', 'der', 'not_before', 'not_after', 'sha256')
    .where({ issuer_key: p('issuer_key'), serial: p('serial'), day: p('day') }));

// A certificate is recorded with its intent's step to 'signed', and goes before it; looked for by its reference it would be in any
// partition. In the words of the index intent_request, without which SQLite would not take it.
const findLiveIntent = rawStatement(
  `select state, issuer_key, serial from intent where realm = :realm and request_ref = :request_ref and request_ref is not null and state <> 'closed'`);

// Paged by key, so that intents that cannot be settled do not stand before those that can.
const overdueIntents = rawStatement(
  `select ${INTENT_COLUMNS.join(', ')} from intent
   where state = 'open' and signer_id = :signer_id and deadline < :before and (deadline, id) > (:deadline, :id)
   order by deadline, id limit 100`);

const findBySerial = statement((k, p) =>
  k('certificate').select('serial').where({ issuer_key: p('issuer_key'), serial: p('serial') }).limit(1));

const findById = statement((k, p) => k('intent').select(...INTENT_COLUMNS).where({ id: p('id'), purpose: 'certificate' }));

const findAnyIntent = statement((k, p) => k('intent').select('id').where({ id: p('id') }));

const highestSequence = statement((k, p) =>
  k('certificate').max({ highest: 'journal_seq' }).where({ signer_id: p('signer_id') }));

export const recordIntent = (intent: Intent | CrlIntent): Write => ({ statement: insertIntent, values: { ...intent }, rows: 1 });

/** The intent of what stands in the journal already: it is recorded though its key is blocked. */
export const recordSignedIntent = (intent: Intent | CrlIntent): Write => ({ statement: insertSigned, values: { ...intent }, rows: 1 });

/** Compare-and-swap: the commit it is part of does nothing when someone else already moved the intent. */
export const moveIntent = (id: string, from: IntentState, to: IntentState, reason: string | null = null): Write =>
  ({ statement: moveIntentRow, values: { id, from, to, reason }, rows: 1 });

/** The certificate of an intent, as recorded with the signer's receipt. */
export function recordCertificate(
  intent: Intent, names: readonly Name[], signed: { der: Uint8Array; sha256: string; journalSeq: number; created: number },
): Write[] {
  const { realm, issuer_key, serial } = intent;
  const day = dayOf(intent.not_after);
  const certificate: Write = {
    statement: insertCertificate,
    values: {
      realm, issuer_key, serial, not_before: intent.not_before, not_after: intent.not_after, profile: intent.profile,
      config_digest: intent.config_digest, spki_sha256: intent.spki_sha256, sha256: signed.sha256, shard: intent.shard,
      door: intent.door, requester_kind: intent.requester_kind, requester_id: intent.requester_id,
      request_ref: intent.request_ref, lineage_id: intent.lineage_id, replaces: intent.replaces,
      evidence_digest: intent.evidence_digest, signer_id: intent.signer_id, journal_seq: signed.journalSeq,
      der: signed.der, created: signed.created, day,
    },
    rows: 1,
  };
  return [certificate, ...names.map(({ type, value }): Write => ({
    statement: insertName,
    values: { realm, issuer_key, serial, type, value, reversed: reverse({ type, value }), day },
    rows: 1,
  }))];
}

interface CertificateRow {
  issuer_key: string; serial: string; der: Uint8Array; not_before: number; not_after: number; sha256: string;
}

export async function progressOf(database: Database, realm: string, requestRef: string): Promise<Progress> {
  const intent = await database.one<{ state: IntentState; issuer_key: string; serial: string }>(findLiveIntent, { realm, request_ref: requestRef });
  if (intent?.state === 'open') return { kind: 'open' };
  const { issuer_key = '', serial = '' } = intent ?? {};
  const day = readSerial(serial)?.day;
  const row = day === undefined ? undefined : await database.one<CertificateRow>(findCertificate, { issuer_key, serial, day });
  return row === undefined ? { kind: 'none' } : { kind: 'issued', certificate: toIssued(row) };
}

export async function certificateExists(database: Database, issuerKey: string, serial: string): Promise<boolean> {
  return (await database.one(findBySerial, { issuer_key: issuerKey, serial })) !== undefined;
}

export const findIntent = (database: Database, id: string): Promise<Intent | undefined> => database.one<Intent>(findById, { id });

/** Of whatever purpose. */
export const hasIntent = async (database: Database, id: string): Promise<boolean> => (await database.one(findAnyIntent, { id })) !== undefined;

/** Open intents of a signer whose deadline is before `before`, oldest first, a page at a time. */
export async function* overdue(database: Database, signerId: number, before: number): AsyncGenerator<Intent | CrlIntent> {
  let last = { deadline: 0, id: '' };
  for (;;) {
    const page = await database.many<Intent | CrlIntent>(overdueIntents, { signer_id: signerId, before, ...last });
    yield* page;
    const end = page.at(-1);
    if (end === undefined) return;
    last = { deadline: end.deadline, id: end.id };
  }
}

/** The text of one evidence document. */
export async function evidenceBody(database: Database, realm: string, digest: string): Promise<string | undefined> {
  return (await database.one<{ body: string }>(findEvidence, { realm, digest }))?.body;
}

/** The highest journal sequence of a signer that this database holds; 0 when none. The signer fences when it knows of more. */
export async function highestReceipt(database: Database, signerId: number): Promise<number> {
  const row = await database.one<{ highest: number | null }>(highestSequence, { signer_id: signerId });
  return row?.highest ?? 0;
}

export const toIssued = (row: CertificateRow): IssuedCertificate => ({
  issuerKey: row.issuer_key, serial: row.serial, der: row.der, notBefore: row.not_before, notAfter: row.not_after, sha256: row.sha256,
});
