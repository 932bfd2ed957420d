/**
 * Issues the next certificate of each order that renews itself (RFC 8739 §2.2), when it is due. A leased job, and safe when two fronts run
 * it all the same: the reference names order and period, so the CA makes one certificate for it however often it is asked, and a period
 * is published by compare-and-swap. What a dead front left half done is settled by recovery and found here at the next run.
 */
import type { Ca, DoorEvidence, RevocationReason } from '../../../ca/index.ts';
import type { Database } from '../../../database/database.ts';
import * as events from '../../../telemetry/events.ts';
import { refuseListedKey } from '../blocked-key.ts';
import { type CaaParts, recheckCaa } from '../caa.ts';
import type { AccountKeys } from '../jwk.ts';
import { AcmeError } from '../problem.ts';
import { namesOf, subjectOf } from '../device/device-identifier.ts';
import { requesterOf } from '../requester.ts';
import { siteOf } from '../site.ts';
import { load } from '../store.ts';
import { nextDue, referenceOf, validityAt } from './auto-renewal.ts';
import { type DueOrder, dueOrders, publishNext, putOff, stillDue } from './store.ts';

export interface RenewParts extends CaaParts {
  readonly ca: Pick<Ca, 'issue' | 'statusOf'>;
  readonly database: Database;
  readonly keys: AccountKeys;
}

const MINUTE = 60_000;
/** A certificate that was taken back so is followed by no other; `superseded` and the like ask for one. */
const FOR_GOOD: readonly RevocationReason[] = ['keyCompromise', 'affiliationChanged', 'cessationOfOperation', 'privilegeWithdrawn'];

/** One pass; resolves to how many certificates it published. An order that cannot be renewed does not stand in the way of others. */
export async function renewOrders(parts: RenewParts): Promise<number> {
  let published = 0;
  for (const due of await dueOrders(parts.database, parts.generation().realm, parts.clock.now())) {
    try {
      if (await renew(parts, due)) published += 1;
    } catch (error) {
      events.faultCaught({ where: 'star renewal', error });
      await putOff(parts.database, due, parts.clock.now() + MINUTE);
    }
  }
  return published;
}

async function renew(parts: RenewParts, due: DueOrder): Promise<boolean> {
  const { ca, clock, database } = parts;
  const now = clock.now();
  const later = (ms: number): Promise<false> => putOff(database, due, now + ms);
  const never = (): Promise<false> => putOff(database, due, undefined);
  const site = siteOf(parts.generation(), due.directory);
  // The operator took the offer back, perhaps by mistake: nothing is issued while it is so, and nothing is given up.
  if (site?.directory.star === undefined) return later(10 * MINUTE);
  const { account, about: order } = (await load.order(database, site, due.account, { order: due.order }, now)) ?? {};
  // The account is gone, or its finalize request came to nothing: another one begins anew.
  if (account?.state !== 'valid' || order?.autoRenewal === undefined) return never();
  if (order.certificate === undefined) return order.issuing ? later(MINUTE) : never();
  if (!site.directory.profiles.includes(order.profile)) return later(10 * MINUTE);
  const status = await ca.statusOf(order.certificate.issuerKey, order.certificate.serial);
  if (status.kind === 'revoked' && FOR_GOOD.includes(status.reason)) {
    events.renewalRefused({ order: due.order, profile: order.profile, why: `its certificate was revoked: ${status.reason}` });
    return never();
  }
  const validity = validityAt(order.autoRenewal, now);
  if (validity.notAfter - now < MINUTE) return never();

  // RFC 8659 §4: what CAA said when the order was made does not count for as long as the order renews itself.
  const asked = async () => {
    refuseListedKey(parts, await parts.keys.known(account.thumbprint, account.jwk));
    return recheckCaa(parts, { site, account, about: order });
  };
  const caa = await asked().catch((error: unknown) => {
    if (error instanceof AcmeError) return error;
    throw error;
  });
  if (caa instanceof AcmeError) {
    events.renewalRefused({ order: due.order, profile: order.profile, why: caa.message });
    return later(MINUTE);
  }
  const evidence = JSON.parse(due.evidence) as DoorEvidence;
  const outcome = await ca.issue({
    realm: site.realm, door: 'acme', profile: order.profile, names: namesOf(order.identifiers), ...subjectOf(order.identifiers), publicKey: due.spki, ...validity,
    requester: requesterOf(site, account), requestRef: referenceOf(due.order, due.period + 1), together: [stillDue(due)],
    replaces: `${order.certificate.issuerKey}:${order.certificate.serial}`, lineage: order.renews?.lineage ?? order.id,
    evidence: caa.length === 0 ? evidence : { ...evidence, authorizations: [...(evidence.authorizations ?? []), { caa }] },
  });
  if (outcome.kind === 'pending') return later(outcome.retryAfterMs);
  if (outcome.kind === 'refused') {
    events.renewalRefused({ order: due.order, profile: order.profile, why: outcome.reasons.map(({ message }) => message).join('; ') });
    return later(Math.max(MINUTE, Math.min(60 * MINUTE, order.autoRenewal.lifetimeMs / 20)));
  }
  const { notAfter, notBefore } = outcome.certificate;
  return publishNext(database, due, nextDue(order.autoRenewal, Math.min(now, notBefore + order.autoRenewal.adjustMs), notAfter));
}
