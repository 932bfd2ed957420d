/**
 * Recovery: finishes or closes what a crash or a lost answer left half done, on whichever front is alive.
 *
 * It touches only intents past deadline + 30 s: by then the signer refuses the request, so nothing can still be on its way.
 * The owning signer says which world it is. "Signed": its signature is recorded. "Not signed": the signer first journals that
 * nothing will ever be signed under the serial, then the request is issued anew under another serial, so that a client whose order
 * was processing finds its certificate (I8). The intent is closed in the commit of the one that takes its place, for a request between
 * the two would be lost; it is closed alone only when there is none. No answer: the intent stays open.
 */
import type { Write } from '../../database/database.ts';
import { publicId } from '../../database/public-id.ts';
import * as events from '../../telemetry/events.ts';
import { parseTbs } from '../../x509/certificate.ts';
import { isResponder, type TbsFacts } from '../../x509/shape.ts';
import { factsOf } from '../../x509/tbs.ts';
import { auditEntry } from '../audit/entry.ts';
import type { IssuanceOutcome } from '../ca.ts';
import { readEvidence } from './evidence.ts';
import { conclude, type IssuanceParts, issue } from './issue.ts';
import { type CrlIntent, type Intent, moveIntent, overdue } from './store.ts';

const GRACE_MS = 30_000;
/** A request older than this is closed but not issued anew: so are its proofs of control, and whoever asked has gone or asks again. */
const REISSUE_WITHIN_MS = 24 * 3_600_000;

/** One pass over the overdue intents of the signer that this front is connected to; resolves to how many it settled. */
export async function recoverIntents(parts: IssuanceParts): Promise<number> {
  let settled = 0;
  for (const signerId of parts.signer.ids) {
    for await (const intent of overdue(parts.database, signerId, parts.clock.now() - GRACE_MS)) {
      if (await settle(parts, intent)) settled += 1;
    }
  }
  return settled;
}

/** One intent that cannot be settled, whatever is wrong with it, must not stand in the way of the others. */
async function settle(parts: IssuanceParts, intent: Intent | CrlIntent): Promise<boolean> {
  try {
    return intent.purpose === 'certificate' ? await recoverCertificate(parts, intent) : await recoverCrl(parts, intent);
  } catch (error) {
    events.recoveryFailed({ intent: intent.id, error });
    return false;
  }
}

async function recoverCertificate(parts: IssuanceParts, intent: Intent): Promise<boolean> {
  const answer = await parts.signer.recover({
    purpose: 'certificate', issuerKey: intent.issuer_key, serial: intent.serial, intent: intent.id,
  });
  if (answer.kind === 'unavailable') return false;
  if (answer.kind === 'signed' && Buffer.compare(answer.tbs, intent.tbs) !== 0) {
    // The journal is the witness: what was signed is not what the database says was meant. An operator has to look.
    events.intentContradicted({ intent: intent.id, serial: intent.serial });
    return false;
  }
  const facts = factsOf(parseTbs(intent.tbs));
  if (answer.kind === 'signed') {
    const issuerKey = parts.authority().issuerKeys.get(intent.issuer_key);
    if (issuerKey === undefined) return false; // its certificate is gone from the configuration: only the operator can say why
    const outcome = await conclude(parts, intent, facts.names, issuerKey, answer);
    events.intentRecovered({ outcome: 'signed', profile: intent.profile });
    return outcome.kind === 'issued';
  }
  parts.reached('found-unsigned');
  const closing = closeWrites(parts, intent, 'certificate.abandoned',
    { intent: intent.id, issuerKey: intent.issuer_key, serial: intent.serial, reason: 'not signed before its deadline' });
  const anew = parts.clock.now() - intent.created < REISSUE_WITHIN_MS ? await issueAnew(parts, intent, facts, closing) : undefined;
  // Alone when the request is too old, or refused, or no more wanted (what is pending is then this very intent).
  const closed = anew?.kind !== 'issued' && (await parts.database.commit(closing));
  if (!closed && (anew === undefined || anew.kind === 'refused')) return false; // another front was faster
  events.intentRecovered({ outcome: 'closed', profile: intent.profile });
  return true;
}

/** The same request under a new serial, decided again under the configuration of now, if all holds that its door asks for. */
async function issueAnew(parts: IssuanceParts, intent: Intent, facts: TbsFacts, closing: readonly Write[]): Promise<IssuanceOutcome> {
  const recorded = await readEvidence(parts.database, intent.realm, intent.evidence_digest);
  if (recorded === undefined) throw new Error(`evidence ${intent.evidence_digest} of intent ${intent.id} is missing`);
  const profile = parts.authority().generation.profiles.get(intent.profile);
  const length = intent.not_after - intent.not_before + 1000;
  const request = { realm: intent.realm, requestRef: intent.request_ref, publicKey: facts.spki };
  return issue(parts, {
    ...request, door: intent.door, profile: intent.profile, names: facts.names, subject: facts.subject,
    ...recorded, together: [...closing, ...(parts.conditionsFor?.(request, parts.database.engine) ?? [])],
    ...(profile?.shape.validityMs === length ? {} : { notAfter: intent.not_after }),
    lineage: intent.lineage_id,
    ...(profile !== undefined && isResponder(profile.shape) ? { issuerKey: intent.issuer_key } : {}),
    ...(intent.replaces === null ? {} : { replaces: intent.replaces }),
    ...(intent.correlation === null ? {} : { correlation: intent.correlation }),
  });
}

/** A CRL is not needed any more once its time has passed: the next publication makes a newer one. */
async function recoverCrl(parts: IssuanceParts, intent: CrlIntent): Promise<boolean> {
  const answer = await parts.signer.recover({
    purpose: 'crl', issuerKey: intent.issuer_key, serial: intent.serial, intent: intent.id,
  });
  if (answer.kind === 'unavailable') return false;
  return parts.database.commit(closeWrites(parts, intent, 'crl.abandoned', {
    intent: intent.id, issuerKey: intent.issuer_key, shard: intent.shard, number: intent.serial.split(':')[2] ?? '',
    reason: answer.kind === 'signed' ? 'signed but never published: superseded' : 'not signed before its deadline',
  }));
}

function closeWrites<T extends 'certificate.abandoned' | 'crl.abandoned'>(
  parts: IssuanceParts, intent: Intent | CrlIntent, type: T, facts: Parameters<typeof auditEntry<T>>[4],
): Write[] {
  return [
    moveIntent(intent.id, 'open', 'closed', String(facts.reason)),
    auditEntry(publicId(intent.not_after, parts.random), intent.realm, type, parts.clock.now(), facts),
  ];
}
