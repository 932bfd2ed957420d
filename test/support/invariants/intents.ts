/** I6: an order is valid exactly when its certificate is there, and what was half done is finished or closed. I1: evidence is what it was. */
import { MAX_EVIDENCE_BYTES } from '../../../src/ca/issuance/evidence.ts';
import { type Bad, type Facts, type IntentRow, keyOf, objectIn, sha256 } from './facts.ts';

export function checkIntents(facts: Facts, bad: Bad): void {
  for (const intent of facts.intents) checkState(intent, facts, bad);
  const live = facts.intents.filter(({ state, request_ref }) => state !== 'closed' && request_ref !== null);
  for (const [reference, of] of Map.groupBy(live, (row) => `${row.realm} ${row.request_ref}`)) {
    if (of.length > 1) bad('I6', `request ${reference} has ${of.length} live intents`);
  }
  for (const [reference, of] of Map.groupBy(facts.certificates, (row) => `${row.realm} ${row.request_ref}`)) {
    if (of.length > 1) bad('I6', `request ${reference} has ${of.length} certificates`);
  }
}

function checkState(intent: IntentRow, { certificateBySerial, tombstones, sources }: Facts, bad: Bad): void {
  const key = keyOf(intent);
  const { state, purpose, reason } = intent;
  // An order is shown as valid when its intent is signed (ADR 2).
  if (state === 'signed' && purpose === 'certificate' && !certificateBySerial.has(key)) bad('I6', `intent ${key} is signed and its certificate is not there`);
  if (state === 'open' && sources.settled === true) bad('I6', `intent ${key} (${purpose}) is still open`);
  // The signer has promised that nothing will come after all.
  if (state === 'closed' && reason?.startsWith('not signed') === true && !tombstones.has(key)) bad('I6', `intent ${key} was closed without a tombstone`);
}

export function checkEvidence({ evidence, evidenceByDigest, generations, entries, lines, sources }: Facts, bad: Bad): void {
  for (const { digest, body } of evidence) {
    if (sha256(body) !== digest) bad('I1', `evidence ${digest} was changed`);
    if (Buffer.byteLength(body) > MAX_EVIDENCE_BYTES) bad('I1', `evidence ${digest} exceeds 8 KiB`);
    const { parts = [] } = (objectIn(body)['authorizations'] ?? {}) as { parts?: readonly string[] };
    for (const part of parts) if (!evidenceByDigest.has(part)) bad('I1', `evidence ${digest} has lost its part ${part}`);
  }
  for (const { digest, body } of generations) if (sha256(body) !== digest) bad('I1', `configuration ${digest} was changed`);
  const written: Record<string, readonly string[]> = {
    evidence: evidence.map(({ body }) => body), 'the audit log': entries.map(({ row }) => row.body), 'the configuration': generations.map(({ body }) => body),
    'the journal': lines.map(({ note, intent, profile }) => JSON.stringify([note, intent, profile])),
  };
  for (const [what, secret] of sources.secrets ?? []) {
    for (const [where, texts] of Object.entries(written)) if (texts.some((text) => text.includes(secret))) bad('I9', `${what} stands in ${where}`);
  }
}
