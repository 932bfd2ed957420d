// CRLs of a million revoked certificates, and revoking by the ten thousand, in a process that has nothing else to do.
// usage: crl-loop.ts REVOKED ISSUED SIGNERPID, with the environment of a front beside that signer. Prints JSON.
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { highestReceipt } from '../../src/ca/issuance/store.ts';
import { openCa } from '../../src/ca/open.ts';
import { revokeSelected } from '../../src/ca/revocation/bulk.ts';
import { loadGeneration } from '../../src/cli/load.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { openDatabase, rawStatement } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { recordGeneration } from '../../src/ca/configuration/record.ts';
import { connectSigner } from '../../src/signing/client.ts';
import { loadAuthority } from '../../src/wiring/authority.ts';
import { dayOf } from '../../src/x509/serial.ts';
import { cpuOf, familyOf } from './processes.ts';

export interface CrlResult {
  readonly revoked: number;
  readonly shards: number;
  /** All shards of the issuer key made anew: time, processor time of the front and of the signer, in ms. */
  readonly ms: number;
  readonly cpu: number;
  readonly signerCpu: number;
  /** The longest that the event loop stood still, in ms, and the most memory that the process took, in MB. */
  readonly blocked: number;
  readonly rss: number;
  readonly octets: number;
  /** One shard, after one revocation, in ms. */
  readonly one: number;
  /** Revocations per second by bulk, recorded with their audit entries. */
  readonly bulk: number;
}

const [revoked = 1_000_000, issued = 50_000, signerPid = 0] = process.argv.slice(2).map(Number);
const random = (octets: number): Uint8Array => randomBytes(octets);
const generation = loadGeneration(process.env);
const authority = loadAuthority(generation);
const issuerKey = generation.groups.get('default')?.active ?? '';
const shards = generation.issuers.get(issuerKey)?.shards ?? 0;
await using database = await openDatabase(generation.database);
await migrate(database);
await using signer = connectSigner({ socket: generation.signer.socket, clock, highestReceipt: (id) => highestReceipt(database, id) });
const parts = { clock, database, signer, random, frontId: 'bench', authority: () => authority, reached: () => {} };
const ca = openCa(parts);
await recordGeneration(parts, generation, 'bench', clock.now());
while (signer.state() !== 'ready') await sleep(20);
while ((await ca.work.publishCrls()) > 0) await sleep(100);

const notAfter = clock.now() + 30 * 86_400_000;
const values = { issuer_key: issuerKey, realm: generation.realm, day: dayOf(notAfter), not_after: notAfter, now: clock.now() - 60_000, shards };
const PAGE = 10_000;
// As they are made: signer, day of notAfter, a notBefore that goes up (five each second), random octets.
const serial = (engine: 'sqlite' | 'postgres') => engine === 'sqlite'
  ? `'01' || :prefix || printf('%08x', cast(:second as integer) + i / 5) || lower(hex(randomblob(12)))`
  : `'01' || :prefix || lpad(to_hex(cast(:second as integer) + i / 5), 8, '0') || substr(md5(random()::text), 1, 24)`;
const rows = (engine: 'sqlite' | 'postgres', columns: string) => engine === 'sqlite'
  ? `with recursive n(i) as (select 0 union all select i + 1 from n where i < ${PAGE - 1}) select ${columns} from n where 1 = 1`
  : `select ${columns} from generate_series(0, ${PAGE - 1}) as n(i)`;
const perEngine = (make: (engine: 'sqlite' | 'postgres') => string) => rawStatement({ sqlite: make('sqlite'), postgres: make('postgres') });
const revocations = perEngine((engine) => `insert into revocation (issuer_key, serial, realm, spki_sha256, door, requester_kind, requester_id, shard, reason, day, not_after, revoked_at, recorded_at)
  ${rows(engine, `:issuer_key, ${serial(engine)}, :realm, 'none', 'bench', 'bench', 'bench', 1 + i % cast(:shards as integer), 1 + 3 * (i % 2), cast(:day as integer), cast(:not_after as bigint), cast(:now as bigint) - i, cast(:now as bigint)`)}`);
const certificates = perEngine((engine) => `insert into certificate (realm, issuer_key, serial, profile, config_digest, spki_sha256, sha256, door, requester_kind, requester_id, request_ref, lineage_id,
    evidence_digest, day, shard, signer_id, not_before, not_after, journal_seq, created, der)
  ${rows(engine, `:realm, :issuer_key, ${serial(engine)}, 'server', 'none', 'none' || i, 'none', 'bench', 'bench', 'bench', ${serial(engine)}, 'none', 'none', cast(:day as integer), 1 + i % cast(:shards as integer), 1,
    cast(:now as bigint), cast(:not_after as bigint), 0, cast(:now as bigint), :der`)}`);
const prefix = values.day.toString(16).padStart(4, '0');
for (let done = 0; done < revoked; done += PAGE) await database.commit([{ statement: revocations, values: { ...values, prefix, second: done / 5 }, rows: 'any' }]);
for (let done = 0; done < issued; done += PAGE) await database.commit([{ statement: certificates, values: { ...values, prefix, second: (revoked + done) / 5, der: new Uint8Array(900) }, rows: 'any' }]);
const mark = rawStatement('update crl_shard set changed = changed + 1 where issuer_key = :issuer_key and shard <= :most');
const change = (most: number) => database.commit([{ statement: mark, values: { issuer_key: issuerKey, most }, rows: 'any' }]);

// Measured is what happens all day: the lists that are replaced are as long as the new ones.
await change(shards);
await ca.work.publishCrls();
await change(shards);
let rss = 0;
const watch = setInterval(() => { rss = Math.max(rss, process.memoryUsage.rss()); }, 20);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const cpuOfSigner = (): number => familyOf(signerPid).reduce((sum, pid) => sum + cpuOf(pid), 0);
const [signerBefore, cpu, begun] = [cpuOfSigner(), process.cpuUsage(), performance.now()];
await ca.work.publishCrls();
const ms = performance.now() - begun;
const { user, system } = process.cpuUsage(cpu);
const signerCpu = cpuOfSigner() - signerBefore;
delay.disable();
clearInterval(watch);

await change(1);
const oneBegun = performance.now();
await ca.work.publishCrls();
const one = performance.now() - oneBegun;

const bulkBegun = performance.now();
let count = 0;
for (let after: { issuerKey: string; serial: string } | undefined = { issuerKey: '', serial: '' }; after !== undefined; ) {
  const step: Awaited<ReturnType<typeof revokeSelected>> = await revokeSelected(parts, {
    realm: generation.realm, door: 'bench', requester: { kind: 'bench', id: 'bench' }, reason: 'superseded', selection: { profile: 'server' }, dryRun: false, after,
  });
  count += step.revoked;
  after = step.next;
}
const bulk = count / ((performance.now() - bulkBegun) / 1000);
const [size] = await database.many<{ octets: number; entries: number; stale: number }>(rawStatement(
  `select cast(sum(length(der)) as integer) as octets, cast(sum(entries) as integer) as entries, cast((select count(*) from crl_shard where changed < built) as integer) as stale from crl`));
if ((size?.entries ?? 0) < revoked) throw new Error(`only ${size?.entries} of ${revoked} are listed`);
const result: CrlResult = {
  revoked, shards, ms, cpu: (user + system) / 1000, signerCpu, blocked: delay.max / 1e6, rss: rss / 1024 / 1024, octets: size?.octets ?? 0, one, bulk,
};
console.log(JSON.stringify(result));
