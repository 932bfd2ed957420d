/**
 * Audit entries: one row for each fact that an auditor must be able to count on, written in the commit of the fact itself.
 * This table of types is the registry: an entry of another type, or with other members, does not compile.
 */
import type { NameRules } from '../../config/generation.ts';
import type { Write } from '../../database/database.ts';
import { canonicalJson, sha256 } from '../canonical-json.ts';
import { insertEntry } from './store.ts';

export interface AuditFacts {
  'certificate.intended': {
    intent: string; issuerKey: string; serial: string; profile: string; configDigest: string; door: string;
    requesterKind: string; requesterId: string; requestRef: string; evidence: string; tbsSha256: string; correlation: string | null;
  };
  'certificate.issued': {
    intent: string; issuerKey: string; serial: string; sha256: string; signer: number; sequence: number; head: string;
  };
  /** Nothing was signed under the serial, and the signer has journaled that nothing ever will be. */
  'certificate.abandoned': { intent: string; issuerKey: string; serial: string; reason: string };
  /** `previous` is the reason that it was revoked for before. */
  'certificate.revoked': {
    issuerKey: string; serial: string; reason: string; revokedAt: number; previous: string | null; door: string; requesterKind: string;
    requesterId: string; evidence: string | null; correlation: string | null;
  };
  'certificate.unheld': {
    issuerKey: string; serial: string; door: string; requesterKind: string; requesterId: string; correlation: string | null;
  };
  'key.blocked': { spkiSha256: string; door: string; requesterKind: string; requesterId: string; correlation: string | null };
  'crl.intended': { intent: string; issuerKey: string; shard: number; number: string; tbsSha256: string };
  'crl.issued': {
    intent: string; issuerKey: string; shard: number; number: string; sha256: string; signer: number; sequence: number;
    head: string;
  };
  'crl.abandoned': { intent: string; issuerKey: string; shard: number; number: string; reason: string };
  /** OCSP responses of one responder that one front had signed between two times; the last of them has this receipt. */
  'ocsp.signed': {
    issuerKey: string; responder: string; responses: number; from: number; until: number; signer: number; sequence: number; head: string;
  };
  /** Questions about serials that are made as ours are and that we never meant to issue; `serial` is the last of them. */
  'ocsp.unissued': { issuerKey: string; asked: number; from: number; until: number; serial: string };
  /** Renewal windows pulled forward by an operator, for a set or for one certificate, and let go again. */
  'renewals.pulled': {
    pull: string; scope: string; issuedFrom: number; issuedTo: number; overMs: number; explanation: string | null; by: string;
  };
  'renewals.released': { pull: string; scope: string; by: string };
  /** `names` and `profiles` are what accounts made with it may have at most; null is all that the directory gives. */
  'credential.created': {
    credential: string; directory: string; description: string; profiles: readonly string[] | null; names: NameRules | null;
    uses: number | null; expires: number | null; by: string;
  };
  'credential.used': { credential: string; account: string; directory: string; thumbprint: string };
  /** From here on, the accounts that it made are revoked too. */
  'credential.revoked': { credential: string; by: string };
  'account.revoked': { account: string; by: string };
  'account.paused': { account: string; by: string };
  'account.unpaused': { account: string; by: string };
  /** The account failed to prove this name (`TYPE:VALUE`) so many times in a row, and may not order it until it is unpaused. */
  'account.paused-for-name': { account: string; name: string; after: number };
  'configuration.applied': { digest: string; previous: string | null; by: string };
  /** Certificates, evidence and intents that expired before this day (since 2020-01-01) were dropped; the journal still has them. */
  'records.forgotten': { before: number };
  'restore.acknowledged': { signer: number; previousSigner: number; completed: number; revocations: number; by: string };
}

export type AuditType = keyof AuditFacts;

/** The write that adds one entry. `id` is a random public id; `at` is ms UTC; the sequencer numbers the entry later. */
export function auditEntry<T extends AuditType>(
  id: string, realm: string, type: T, at: number, facts: AuditFacts[T],
): Write {
  const body = canonicalJson({ type, realm, at, ...facts });
  return { statement: insertEntry, values: { id, realm, type, at, body, hash: sha256(body) }, rows: 1 };
}
