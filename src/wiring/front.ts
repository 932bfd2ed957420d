/** Builds one front process: database, signer client, CA, doors, jobs, listeners; and takes it down again in the opposite order. */
import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordGeneration } from '../ca/configuration/record.ts';
import { highestReceipt } from '../ca/issuance/store.ts';
import { type OpenCa, openCa } from '../ca/open.ts';
import type { Authority } from '../ca/issuance/issuer-key.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Generation } from '../config/generation.ts';
import { type Database, openDatabase } from '../database/database.ts';
import { openLeases } from '../database/lease.ts';
import { migrate } from '../database/migrate.ts';
import { openNonces } from '../database/nonces.ts';
import { keepPartitions } from '../database/partitions.ts';
import { publicId } from '../database/public-id.ts';
import { openSeal } from '../database/seal.ts';
import { openDialer } from '../dial/dialer.ts';
import { createAcmeDoor } from '../doors/acme/acme.ts';
import { conditionsFor } from '../doors/acme/issuance/store.ts';
import { createAdminDoor } from '../doors/admin/admin.ts';
import { createStatusDoor } from '../doors/status/status.ts';
import { createApp } from '../http/app.ts';
import { clientAddressBehind } from '../http/forwarded.ts';
import { answersOn, listenUnixSocket } from '../http/unix-socket.ts';
import { listenPlain, listenTls } from '../http/server.ts';
import { type Runner, startJobs } from '../jobs/runner.ts';
import { jobTable } from '../jobs/table.ts';
import { connectSigner, type Signer } from '../signing/client.ts';
import * as events from '../telemetry/events.ts';
import { collectProcessMetrics, handMetricsToPrimary } from '../telemetry/metrics.ts';
import { openValidator } from '../validation/index.ts';
import { AuthorityFault, checkPaths, loadAuthority } from './authority.ts';
import { haltAt } from './halt.ts';
import { listenMetrics } from './metrics.ts';
import { operationsOf } from './operations.ts';
import { OwnCertificate } from './own-certificate.ts';
import { openProbing } from './probing.ts';
import { managementDoor } from './rehearsal/management.ts';
import { type Around, refuseInProduction, rehearsal, type RehearsalSettings, untouched } from './rehearsal/rehearsal.ts';
import { forget } from './retention.ts';
import { RootCrls } from './root-crls.ts';

export interface Front extends AsyncDisposable {
  readonly ca: OpenCa;
  readonly database: Database;
  readonly signer: Signer;
  readonly jobs: Runner;
  readonly readiness: () => { readonly ready: boolean; readonly reasons: readonly string[] };
  readonly generation: () => Generation;
  /** Puts another generation in force: whole, at once, for the next request. `by` is recorded. */
  adopt(generation: Generation, by: string): Promise<void>;
}

export interface FrontOptions {
  readonly generation: Generation;
  /** Where it was read from; `config apply` reads there again. */
  readonly configDirectory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Called after an operator's `config apply`: other fronts and the signer are to take it up too. */
  readonly onApplied?: () => void;
  readonly clock?: Clock;
  /** Make things hard for ACME clients, in development mode. */
  readonly rehearsal?: RehearsalSettings;
}

const random = (octets: number): Uint8Array => randomBytes(octets);
const SIGNER_PATIENCE_MS = 50;

