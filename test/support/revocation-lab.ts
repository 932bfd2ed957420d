/** A CA over a real database in which certificates are issued and revoked by the dozen, under a clock that the test moves. */
import { generateKeyPairSync } from 'node:crypto';
import type { IssuedCertificate, RevocationRequest } from '../../src/ca/index.ts';
import type { Generation } from '../../src/config/generation.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Database, openDatabase, rawStatement } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openSoftwareCa, type SoftwareCa } from './software-ca.ts';

export const REALM = 'default';
export const HOUR = 3_600_000;

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
}

export const newSpki = (): Uint8Array => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });

/** @param configure makes another generation of the one that the repository ships */
export async function openRevocationLab(url: string, configure: (shipped: Generation) => Generation = (shipped) => shipped): Promise<RevocationLab> {
  const clock = { time: Date.parse('2026-11-22T12:00:00Z'), now: () => clock.time };
  const loaded = loadConfig('ca-config', '/nowhere');
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  const generation = configure(loaded.generation);
  const database = await openDatabase(url);
  await migrate(database);
  const software = openSoftwareCa({ database, clock, generation: () => generation });
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
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
