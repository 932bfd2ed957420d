/**
 * The invariants of the design, checked over what is there: journals, database, status listener, compared both ways.
 * `findViolations` returns every violation as a sentence; `checkInvariants` ends each test that issues or revokes. One file each for
 * what is compared with what; test/invariants plants every violation and sees that it is found.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority } from '../../src/ca/issuance/issuer-key.ts';
import { loadConfig } from '../../src/config/load.ts';
import { openDatabase } from '../../src/database/database.ts';
import { loadAuthority } from '../../src/wiring/authority.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { checkAccess } from './invariants/access.ts';
import { checkAudit } from './invariants/audit.ts';
import { checkCertificates } from './invariants/certificates.ts';
import { checkCrls } from './invariants/crls.ts';
import { type Check, readFacts, type Sources } from './invariants/facts.ts';
import { checkEvidence, checkIntents } from './invariants/intents.ts';
import { checkJournal } from './invariants/journal.ts';
import { checkOcsp } from './invariants/ocsp.ts';
import { checkProofs } from './invariants/proofs.ts';
import { checkRevocations } from './invariants/revocations.ts';

export type { Sources } from './invariants/facts.ts';

const CHECKS: readonly Check[] = [checkJournal, checkOcsp, checkCertificates, checkIntents, checkEvidence, checkAudit, checkCrls, checkRevocations, checkAccess, checkProofs];

/** Each as `I4: what is wrong`; none when all holds. */
export async function findViolations(sources: Sources): Promise<string[]> {
  const violations: string[] = [];
  const facts = await readFacts(sources);
  for (const check of CHECKS) await check(facts, (invariant, what) => { violations.push(`${invariant}: ${what}`); });
  return violations;
}

/** What of a test world is looked at. */
export interface Checked {
  readonly state: string;
  readonly database: string;
  /** Directory of the configuration in force. */
  configuration?(): string;
  fetchFrom?(listener: 'status', path: string): Promise<{ status: number; body: Buffer }>;
}

/** @param options `settled`: nothing is under way any more; `status`: a front runs, look at what it serves; `secrets`: more words that may stand nowhere */
export async function checkInvariants(world: Checked, options: { settled?: boolean; status?: boolean; secrets?: ReadonlyMap<string, string> } = {}): Promise<void> {
  await using database = await openDatabase(world.database);
  const fetchStatus = options.status === true ? (path: string) => world.fetchFrom?.('status', path) as Promise<{ status: number; body: Buffer }> : undefined;
  const usual = sourcesOf(world);
  const violations = await findViolations({
    database, ...usual, settled: options.settled ?? false, secrets: new Map([...(usual.secrets ?? []), ...(options.secrets ?? [])]), ...(fetchStatus === undefined ? {} : { fetchStatus }),
  });
  assert.deepEqual(violations, []);
}

/** The usual sources of a test world with the development issuer; the caller opens the database. */
export function sourcesOf(world: Pick<Checked, 'state' | 'configuration'>): Omit<Sources, 'database'> {
  const certificate = (file: string): Uint8Array => decodePem('CERTIFICATE', readFileSync(join(world.state, 'public', file), 'utf8'))[0] as Uint8Array;
  const authority = authorityOf(world);
  return {
    journals: [join(world.state, 'signer/journal')], 
    issuers: new Map([['development-1', certificate('intermediate.pem')], ['staging-development-1', certificate('staging-intermediate.pem')]]),
    secrets: pinsIn(join(world.state, 'pins')), ...(authority === undefined ? {} : { authority }),
  };
}

/** Undefined where a test has left no configuration that can be used. */
function authorityOf(world: Pick<Checked, 'state' | 'configuration'>): Authority | undefined {
  const directory = world.configuration?.();
  if (directory === undefined) return undefined;
  const loaded = loadConfig(directory, world.state, process.env);
  return 'faults' in loaded ? undefined : loadAuthority(loaded.generation);
}

function pinsIn(directory: string): Map<string, string> {
  const files = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.pin')) : [];
  return new Map(files.map((name) => [`the PIN ${name}`, readFileSync(join(directory, name), 'utf8').trim()]));
}
