/**
 * Publishes the CRL of each shard of each issuer key, in the order in which a certificate is made: render, lint, record the intent, sign,
 * record. Two swaps keep builders apart, however many there are and whatever their clocks say. The first takes a number, with the intent;
 * the second publishes, and only the holder of the highest number may: the number is its fencing token.
 */
import { publicId } from '../../../database/public-id.ts';
import { runCrlLints } from '../../../lint/index.ts';
import * as events from '../../../telemetry/events.ts';
import { assembleCrl, parseCrlTbs, renderCrlTbs } from '../../../x509/crl.ts';
import { crlUrlOf } from '../../../x509/shape.ts';
import { auditEntry } from '../../audit/entry.ts';
import { sha256 } from '../../canonical-json.ts';
import type { IssuanceParts } from '../../issuance/issue.ts';
import type { IssuerKey } from '../../issuance/issuer-key.ts';
import { type CrlIntent, moveIntent, recordIntent } from '../../issuance/store.ts';
import { believableUntil, isDue, timesFor } from './due.ts';
import { publicationFaults } from './last-look.ts';
import { readList } from './list.ts';
import { keptNumber, NEVER_PUBLISHED, publishRow, reserveNumber, type ShardState, shardStates } from './store.ts';

const SIGNING_DEADLINE_MS = 10_000;

/** Makes every shard that is due; resolves to how many have no CRL that is good now. */
export async function publishCrls(parts: IssuanceParts): Promise<number> {
  const { authority, clock, database } = parts;
  let missing = 0;
  for (const issuerKey of authority().issuerKeys.values()) {
    const states = new Map((await shardStates(database, issuerKey.id)).map((state) => [state.shard, state]));
    for (let shard = 1; shard <= issuerKey.shape.shards; shard += 1) {
      const state = states.get(shard);
      if (!isDue(state, crlUrlOf(issuerKey.shape, shard), clock.now(), authority().generation.revocation)) continue;
      const published = await publishOrTell(parts, issuerKey, shard, state);
      if (!published && (state?.next_update ?? 0) <= clock.now()) missing += 1;
    }
  }
  return missing;
}

/** One shard that cannot be made does not stand in the way of the others. */
async function publishOrTell(parts: IssuanceParts, issuerKey: IssuerKey, shard: number, state: ShardState | undefined): Promise<boolean> {
  try {
    return await publishShard(parts, issuerKey, shard, state);
  } catch (error) {
    events.crlFailed({ issuerKey: issuerKey.id, shard, error });
    return false;
  }
}

/** `state` is read before the entries are: what is changed after that makes the shard due again. */
async function publishShard(parts: IssuanceParts, issuerKey: IssuerKey, shard: number, state: ShardState | undefined): Promise<boolean> {
  const { clock, database, random, signer } = parts;
  const { generation } = parts.authority();
  const { realm } = generation;
  const { shape } = issuerKey;
  const now = clock.now();
  const times = timesFor(state, now, generation.revocation);
  const { number, thisUpdate, nextUpdate, listedFrom } = times;
  const list = await readList(database, { issuerKey: issuerKey.id, shard, state, times, holds: shape.holds === true });
  const rendered = renderCrlTbs(shape, { shard, number, thisUpdate, nextUpdate, entries: list.entries });
  const tbs = parseCrlTbs(rendered);
  const errors = runCrlLints({ crl: tbs, issuer: shape, shard }).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(`it fails lint: ${errors.map((f) => f.detail).join('; ')}`);

  const id = publicId(nextUpdate, random);
  const facts = { intent: id, issuerKey: issuerKey.id, shard, number: String(number) };
  const intent: CrlIntent = {
    id, realm, purpose: 'crl', issuer_key: issuerKey.id, serial: `crl:${shard}:${number}`, request_ref: null,
    door: 'internal', requester_kind: null, requester_id: null, profile: null, config_digest: generation.digest,
    evidence_digest: null, spki_sha256: null, not_before: thisUpdate, not_after: nextUpdate, shard, tbs: rendered, lineage_id: null, replaces: null,
    front_id: parts.frontId, signer_id: signer.id ?? generation.signer.id, deadline: clock.now() + SIGNING_DEADLINE_MS, correlation: null, created: now,
  };
  const numbered = { realm, issuer_key: issuerKey.id, shard, number: keptNumber(number) };
  const intended = await database.commit([
    reserveNumber(numbered, state?.reserved ?? ''),
    recordIntent(intent),
    auditEntry(publicId(nextUpdate, random), realm, 'crl.intended', now, { ...facts, tbsSha256: sha256(rendered) }),
  ]);
  if (!intended) return false; // another builder was first
  parts.reached('crl-intended');

  const outcome = await signer.sign({ purpose: 'crl', issuerKey: issuerKey.id, intent: id, tbs: rendered, deadline: intent.deadline });
  if (outcome.kind === 'unavailable') return false; // recovery closes the intent, the next run makes another
  parts.reached('crl-signed');
  const reasons = outcome.kind === 'refused' ? outcome.reasons
    : publicationFaults({ tbs, signature: outcome.signature, issuer: shape, shard, missing: list.missing, published: state, now: clock.now() });
  if (outcome.kind === 'refused') events.signerRefused({ issuerKey: issuerKey.id, profile: 'crl', reason: reasons.join('; ') });
  if (outcome.kind === 'refused' || reasons.length > 0) {
    await abandon(parts, intent, reasons.join('; '), facts);
    throw new Error(`it may not be published: ${reasons.join('; ')}`);
  }
  const der = assembleCrl(rendered, shape.algorithm, outcome.signature);
  const { signer: signerId, sequence, head } = outcome.receipt;
  const row = {
    ...numbered, this_update: thisUpdate, next_update: nextUpdate, listed_from: listedFrom, entries: list.count, sha256: sha256(der), der,
    url: crlUrlOf(shape, shard), signer_id: signerId, journal_seq: sequence,
  };
  const published = await database.commit([
    moveIntent(id, 'open', 'signed'),
    ...publishRow(row, state ?? NEVER_PUBLISHED, now, believableUntil(clock.now())),
    auditEntry(publicId(nextUpdate, random), realm, 'crl.issued', now, { ...facts, sha256: row.sha256, signer: signerId, sequence, head }),
  ]);
  parts.reached('crl-published');
  if (published) events.crlPublished({ issuerKey: issuerKey.id, shard, number: String(number), revoked: list.count });
  else await abandon(parts, intent, 'signed and then overtaken by another CRL of the shard', facts);
  return published;
}

async function abandon(parts: IssuanceParts, { id, realm, not_after }: CrlIntent, reason: string, facts: Facts): Promise<void> {
  await parts.database.commit([
    moveIntent(id, 'open', 'closed', reason),
    auditEntry(publicId(not_after, parts.random), realm, 'crl.abandoned', parts.clock.now(), { ...facts, reason }),
  ]);
}

type Facts = { readonly intent: string; readonly issuerKey: string; readonly shard: number; readonly number: string };
