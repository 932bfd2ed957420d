/**
 * The only path from a request to a certificate, top to bottom.
 *
 * The order is the safety argument (docs/issuance.md): what we mean to sign is durable before the signer is asked,
 * so a crash at any line leaves either nothing or an open intent, and recovery asks the signer which of the two worlds it is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { Database, Write } from '../../database/database.ts';
import { DatabaseUnavailable } from '../../database/errors.ts';
import { publicId, type Random } from '../../database/public-id.ts';
import type { Signer, SigningOutcome } from '../../signing/client.ts';
import * as events from '../../telemetry/events.ts';
import { assembleCertificate } from '../../x509/certificate.ts';
import type { Name } from '../../x509/name.ts';
import { publicKeyFault, spkiSha256 } from '../../x509/public-key.ts';
import { composeSerial, dayOf, SERIAL_RANDOM } from '../../x509/serial.ts';
import { type CertificateShape, isResponder } from '../../x509/shape.ts';
import { renderTbs } from '../../x509/tbs.ts';
import { auditEntry } from '../audit/entry.ts';
import type { IssuanceOutcome, IssuanceRequest, IssuedCertificate } from '../ca.ts';
import { sha256 } from '../canonical-json.ts';
import { Refusal } from '../errors.ts';
import { isBlocked } from '../revocation/store.ts';
import { composeEvidence, recordEvidence } from './evidence.ts';
import { type Authority, type IssuerKey, issuerKeyFor } from './issuer-key.ts';
import { decide } from './policy.ts';
import { Prepared } from './prepared.ts';
import { factsFor, grantValidity } from './render.ts';
import { type Intent, moveIntent, progressOf, recordCertificate, recordIntent } from './store.ts';

/** How long the signer may take before it must refuse; recovery waits 30 s more before it touches the intent. */
const SIGNING_DEADLINE_MS = 10_000;
const RETRY_AFTER_MS = 2_000;
const CONFIGURATION_LOOK_MS = 50;

export interface IssuanceParts {
  readonly clock: Clock;
  readonly database: Database;
  readonly signer: Signer;
  readonly random: Random;
  readonly frontId: string;
  readonly authority: () => Authority;
  /** Whether what certificates of this key point at can be fetched; absent where that is not asked. */
  readonly isFetchable?: (key: IssuerKey) => Promise<boolean>;
  /** What a door wants to hold (see `together`) when recovery issues one of its requests anew. */
  readonly conditionsFor?: (request: Pick<IssuanceRequest, 'realm' | 'requestRef' | 'publicKey'>, engine: Database['engine']) => readonly Write[];
  /** Called at each numbered step; tests kill the process there. */
  readonly reached: (step: IssuanceStep) => void;
}

export type IssuanceStep =
  | 'decided' | 'rendered' | 'linted' | 'intent-recorded' | 'signed' | 'certificate-recorded' | 'found-unsigned'
  | 'crl-intended' | 'crl-signed' | 'crl-published';

