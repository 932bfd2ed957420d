/** Makes the CA that doors ask and the work that jobs do, from the parts that wiring gives. */
import { join } from 'node:path';
import type { FetchOwn } from '../dial/own-url.ts';
import * as events from '../telemetry/events.ts';
import type { Ca, Measured, RootCrlStanding } from './ca.ts';
import { decideAll, type IssuanceParts, issue } from './issuance/issue.ts';
import { forgetExpired } from './inventory/forget.ts';
import { recoverIntents } from './issuance/recover.ts';
import { progressOf } from './issuance/store.ts';
import { renewalOf } from './renewal/renewal.ts';
import { sequenceAudit } from './audit/sequence.ts';
import { keepCrlFiles } from './revocation/crl/files.ts';
import { publishCrls } from './revocation/crl/publish.ts';
import { latest } from './revocation/crl/store.ts';
import { Freshness } from './revocation/freshness.ts';
import { OcspAnswers } from './revocation/ocsp/answer.ts';
import { Responders } from './revocation/ocsp/responder.ts';
import { Prober } from './revocation/probe/probe.ts';
import { revoke, sweepKeys, unhold } from './revocation/revoke.ts';
import { statusOf } from './revocation/status.ts';

export interface OpenCa extends Ca {
  /** For the job table. */
  readonly work: {
    recoverIntents(): Promise<number>;
    sequenceAudit(): Promise<void>;
    publishCrls(): Promise<number>;
    /** Drops what expired before this, ms. */
    forgetExpired(before: number): Promise<void>;
    sweepKeys(): Promise<number>;
    /** Keeps this front's files of the published CRLs; see revocation/crl/files.ts. */
    keepCrlFiles(): Promise<number>;
    /** Makes responders' certificates that are missing or due; resolves to how many issuer keys are left without one. */
    renewResponders(): Promise<number>;
    /** Audit entries for the OCSP signatures of this front since the last time. */
    auditOcsp(): Promise<void>;
    /** Puts the ages of CRLs, the lives of responders and what the prober found into the metrics. */
    measureFreshness(): Promise<void>;
    /** Fetches what certificates point at, as a relying party would; see revocation/probe/probe.ts. */
    probe(): Promise<void>;
    /** Opens the active issuer keys whose CRLs and responder this front serves, before the first request waits for it. */
    openKeys(): Promise<void>;
  };
}

export interface OpenCaOptions {
  /** Certificates are signed only once their CRLs and responder are there; false for tests of other things. */
  readonly whenFetchable?: boolean;
  /** How our own URLs are fetched, and where this front's own status listener is, once it is; absent: nothing is fetched. */
  readonly rootCrl?: (issuerKey: string) => RootCrlStanding | undefined;
  readonly probing?: { readonly fetch: FetchOwn; readonly ownBase: () => string | undefined };
}

export function openCa(given: Omit<IssuanceParts, 'isFetchable'>, { whenFetchable = true, probing, rootCrl }: OpenCaOptions = {}): OpenCa {
  const { authority, database } = given;
  const responders = new Responders(given);
  const prober = probing && new Prober({ ...given, responders, fetch: probing.fetch });
  const fresh = new Freshness({ ...given, responders, ...(rootCrl && { rootCrl }), ...(probing && prober && { probing: { prober, ownBase: probing.ownBase } }) });
  let measured: Measured | undefined;
  const parts: IssuanceParts = { ...given, ...(whenFetchable ? { isFetchable: (key) => fresh.isFetchable(key) } : {}) };
  const ocsp = new OcspAnswers(parts, responders);
  const freshness = async (): Promise<Measured> => {
    measured = { at: given.clock.now(), issuers: await fresh.all(), ocspKept: ocsp.kept };
    return measured;
  };
  return {
    issue: (request) => issue(parts, request),
    decide: (request) => decideAll(authority(), request, parts.clock.now()),
    progress: (realm, requestRef) => progressOf(database, realm, requestRef),
    alternateChains: (issuerKey) => authority().issuerKeys.get(issuerKey)?.alternates.map(({ chain }) => chain) ?? [],
    chain: (issuerKey) => authority().issuerKeys.get(issuerKey)?.chain ?? [],
    root: () => authority().root,
    rootOf: (issuerKey) => authority().issuerKeys.get(issuerKey)?.root,
    issuerKeyOf: (keyId) => [...authority().issuerKeys.values()].find(({ shape }) => shape.keyId === keyId)?.id,
    renewal: (realm, issuerKey, serial) => renewalOf(parts, realm, issuerKey, serial),
    revoke: (request) => revoke(parts, request),
    unhold: (request) => unhold(parts, request),
    statusOf: (issuerKey, serial) => statusOf(database, issuerKey, serial),
    async latestCrl(issuerKey, shard) {
      const row = await latest(database, issuerKey, shard);
      return row && { der: row.der, sha256: row.sha256, number: BigInt(row.number), thisUpdate: row.this_update, nextUpdate: row.next_update };
    },
    freshness,
    measured: () => measured,
    ocsp: (request) => ocsp.answer(request),
    work: {
      recoverIntents: () => recoverIntents(parts),
      sequenceAudit: () => sequenceAudit(database),
      publishCrls: () => publishCrls(parts),
      forgetExpired: (before) => forgetExpired(parts, { realm: authority().generation.realm, before }),
      sweepKeys: () => sweepKeys(parts),
      keepCrlFiles: () => keepCrlFiles(database, authority(), join(authority().generation.stateDirectory, 'public/crl')),
      renewResponders: () => responders.renew(),
      auditOcsp: () => ocsp.tally.write(),
      async measureFreshness() {
        const { issuers, ocspKept, at } = await freshness();
        events.freshnessMeasured(issuers, ocspKept, at);
      },
      async probe() {
        if (authority().generation.revocation.probe !== 'off') await prober?.run();
      },
      async openKeys() {
        for (const key of authority().issuerKeys.values()) if (key.state === 'active') await fresh.isFetchable(key);
      },
    },
  };
}
