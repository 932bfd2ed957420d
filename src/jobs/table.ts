/** Everything that happens without being asked, in one table. */

export interface Job {
  readonly name: string;
  /** node-cron, with seconds. */
  readonly schedule: string;
  /** `lease`: one front at a time does it, judged by the database's clock. `each`: every front does its own. */
  readonly on: 'lease' | 'each';
  run(): Promise<unknown>;
}

export interface Work {
  sequenceAudit(): Promise<void>;
  recoverIntents(): Promise<number>;
  resumeAttempts(): Promise<unknown>;
  renewOrders(): Promise<unknown>;
  publishCrls(): Promise<number>;
  sweepKeys(): Promise<number>;
  watchRootCrls(): Promise<void>;
  keepCrlFiles(): Promise<number>;
  renewResponders(): Promise<number>;
  auditOcsp(): Promise<void>;
  measureFreshness(): Promise<void>;
  probe(): Promise<void>;
  renewOwnCertificate(): Promise<void>;
  keepPartitions(): Promise<void>;
  forgetExpired(): Promise<void>;
  dropOldLimits(): Promise<void>;
}

export const jobTable = (work: Work): readonly Job[] => [
  // I5 gives the sequencer 2 s.
  { name: 'sequence-audit',        schedule: '* * * * * *',    on: 'lease', run: work.sequenceAudit },
  // On every front: only a front connected to the signer that owns an intent can settle it.
  { name: 'recover-intents',       schedule: '*/5 * * * * *',  on: 'each',  run: work.recoverIntents },
  { name: 'resume-attempts',       schedule: '*/2 * * * * *',  on: 'each',  run: work.resumeAttempts },
  { name: 'renew-orders',          schedule: '*/5 * * * * *',  on: 'lease', run: work.renewOrders },
  // What is revoked is in its CRL within a minute.
  { name: 'publish-crls',          schedule: '*/10 * * * * *', on: 'lease', run: work.publishCrls },
  { name: 'sweep-keys',            schedule: '*/30 * * * * *', on: 'lease', run: work.sweepKeys },
  { name: 'renew-responders',      schedule: '*/30 * * * * *', on: 'lease', run: work.renewResponders },
  { name: 'audit-ocsp',            schedule: '0 * * * * *',    on: 'each',  run: work.auditOcsp },
  { name: 'keep-crl-files',        schedule: '*/15 * * * * *', on: 'each',  run: work.keepCrlFiles },
  { name: 'watch-root-crls',       schedule: '0 * * * * *',    on: 'each',  run: work.watchRootCrls },
  { name: 'probe',                 schedule: '50 * * * * *',   on: 'lease', run: work.probe },
  { name: 'measure-freshness',     schedule: '*/15 * * * * *', on: 'each',  run: work.measureFreshness },
  { name: 'renew-own-certificate', schedule: '0 * * * * *',    on: 'each',  run: work.renewOwnCertificate },
  { name: 'keep-partitions',       schedule: '0 0 * * * *',    on: 'lease', run: work.keepPartitions },
  { name: 'drop-old-limits',       schedule: '40 * * * * *',   on: 'lease', run: work.dropOldLimits },
  { name: 'forget-expired',        schedule: '0 17 * * * *',   on: 'lease', run: work.forgetExpired },
];