export async function issue(parts: IssuanceParts, request: IssuanceRequest): Promise<IssuanceOutcome> {
  const { clock, database, random } = parts;
  const authority = parts.authority();
  const now = clock.now();

  // 1. Decide: may this requester have these names under this profile? All reasons at once.
  const profile = authority.generation.profiles.get(request.profile);
  const reasons = decideAll(authority, request, now);
  if (profile === undefined || reasons.length > 0) return { kind: 'refused', reasons };
  const group = request.requester.group ?? profile.group;
  const issuerKey = issuerKeyFor(authority, profile.shape, group, request.issuerKey);
  if (issuerKey === undefined) return { kind: 'refused', reasons: [noIssuerFor(request.profile, group)] };
  parts.reached('decided');

  // 2. Render: the bytes, from the profile, the authorised names and the public key alone.
  // 3. Lint those bytes: only then can they be signed.
  const signerId = parts.signer.id ?? authority.generation.signer.id;
  const validity = grantValidity(request, profile.shape, issuerKey.shape, now);
  if (validity instanceof Refusal) return { kind: 'refused', reasons: [validity] };
  const serial = composeSerial(signerId, validity.notBefore, validity.notAfter, random(SERIAL_RANDOM));
  const facts = factsFor(request, validity, serial, profile.shape, issuerKey.shape);
  const tbs = renderTbs(profile.shape, issuerKey.shape, facts);
  parts.reached('rendered');
  const prepared = Prepared.from(tbs, profile.shape, issuerKey.shape);
  if (prepared instanceof Refusal) return { kind: 'refused', reasons: [prepared] };
  parts.reached('linted');

  // 4. Record intent, evidence and audit entry, one commit. From here on a crash leaves an open intent.
  const evidence = composeEvidence({
    names: request.names, profile: request.profile, configuration: authority.generation.digest,
    policies: request.requester.policies, lint: 'passed', requester: request.requester,
    door: request.door, ...request.evidence,
  });
  const intent: Intent = {
    id: publicId(facts.notAfter, random), realm: request.realm, purpose: 'certificate', issuer_key: issuerKey.id,
    serial: facts.serial, request_ref: request.requestRef, door: request.door, requester_kind: request.requester.kind,
    requester_id: request.requester.id, profile: request.profile, config_digest: authority.generation.digest,
    evidence_digest: evidence.digest, spki_sha256: spkiSha256(request.publicKey), not_before: facts.notBefore,
    not_after: facts.notAfter, shard: facts.shard, tbs: prepared.tbs, lineage_id: request.lineage ?? request.requestRef,
    replaces: request.replaces ?? null, front_id: parts.frontId, signer_id: signerId,
    deadline: now + SIGNING_DEADLINE_MS, correlation: request.correlation ?? null, created: now,
  };
  const intended = await database.commit([
    ...(request.together ?? []),
    ...recordEvidence(evidence, request.realm, dayOf(facts.notAfter), now),
    recordIntent(intent),
    auditEntry(publicId(facts.notAfter, random), request.realm, 'certificate.intended', now, {
      intent: intent.id, issuerKey: issuerKey.id, serial: intent.serial, profile: intent.profile,
      configDigest: intent.config_digest, door: intent.door, requesterKind: intent.requester_kind,
      requesterId: intent.requester_id, requestRef: intent.request_ref, evidence: evidence.digest,
      tbsSha256: sha256(intent.tbs), correlation: intent.correlation,
    }),
  ]);
  if (!intended) return joinOther(database, intent);
  parts.reached('intent-recorded');

  // A signer that is taking up another configuration is given a moment: what it would refuse now it will sign then.
  await untilConfigured(parts, authority);
  // Nor is a certificate signed before its CRL and its responder are there; recovery comes back to what waits for longer.
  if (!(await untilFetchable(parts, issuerKey, profile.shape))) {
    events.signingPostponed({ issuerKey: issuerKey.id, why: 'its CRLs or its OCSP responder cannot be fetched yet' });
    return { kind: 'pending', retryAfterMs: RETRY_AFTER_MS };
  }

  // 5. Sign. The signer re-checks, lints again, journals, signs and verifies.
  const outcome = await prepared.sign(parts.signer, intent.id, intent.deadline);
  parts.reached('signed');

  // 6. Record certificate and audit entry, one commit. Then, and only then, release it.
  return conclude(parts, intent, request.names, issuerKey, outcome);
}

/** What a decision is made on: the request without its key and reference, for new orders and dry runs. */
export type Question = Pick<IssuanceRequest, 'profile' | 'names' | 'subject' | 'requester' | 'notBefore' | 'notAfter' | 'backdated' | 'issuerKey'> & {
  readonly publicKey?: Uint8Array;
};

/** Policy, validity and key rules together: every reason at once, none when it would be allowed. */
export function decideAll(authority: Authority, question: Question, now: number): Refusal[] {
  const { generation, issuerKeys } = authority;
  const refusals = decide(generation, question).map(({ kind, detail, name, remedy }) => new Refusal(kind, detail, { subject: name, remedy }));
  const profile = generation.profiles.get(question.profile);
  const issuerKey = profile && issuerKeyFor(authority, profile.shape, question.requester.group ?? profile.group, question.issuerKey);
  if (profile !== undefined && issuerKey !== undefined) {
    const granted = grantValidity(question, profile.shape, issuerKey.shape, now);
    if (granted instanceof Refusal) refusals.push(granted);
  }
  if (question.publicKey === undefined) return refusals;
  const fault = publicKeyFault(question.publicKey);
  if (fault !== undefined) refusals.push(new Refusal('bad-key', fault));
  if (generation.blockedKeys.size > 0 && generation.blockedKeys.has(spkiSha256(question.publicKey))) {
    refusals.push(new Refusal('bad-key', 'the public key is on the list of blocked keys'));
  }
  for (const key of issuerKeys.values()) {
    if (Buffer.compare(key.shape.spki, question.publicKey) === 0) {
      refusals.push(new Refusal('bad-key', `the public key is that of issuer key ${key.id}`));
    }
  }
  return refusals;
}

