/**
 * Evidence: why a certificate was issued, as one immutable, content-addressed document that outlives the operational rows.
 * What does not fit the 8 KiB of one document (a hundred names and their proofs, a request signed with a large RSA key) stands in
 * parts, and the document names the parts' digests: members of a list a few at a time, anything else as the text of its JSON.
 */
import type { Database, Write } from '../../database/database.ts';
import type { DoorEvidence, Requester } from '../ca.ts';
import { canonicalJson, sha256 } from '../canonical-json.ts';
import { evidenceBody, insertEvidence } from './store.ts';

export const MAX_EVIDENCE_BYTES = 8192;

export interface Evidence {
  readonly digest: string;
  readonly documents: readonly { readonly digest: string; readonly body: string }[];
}

/** The members that grow with a request, in the order in which they are moved into parts. */
const MAY_STAND_APART = ['authorizations', 'request', 'names'] as const;

/** Canonical form and digest of `document`; its large members are moved into parts for as long as the whole exceeds 8 KiB. */
export function composeEvidence(document: Readonly<Record<string, unknown>>): Evidence {
  let head = describe(document);
  let left = document;
  const parts: Evidence['documents'][number][] = [];
  for (const member of MAY_STAND_APART) {
    if (Buffer.byteLength(head.body) <= MAX_EVIDENCE_BYTES) break;
    if (left[member] === undefined) continue;
    const apart = split(left[member]).map((content) => describe({ [member]: content }));
    parts.push(...apart);
    left = { ...left, [member]: { parts: apart.map(({ digest }) => digest) } };
    head = describe(left);
  }
  if (Buffer.byteLength(head.body) > MAX_EVIDENCE_BYTES) throw new Error('evidence exceeds 8 KiB even in parts');
  return { digest: head.digest, documents: [head, ...parts] };
}

/** Content-addressed: a document that is already there is the same document. It goes when certificates that end on `day` go. */
export const recordEvidence = (evidence: Evidence, realm: string, day: number, created: number): Write[] =>
  evidence.documents.map(({ digest, body }) => ({ statement: insertEvidence, values: { realm, digest, day, body, created }, rows: 'any' }));

/** What recovery needs of an evidence document: the requester, with all that bound it, and the door's part. */
export interface RecordedEvidence {
  readonly requester: Requester;
  readonly evidence: DoorEvidence;
}

/**
 * Undefined when there is no such document. What stands in parts is put together again: under another certificate it is recorded anew, and
 * stays for as long as that one. Throws when a part is missing.
 */
export async function readEvidence(database: Database, realm: string, digest: string): Promise<RecordedEvidence | undefined> {
  const body = await evidenceBody(database, realm, digest);
  if (body === undefined) return undefined;
  const { requester, ...given } = JSON.parse(body) as { readonly requester: Requester } & Readonly<Record<string, unknown>>;
  const evidence: Record<string, unknown> = {};
  for (const member of ['authorizations', 'request'] as const) {
    if (given[member] !== undefined) evidence[member] = await join(member, given[member]);
  }
  return { requester, evidence };

  async function join(member: string, value: unknown): Promise<unknown> {
    const { parts } = value as { readonly parts?: readonly string[] };
    if (parts === undefined) return value;
    const contents: unknown[] = [];
    for (const part of parts) {
      const text = await evidenceBody(database, realm, part);
      if (text === undefined) throw new Error(`part ${part} of evidence ${digest} is missing`);
      contents.push((JSON.parse(text) as Record<string, unknown>)[member]);
    }
    return Array.isArray(contents[0]) ? contents.flat() : JSON.parse(contents.join(''));
  }
}

function describe(document: unknown): { digest: string; body: string } {
  const body = canonicalJson(document);
  return { digest: sha256(body), body };
}

function split(value: unknown): unknown[] {
  if (!Array.isArray(value)) return canonicalJson(value).match(TEXT_PART) ?? [];
  return splitList(value);
}

/** Short enough for a part when every character is escaped. */
const TEXT_PART = /.{1,2500}/gsu;

function splitList(items: readonly unknown[]): unknown[][] {
  const parts: unknown[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const length = Buffer.byteLength(canonicalJson(item)) + 1;
    if (size + length > MAX_EVIDENCE_BYTES - 64) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)?.push(item);
    size += length;
  }
  return parts;
}
