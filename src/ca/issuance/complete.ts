/**
 * Completes a database that was restored from a backup: what the signer's journal holds and the database has lost is recorded again,
 * with its signature made again over the journaled bytes. Who asked for it is lost; that it was signed is not.
 */
import { publicId } from '../../database/public-id.ts';
import { parseTbs } from '../../x509/certificate.ts';
import { spkiSha256 } from '../../x509/public-key.ts';
import { dayOf, readSerial } from '../../x509/serial.ts';
import { factsOf } from '../../x509/tbs.ts';
import { auditEntry } from '../audit/entry.ts';
import { sha256 } from '../canonical-json.ts';
import { composeEvidence, recordEvidence } from './evidence.ts';
import { conclude, type IssuanceParts } from './issue.ts';
import { markUnswept } from '../revocation/store.ts';
import { certificateExists, findIntent, type Intent, recordSignedIntent } from './store.ts';

/** What stands in the way of completing, a sentence for the operator. */
export class CompletionFault extends Error {
  override readonly name = 'CompletionFault';
}

/** A line of the journal over a certificate or a CRL. */
export interface SignedLine {
  readonly seq: number;
  readonly time: number;
  readonly issuerKey: string;
  readonly serial: string;
  readonly intent: string;
  readonly profile?: string;
  readonly tbs: Uint8Array;
}

/** In the place of the door and the requester, which are lost. */
export const NOBODY = 'restored';

/** Resolves to how many of the lines the database lacked; with `dryRun` it only counts. @throws CompletionFault */
export async function completeFromJournal(parts: IssuanceParts, lines: Iterable<SignedLine>, dryRun: boolean): Promise<number> {
  let missing = 0;
  for (const line of lines) {
    if (await certificateExists(parts.database, line.issuerKey, line.serial)) continue;
    missing += 1;
    if (!dryRun) await complete(parts, line);
  }
  return missing;
}

async function complete(parts: IssuanceParts, line: SignedLine): Promise<void> {
  const issuerKey = parts.authority().issuerKeys.get(line.issuerKey);
  if (issuerKey === undefined) throw new CompletionFault(`journal line ${line.seq} is of issuer key ${line.issuerKey}, which is not configured`);
  const intent = (await findIntent(parts.database, line.intent)) ?? (await recordLostIntent(parts, line));
  const answer = await parts.signer.recover({
    purpose: 'certificate', issuerKey: line.issuerKey, serial: line.serial, intent: line.intent,
  });
  if (answer.kind !== 'signed') throw new CompletionFault(`the signer does not make line ${line.seq} again: ${answer.kind === 'unavailable' ? answer.why : answer.kind}`);
  const outcome = await conclude(parts, intent, factsOf(parseTbs(line.tbs)).names, issuerKey, answer);
  if (outcome.kind !== 'issued') throw new CompletionFault(`journal line ${line.seq} could not be recorded: ${outcome.kind}`);
  // The key may have been blocked and its certificates revoked while this one was not known.
  await parts.database.commit([markUnswept(intent.realm, intent.spki_sha256)]);
}

async function recordLostIntent(parts: IssuanceParts, line: SignedLine): Promise<Intent> {
  const { database, random, clock } = parts;
  const { realm, digest } = parts.authority().generation;
  const facts = factsOf(parseTbs(line.tbs));
  const signerId = readSerial(line.serial)?.signerId ?? parts.authority().generation.signer.id;
  const evidence = composeEvidence({ restored: { signer: signerId, sequence: line.seq }, policies: [] });
  const intent: Intent = {
    id: line.intent, realm, purpose: 'certificate', issuer_key: line.issuerKey, serial: line.serial, request_ref: `${NOBODY}:${line.serial}`,
    door: NOBODY, requester_kind: NOBODY, requester_id: NOBODY, profile: line.profile ?? NOBODY, config_digest: digest,
    evidence_digest: evidence.digest, spki_sha256: spkiSha256(facts.spki), not_before: facts.notBefore, not_after: facts.notAfter,
    shard: facts.shard, tbs: line.tbs, lineage_id: `${NOBODY}:${line.serial}`, replaces: null, front_id: parts.frontId, signer_id: signerId,
    deadline: line.time, correlation: null, created: line.time,
  };
  const recorded = await database.commit([
    ...recordEvidence(evidence, realm, dayOf(facts.notAfter), clock.now()),
    recordSignedIntent(intent),
    auditEntry(publicId(facts.notAfter, random), realm, 'certificate.intended', clock.now(), {
      intent: intent.id, issuerKey: intent.issuer_key, serial: intent.serial, profile: intent.profile, configDigest: digest, door: NOBODY,
      requesterKind: NOBODY, requesterId: NOBODY, requestRef: intent.request_ref, evidence: evidence.digest, tbsSha256: sha256(line.tbs), correlation: null,
    }),
  ]);
  if (!recorded) throw new CompletionFault(`the intent of journal line ${line.seq} could not be recorded`);
  return intent;
}