/** What the signer's answer makes of an intent: shared by the first attempt and by recovery. */
export async function conclude(
  parts: IssuanceParts, intent: Intent, names: readonly Name[], issuerKey: IssuerKey, outcome: SigningOutcome,
): Promise<IssuanceOutcome> {
  const { clock, database, random } = parts;
  if (outcome.kind === 'unavailable') {
    events.signingPostponed({ issuerKey: intent.issuer_key, why: outcome.why });
    return { kind: 'pending', retryAfterMs: outcome.retryAfterMs };
  }
  const now = clock.now();
  const entryId = publicId(intent.not_after, random);
  if (outcome.kind === 'refused' && !isConfiguredAlike(parts, intent.config_digest)) {
    events.signingPostponed({ issuerKey: intent.issuer_key, why: 'the signer has another configuration' });
    return { kind: 'pending', retryAfterMs: RETRY_AFTER_MS };
  }
  if (outcome.kind === 'refused') {
    const reason = outcome.reasons.join('; ');
    events.signerRefused({ issuerKey: intent.issuer_key, profile: intent.profile, reason });
    await database.commit([
      moveIntent(intent.id, 'open', 'closed', reason),
      auditEntry(entryId, intent.realm, 'certificate.abandoned', now,
        { intent: intent.id, issuerKey: intent.issuer_key, serial: intent.serial, reason }),
    ]);
    return { kind: 'refused', reasons: [new Refusal('not-lawful', reason)] };
  }
  const der = assembleCertificate(intent.tbs, issuerKey.shape.algorithm, outcome.signature);
  const certificate: IssuedCertificate = {
    issuerKey: intent.issuer_key, serial: intent.serial, der, notBefore: intent.not_before, notAfter: intent.not_after,
    sha256: sha256(der),
  };
  const { signer, sequence, head } = outcome.receipt;
  let recorded: boolean;
  try {
    recorded = await database.commit([
      moveIntent(intent.id, 'open', 'signed'),
      ...recordCertificate(intent, names, { der, sha256: certificate.sha256, journalSeq: sequence, created: now }),
      auditEntry(entryId, intent.realm, 'certificate.issued', now, {
        intent: intent.id, issuerKey: intent.issuer_key, serial: intent.serial, sha256: certificate.sha256, signer, sequence, head,
      }),
    ]);
  } catch (error) {
    // The signature is journaled and can be made again: recovery will find the intent open and finish it.
    if (error instanceof DatabaseUnavailable) return { kind: 'pending', retryAfterMs: RETRY_AFTER_MS };
    throw error;
  }
  if (!recorded) return joinOther(database, intent);
  parts.reached('certificate-recorded');
  parts.signer.confirm(outcome.receipt);
  events.certificateIssued({
    profile: intent.profile, door: intent.door, serial: intent.serial, issuerKey: intent.issuer_key, correlation: intent.correlation,
  });
  return { kind: 'issued', certificate, first: true };
}

const isConfiguredAlike = ({ signer }: IssuanceParts, digest: string): boolean =>
  signer.configuration === undefined || signer.configuration === digest;

async function untilConfigured(parts: IssuanceParts, { generation }: Authority): Promise<void> {
  const end = parts.clock.now() + SIGNING_DEADLINE_MS / 2;
  while (!isConfiguredAlike(parts, generation.digest) && parts.clock.now() < end) await sleep(CONFIGURATION_LOOK_MS);
}

async function untilFetchable(parts: IssuanceParts, key: IssuerKey, shape: CertificateShape): Promise<boolean> {
  if (parts.isFetchable === undefined || isResponder(shape)) return true; // a responder's certificate points at nothing
  for (const end = parts.clock.now() + SIGNING_DEADLINE_MS / 2; !(await parts.isFetchable(key)); await sleep(CONFIGURATION_LOOK_MS)) {
    if (parts.clock.now() >= end) return false;
  }
  return true;
}

/** Someone else holds this reference (another front, a double click, a retry, recovery: what they made is the answer), or the key is blocked. */
async function joinOther(database: Database, { realm, request_ref, spki_sha256 }: Intent): Promise<IssuanceOutcome> {
  const progress = await progressOf(database, realm, request_ref);
  if (progress.kind === 'issued') return { kind: 'issued', certificate: progress.certificate, first: false };
  if (progress.kind === 'open') return { kind: 'pending', retryAfterMs: RETRY_AFTER_MS };
  if (await isBlocked(database, realm, spki_sha256)) {
    return { kind: 'refused', reasons: [new Refusal('bad-key', 'the public key is blocked: it is known to others than its owner')] };
  }
  return { kind: 'refused', reasons: [new Refusal('moved-on', 'the request changed while it was being decided: look at it again')] };
}

const noIssuerFor = (profile: string, group: string): Refusal =>
  new Refusal('profile-not-allowed', `no active issuer key of group "${group}" may sign profile "${profile}"`);
