/**
 * Publishes the CRL of each shard of each issuer key, in the same order as a certificate is made:
 * render, lint, record the intent, sign, record. A shard is made anew when half of its life is over.
 */
import { publicId } from '../../../database/public-id.ts';
import * as events from '../../../telemetry/events.ts';
import { assembleCrl, parseCrlTbs, renderCrlTbs } from '../../../x509/crl.ts';
import { runCrlLints } from '../../../lint/index.ts';
import { auditEntry } from '../../audit/entry.ts';
import { sha256 } from '../../canonical-json.ts';
import type { IssuanceParts } from '../../issuance/issue.ts';
import type { IssuerKey } from '../../issuance/issuer-key.ts';
import { type CrlIntent, moveIntent, recordIntent } from '../../issuance/store.ts';
import { latest, publishRow } from './store.ts';

/** BR §4.9.7: at most 10 days; published hourly or sooner once revocation exists, so a late publisher has days, not minutes. */
const CRL_VALIDITY_MS = 9 * 86_400_000;
const SIGNING_DEADLINE_MS = 10_000;
const CLOCK_SLACK_MS = 5 * 60_000;

/** Makes every shard that is missing or past half of its life; resolves to how many could not be made. */
export async function publishCrls(parts: IssuanceParts): Promise<number> {
  let missing = 0;
  for (const issuerKey of parts.authority().issuerKeys.values()) {
    for (let shard = 1; shard <= issuerKey.shape.shards; shard += 1) {
      const current = await latest(parts.database, issuerKey.id, shard);
      const now = parts.clock.now();
      // One from the future (the clock was ahead, and was set right) is replaced too: verifiers refuse it.
      const fresh = current !== undefined && current.this_update <= now + CLOCK_SLACK_MS && now < (current.this_update + current.next_update) / 2;
      if (fresh) continue;
      if (!(await publishShard(parts, issuerKey, shard, current?.number ?? 0)) && (current?.next_update ?? 0) <= now) missing += 1;
    }
  }
  return missing;
}

async function publishShard(parts: IssuanceParts, issuerKey: IssuerKey, shard: number, previous: number): Promise<boolean> {
  const { clock, database, random, signer } = parts;
  const { generation } = parts.authority();
  const realm = generation.realm;
  const now = clock.now();
  const thisUpdate = Math.floor(now / 1000) * 1000;
  const nextUpdate = thisUpdate + CRL_VALIDITY_MS - 1000;
  // Milliseconds, so that publishers without a shared counter still go up; never at or below what is published.
  const number = Math.max(previous + 1, now);

  const tbs = renderCrlTbs(issuerKey.shape, { shard, number: BigInt(number), thisUpdate, nextUpdate, revoked: [] });
  const errors = runCrlLints({ crl: parseCrlTbs(tbs), issuer: issuerKey.shape, shard }).filter((f) => f.severity === 'error');
  if (errors.length > 0) throw new Error(`CRL ${issuerKey.id}/${shard} fails lint: ${errors.map((f) => f.detail).join('; ')}`);

  const id = publicId(nextUpdate, random);
  const facts = { intent: id, issuerKey: issuerKey.id, shard, number };
  const intent: CrlIntent = {
    id, realm, purpose: 'crl', issuer_key: issuerKey.id, serial: `crl:${shard}:${number}`, request_ref: null,
    door: 'internal', requester_kind: null, requester_id: null, profile: null, config_digest: generation.digest,
    evidence_digest: null, spki_sha256: null, not_before: thisUpdate, not_after: nextUpdate, shard, tbs, lineage_id: null, replaces: null,
    front_id: parts.frontId, signer_id: signer.id ?? generation.signer.id, deadline: now + SIGNING_DEADLINE_MS, correlation: null, created: now,
  };
  const intended = await database.commit([
    recordIntent(intent),
    auditEntry(publicId(nextUpdate, random), realm, 'crl.intended', now, { ...facts, tbsSha256: sha256(tbs) }),
  ]);
  if (!intended) return false;

  const outcome = await signer.sign({ purpose: 'crl', issuerKey: issuerKey.id, intent: id, tbs, deadline: intent.deadline });
  if (outcome.kind === 'unavailable') return false; // recovery closes the intent, the next run makes another
  if (outcome.kind === 'refused') {
    const reason = outcome.reasons.join('; ');
    events.signerRefused({ issuerKey: issuerKey.id, profile: 'crl', reason });
    await database.commit([
      moveIntent(id, 'open', 'closed', reason),
      auditEntry(publicId(nextUpdate, random), realm, 'crl.abandoned', now, { ...facts, reason }),
    ]);
    return false;
  }
  const der = assembleCrl(tbs, issuerKey.shape.algorithm, outcome.signature);
  const { signer: signerId, sequence, head } = outcome.receipt;
  const published = await database.commit([
    moveIntent(id, 'open', 'signed'),
    publishRow({
      realm, issuer_key: issuerKey.id, shard, number, this_update: thisUpdate, next_update: nextUpdate, der,
      signer_id: signerId, journal_seq: sequence,
    }),
    auditEntry(publicId(nextUpdate, random), realm, 'crl.issued', now, { ...facts, sha256: sha256(der), signer: signerId, sequence, head }),
  ]);
  if (published) events.crlPublished({ issuerKey: issuerKey.id, shard, number, revoked: 0 });
  return published;
}
