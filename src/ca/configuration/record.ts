/** Which configuration generation is in force, kept so that every order, intent and auditor's question can be led back to its text. */
import type { Database } from '../../database/database.ts';
import { publicId, type Random } from '../../database/public-id.ts';
import { auditEntry } from '../audit/entry.ts';
import { current, insertGeneration, replaceCurrent } from './store.ts';

export interface GenerationText {
  readonly realm: string;
  readonly digest: string;
  /** Canonical JSON, without secrets. */
  readonly canonical: string;
}

/** Records that `generation` is in force from `now` on, unless it already was; true when it changed. `by`: what brought it, for auditors. */
export async function recordGeneration(
  parts: { readonly database: Database; readonly random: Random }, generation: GenerationText, by: string, now: number,
): Promise<boolean> {
  const { realm, digest, canonical } = generation;
  const previous = await current(parts.database, realm);
  if (previous === digest) return false;
  // Two fronts that apply the same text at once: the second one's compare-and-swap fails, and rightly says nothing.
  return parts.database.commit([
    insertGeneration({ realm, digest, body: canonical, created: now }),
    replaceCurrent({ realm, digest, changed: now, previous }),
    auditEntry(publicId(now, parts.random), realm, 'configuration.applied', now, { digest, previous: previous ?? null, by }),
  ]);
}
