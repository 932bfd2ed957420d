/** A CA over a real database in which certificates are issued and revoked by the dozen, under a clock that the test moves. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { IssuanceParts } from '../../src/ca/issuance/issue.ts';
import type { IssuedCertificate, RevocationRequest } from '../../src/ca/index.ts';
import type { OpenCaOptions } from '../../src/ca/open.ts';
import type { Generation } from '../../src/config/generation.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Database, openDatabase, rawStatement } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { type CrlTbs, parseCrl } from '../../src/x509/crl.ts';
import { type FoundRevoked, readEntries } from '../../src/x509/crl-entries.ts';
import type { Step } from './interleave.ts';
import { findViolations } from './invariants.ts';
import { until } from './processes.ts';
import { openSoftwareCa, type SoftwareCa } from './software-ca.ts';

export const REALM = 'default';
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export interface RevocationLab extends AsyncDisposable {
  readonly database: Database;
  readonly software: SoftwareCa;
  readonly clock: { time: number; now(): number };
  readonly generation: Generation;
  /** A certificate for a new key, or for the SPKI that is given. */
  issue(options?: { spki?: Uint8Array; profile?: string; notAfter?: number }): Promise<IssuedCertificate>;
  /** By the operator, unless `change` says otherwise. */
  request(certificate: Pick<IssuedCertificate, 'issuerKey' | 'serial'>, change?: Partial<RevocationRequest>): RevocationRequest;
  count(table: string, where?: string): Promise<number>;
  /** The serial of the oldest intent that is open. */
  openSerial(): Promise<string | undefined>;
  /** Takes a revocation out of the database, as if it had never been made. */
  forget(serial: string): Promise<void>;
  /** One run of the job; resolves to how many shards have no good CRL. */
  publish(): Promise<number>;
  /** The published CRLs, by shard. */
  lists(issuerKey: string): Promise<readonly List[]>;
  /** CRL numbers of all shards, in their order. */
  numbers(): Promise<bigint[]>;
  shardOf(certificate: Pick<IssuedCertificate, 'serial'>): Promise<number>;
  /** Resolves when a signature is held back. */
  held(): Promise<void>;
  /** Of all invariants but those about journals, which this signer does not keep. */
  violations(settled?: boolean): Promise<string[]>;
}

export interface List {
  readonly shard: number;
  readonly url: string | undefined;
  readonly der: Uint8Array;
  readonly tbs: CrlTbs;
  readonly entries: readonly FoundRevoked[];
}

export const newSpki = (): Uint8Array => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });

/** @param configure makes another generation of the one that the repository ships */
export async function openRevocationLab(
  url: string, configure: (shipped: Generation) => Generation = (shipped) => shipped, options: OpenCaOptions = {},
): Promise<RevocationLab> {
  const clock = { time: Date.parse('2026-11-22T12:00:00Z'), now: () => clock.time };
  const loaded = loadConfig('ca-config', '/nowhere');
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  const generation = configure(loaded.generation);
  const database = await openDatabase(url);
  await migrate(database);
  const software = openSoftwareCa({ database, clock, generation: () => generation, ...options });
  let issued = 0;
  return {
    database, software, clock, generation,
    async issue({ spki = newSpki(), profile = 'server', notAfter } = {}) {
      issued += 1;
      const outcome = await software.ca.issue({
        realm: REALM, door: 'test', profile, names: [{ type: 'dns', value: `host-${issued}.internal` }], publicKey: spki,
        requester: { kind: 'acme-account', id: 'a', policies: ['private-names'] }, requestRef: `order-${issued}`, evidence: {},
        ...(notAfter === undefined ? {} : { notAfter }),
      });
      if (outcome.kind !== 'issued') throw new Error(JSON.stringify(outcome));
      return outcome.certificate;
    },
    request: ({ issuerKey, serial }, change = {}) => ({
      realm: REALM, issuerKey, serial, reason: 'superseded', door: 'test', requester: { kind: 'operator', id: 'o' }, authority: 'operator', ...change,
    }),
    count: async (table, where = '1 = 1') => Number((await database.one<{ n: number }>(rawStatement(`select count(*) as n from ${table} where ${where}`)))?.n),
    openSerial: async () => (await database.one<{ serial: string }>(rawStatement("select serial from intent where state = 'open' order by created limit 1")))?.serial,
    async forget(serial) {
      await database.commit([{ statement: rawStatement('delete from revocation where serial = :serial'), values: { serial } }]);
    },
    publish: () => software.ca.work.publishCrls(),
    async lists(issuerKey) {
      const rows = await database.many<{ shard: number; der: Uint8Array }>(rawStatement('select shard, der from crl where issuer_key = :issuer_key order by shard'), { issuer_key: issuerKey });
      return rows.map(({ shard, der }) => {
        const { tbs } = parseCrl(der);
        const entries = tbs.entries === undefined ? [] : [...readEntries(tbs.entries)];
        return { shard, der, tbs, entries, url: tbs.distributionPoint?.fullName?.[0]?.name?.value };
      });
    },
    async numbers() {
      return (await database.many<{ number: string }>(rawStatement('select number from crl order by issuer_key, shard'))).map(({ number }) => BigInt(number));
    },
    async shardOf({ serial }) {
      return (await database.one<{ shard: number }>(rawStatement('select shard from certificate where serial = :serial'), { serial }))?.shard ?? 0;
    },
    held: () => until('a signature is held back', () => software.held() > 0),
    async violations(settled = false) {
      const sources = { database, journals: [], settled, issuers: new Map([[software.issuer.id, software.ca.chain(software.issuer.id)[0] as Uint8Array]]) };
      return (await findViolations(sources)).filter((violation) => !/journal|head|tombstone|another tbsSha256/.test(violation) && !/^I1: the configuration of/.test(violation));
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** What another front over the same database is given, its clock `behind` by so many ms: each read, commit and signature is a step. */
export function partsByStep({ software, database, clock }: RevocationLab, step: Step, behind = 0): IssuanceParts {
  const { signer, authority } = software;
  const stepping: Pick<Database, 'one' | 'many' | 'commit'> = {
    one: (...asked) => step().then(() => database.one(...asked)),
    many: (...asked) => step().then(() => database.many(...asked)),
    commit: (writes) => step().then(() => database.commit(writes)),
  };
  return {
    database: stepping as Database, signer: { ...signer, sign: (job) => step().then(() => signer.sign(job)) } as typeof signer,
    clock: { now: () => clock.now() - behind }, authority, frontId: 'another', reached: () => {}, random: (octets) => randomBytes(octets),
  };
}
