/**
 * Evidence: why a certificate was issued, as one immutable, content-addressed document that outlives the operational rows.
 * Many authorizations do not fit the 8 KiB of one document: then they stand in parts, and the document names the parts' digests.
 */
import type { Write } from '../../database/database.ts';
import { canonicalJson, sha256 } from '../canonical-json.ts';
import { insertEvidence } from './store.ts';

export const MAX_EVIDENCE_BYTES = 8192;

export interface Evidence {
  readonly digest: string;
  readonly documents: readonly { readonly digest: string; readonly body: string }[];
}

/** Canonical form and digest of `document`; `authorizations` is moved into parts when the whole exceeds 8 KiB. */
export function composeEvidence(document: { readonly authorizations?: readonly unknown[] } & Record<string, unknown>): Evidence {
  const whole = describe(document);
  if (Buffer.byteLength(whole.body) <= MAX_EVIDENCE_BYTES) return { digest: whole.digest, documents: [whole] };
  const parts = split(document.authorizations ?? []).map((authorizations) => describe({ authorizations }));
  const head = describe({ ...document, authorizations: { parts: parts.map((part) => part.digest) } });
  if (Buffer.byteLength(head.body) > MAX_EVIDENCE_BYTES) throw new Error('evidence exceeds 8 KiB even in parts');
  return { digest: head.digest, documents: [head, ...parts] };
}

/** Content-addressed: a document that is already there is the same document. It goes when certificates that end on `day` go. */
export const recordEvidence = (evidence: Evidence, realm: string, day: number, created: number): Write[] =>
  evidence.documents.map(({ digest, body }) => ({ statement: insertEvidence, values: { realm, digest, day, body, created }, rows: 'any' }));

function describe(document: unknown): { digest: string; body: string } {
  const body = canonicalJson(document);
  return { digest: sha256(body), body };
}

function split(items: readonly unknown[]): unknown[][] {
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