/** Resolves when the front is ready: the signer answers, CRLs can be fetched, the ACME listener is open. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { generation: first, environment, configDirectory, clock = systemClock } = options;
  if (options.rehearsal !== undefined) refuseInProduction(first);
  await using opened = new AsyncDisposableStack();
  let authority: Authority = loadAuthority(first);
  await checkPaths(authority, clock.now());
  const generation = (): Generation => authority.generation;
  const frontId = publicId(clock.now(), random);
  const reached = haltAt(first.mode, environment['CHANCERY_HALT_AT']);

  mkdirSync(first.stateDirectory, { recursive: true, mode: 0o700 });
  const socketPath = join(first.stateDirectory, 'admin.sock');
  if (first.database.startsWith('sqlite:') && (await answersOn(socketPath))) {
    throw new AuthorityFault(`another server runs on ${first.stateDirectory}: stop it first, or set CHANCERY_STATE; SQLite has one front`);
  }
  const database = opened.use(await openDatabase(first.database));
  await migrate(database);
  const seal = openSeal(first.sealingKey);
  const nonces = opened.use(await openNonces(database, clock));
  const around = options.rehearsal === undefined ? untouched(nonces) : rehearsal(options.rehearsal, { nonces, chance: Math.random, clock });
  const signer = opened.use(connectSigner({
    socket: first.signer.socket, clock,
    highestReceipt: (signerId) => highestReceipt(database, signerId),
    events: { state: (state, why) => events.signerStateChanged({ state, ...(why === undefined ? {} : { why }) }) },
  }));
  const probing = openProbing(generation);
  const rootCrls = new RootCrls(() => authority, clock);
  await rootCrls.watch();
  const ca = openCa({ clock, database, signer, random, frontId, reached, authority: () => authority, conditionsFor }, {
    probing: probing.options, rootCrl: (issuerKey) => rootCrls.standing(issuerKey),
  });
  opened.defer(async () => {
    await ca.work.auditOcsp().then(ca.work.sequenceAudit).catch(() => {}); // what is lost is in the signer's journal
  });
  // Before the first intent names it.
  await recordGeneration({ database, random }, first, 'start', clock.now());
  const own = new OwnCertificate({ ca, clock, random, generation });
  const validator = openValidator({ dialer: openDialer({ ...first.validation, own: endpointsOf(first, around) }), clock, ...first.validation });
  const acme = opened.use(createAcmeDoor({
    ca, database, nonces: around.nonces, validator: around.validator(validator), clock, frontId, random, seal,
    generation: around.generation(generation), reached,
  }));

  let ready = false;
  const readiness = (): { ready: boolean; reasons: string[] } => {
    const reasons = signer.state() === 'ready' ? [] : [`signer is ${signer.state()}`];
    if (signer.configuration !== undefined && signer.configuration !== generation().digest) reasons.push('the signer has another configuration: reload it (SIGHUP)');
    if (!ready) reasons.push('starting');
    return { ready: reasons.length === 0, reasons };
  };
  const status = createStatusDoor({ ca, readiness, generation, clock, rootCrl: (issuerKey) => rootCrls.get(issuerKey) });
  probing.listensOn(opened.use(await listenPlain(createApp({ doors: [status], random }), { name: 'status', ...first.listeners.status })));
  collectProcessMetrics();
  if (cluster.isWorker) handMetricsToPrimary();
  else opened.use(await listenMetrics(first));

  // The listener needs its own certificate, and a first certificate needs its CRL shards and responder to be there. Later starts have both
  // on disk, so that clients are told to come back, not turned away, even while no signer is up.
  const fetchable = (): Promise<true> => untilDone(async () =>
    signer.state() !== 'unavailable' && (await ca.work.publishCrls()) === 0 && ((await ca.work.renewResponders()) === 0 || signer.state() === 'fenced'));
  let identity = own.current();
  if (identity === undefined) {
    await fetchable();
    identity = await untilDone(() => own.obtain());
  }
  let clientAddress = clientAddressBehind(first.trustedProxies);
  const tls = [opened.use(await listenTls(createApp({ doors: [around.door(acme.door)], random, clientAddress: (...given) => clientAddress(...given) }), { name: 'acme', ...around.listen(first) }, identity))];
  const management = around.management(first);
  if (management !== undefined) {
    tls.push(opened.use(await listenTls(createApp({ doors: [managementDoor(ca, generation)], random }), { name: 'management', ...management }, identity)));
  }

  const adopt = async (next: Generation, by: string): Promise<void> => {
    if (options.rehearsal !== undefined) refuseInProduction(next);
    const loaded = loadAuthority(next); // throws before anything has changed
    await checkPaths(loaded, clock.now());
    const changed = await recordGeneration({ database, random }, next, by, clock.now());
    authority = loaded;
    clientAddress = clientAddressBehind(next.trustedProxies);
    if (changed) events.configurationApplied({ digest: next.digest, by });
    if (changed && by === 'operator') options.onApplied?.();
  };
  const operations = operationsOf({ ca, environment, configDirectory, authority: () => authority, adopt, signer, readiness, clock, database, random, seal });
  const admin = await listenUnixSocket(createApp({ doors: [createAdminDoor(operations)], random }), socketPath);
  if (admin !== undefined) opened.use(admin);

  const jobs = opened.use(startJobs({
    holder: frontId, elapsed: () => performance.now(), leases: openLeases(database),
    jobs: jobTable({
      sequenceAudit: ca.work.sequenceAudit,
      recoverIntents: ca.work.recoverIntents,
      publishCrls: ca.work.publishCrls,
      sweepKeys: ca.work.sweepKeys,
      keepCrlFiles: ca.work.keepCrlFiles,
      watchRootCrls: () => rootCrls.watch(),
      renewResponders: ca.work.renewResponders,
      auditOcsp: ca.work.auditOcsp,
      measureFreshness: ca.work.measureFreshness,
      probe: ca.work.probe,
      resumeAttempts: acme.resumeAttempts,
      renewOrders: acme.renewOrders,
      dropOldLimits: acme.dropOldLimits,
      keepPartitions: () => keepPartitions(database, clock, Math.max(...[...generation().profiles.values()].map(({ shape }) => shape.maxValidityMs))),
      forgetExpired: () => forget({ database, clock, acme, ca }, generation().retentionMs),
      async renewOwnCertificate() {
        const next = await own.obtain();
        if (next !== undefined) for (const listener of tls) listener.setIdentity(next);
      },
    }),
  }));
  await fetchable();
  await ca.work.openKeys();
  await jobs.runNow('measure-freshness');
  ready = true;
  void jobs.runNow('probe'); // does not hold up the start: the URLs may lead through a load balancer that waits for it
  const all = opened.move();
  return {
    ca, database, signer, jobs, generation, adopt, readiness,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** What validations must not reach, even where loopback or a whole network is allowed. A socket directory is no endpoint. */
function endpointsOf(generation: Generation, around: Around): { host: string; port: number }[] {
  const { listeners, database } = generation;
  const url = database.startsWith('postgres') ? new URL(database) : undefined;
  const stored = url === undefined || url.hostname === '' ? [] : [{ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 5432) }];
  const { status, metrics, est, admin } = listeners;
  const some = [est, admin, around.management(generation)].filter((listener) => listener !== undefined);
  return [around.listen(generation), status, metrics, ...some, ...stored];
}

/** A transient fault at start is waited out: the process is useful again as soon as the signer or the database is. */
async function untilDone<T>(attempt: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const done = await attempt();
    if (done !== undefined && done !== false) return done as T;
    await sleep(SIGNER_PATIENCE_MS);
  }
}
