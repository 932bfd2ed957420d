/**
 * The invariants of the design, checked over what is there: journals, database, status listener, compared both ways.
 * `findViolations` returns every violation as a sentence; `checkInvariants` ends each test that issues or revokes.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { rawStatement } from '../../src/database/statement.ts';
import { readJournal } from '../../src/signing/journal-files.ts';
import { ALGORITHMS, algorithmOf } from '../../src/x509/algorithm.ts';
import { coreOf, parseCertificate } from '../../src/x509/certificate.ts';
import { parseCrl } from '../../src/x509/crl.ts';
import { nameKey } from '../../src/x509/name.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { dayOf, readSerial } from '../../src/x509/serial.ts';
import { factsOf } from '../../src/x509/tbs.ts';

export interface Sources {
  readonly database: Database;
  /** Directories that hold journal files, one for each signer id ever used with this database. */
  readonly journals: readonly string[];
  /** DER certificates of the issuer keys, by id. */
  readonly issuers: ReadonlyMap<string, Uint8Array>;
  /** GET on a status listener; absent when no front runs. */
  readonly fetchStatus?: (path: string) => Promise<{ status: number; body: Uint8Array }>;
  /** Nothing is under way any more: open intents and unnumbered audit entries are violations too. */
  readonly settled?: boolean;
}

/** The usual sources of a test world with the development issuer. */
export async function checkInvariants(
  world: { state: string; database: string; fetchFrom?(listener: 'status', path: string): Promise<{ status: number; body: Buffer }> },
  options: { settled?: boolean; status?: boolean } = {},
): Promise<void> {
  await using database = await openDatabase(world.database);
  const [intermediate] = decodePem('CERTIFICATE', readFileSync(join(world.state, 'public/intermediate.pem'), 'utf8'));
  const violations = await findViolations({
    database, journals: [join(world.state, 'signer/journal')], issuers: new Map([['development-1', intermediate as Uint8Array]]),
    settled: options.settled ?? false,
    ...(options.status === true && world.fetchFrom !== undefined
      ? { fetchStatus: (path: string) => world.fetchFrom?.('status', path) as Promise<{ status: number; body: Buffer }> } : {}),
  });
  assert.deepEqual(violations, []);
}

interface Row { [column: string]: string | number | Uint8Array | null }

export async function findViolations(sources: Sources): Promise<string[]> {
  const violations: string[] = [];
  const bad = (invariant: string, what: string): void => void violations.push(`${invariant}: ${what}`);
  const rows = (sql: string): Promise<Row[]> => sources.database.many<Row>(rawStatement(sql));
  const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

  const intents = await rows('select * from intent');
  const certificates = await rows('select * from certificate');
  const names = await rows('select * from certificate_name');
  const evidence = await rows('select * from evidence');
  const entries = await rows('select * from audit_entry order by seq');
  const crls = await rows('select * from crl');
  const intentById = new Map(intents.map((intent) => [intent['id'], intent]));
  const intentBySerial = new Map(intents.map((intent) => [`${intent['issuer_key']} ${intent['serial']}`, intent]));
  const certificateBySerial = new Map(certificates.map((row) => [`${row['issuer_key']} ${row['serial']}`, row]));
  const bodies = entries.map((entry) => ({ entry, body: JSON.parse(String(entry['body'])) as Row }));
  const audited = (type: string): Map<unknown, Row> => new Map(bodies.filter(({ entry }) => entry['type'] === type).map(({ body }) => [body['intent'], body]));
  const intended = audited('certificate.intended');
  const issued = audited('certificate.issued');
  const crlIntended = audited('crl.intended');

  // I1, I2: the journal is whole, each line has its intent with the same bytes, one core per serial, one line per purpose and core.
  const cores = new Map<string, string>();
  const lines = new Map<string, { tbs: Uint8Array; seq: number; signer: number }>();
  const highestCrl = new Map<string, number>();
  const tombstones = new Set<string>();
  for (const directory of sources.journals) {
    if (!existsSync(directory)) continue;
    try {
      for (const line of readJournal(directory)) {
        const at = `journal line ${line.seq}`;
        const key = `${line.issuerKey} ${line.serial}`;
        if (line.purpose === 'tombstone') tombstones.add(key);
        if (line.purpose === 'crl') highestCrl.set(`${line.issuerKey} ${line.serial.split(':')[1]}`, Number(line.serial.split(':')[2]));
        if (line.purpose !== 'certificate' && line.purpose !== 'crl') continue;
        const intent = intentById.get(line.intent);
        if (intent === undefined) bad('I1', `${at} (${key}) has no intent ${line.intent}`);
        else if (Buffer.compare(intent['tbs'] as Uint8Array, line.tbs) !== 0) bad('I1', `${at} (${key}) has other bytes than its intent`);
        else if (Number(intent['created']) > line.time + 1000) bad('I1', `${at} (${key}) is older than its intent`);
        if (line.purpose !== 'certificate') continue;
        const core = coreOf(line.tbs);
        if (core !== line.core) bad('I2', `${at} (${key}) names another core than its bytes have`);
        if (cores.has(key)) bad('I2', `serial ${key} was signed twice${cores.get(key) === core ? '' : ', with two cores'}`);
        if (tombstones.has(key)) bad('I2', `serial ${key} was signed after its tombstone`);
        cores.set(key, core);
        lines.set(key, { tbs: line.tbs, seq: line.seq, signer: readSerial(line.serial)?.signerId ?? -1 });
        if (!certificateBySerial.has(key) && intent?.['state'] !== 'open') bad('I6', `${at} (${key}) was signed and is not recorded: intent is ${intent?.['state']}`);
      }
    } catch (error) {
      bad('I1', (error as Error).message);
    }
  }

  // I1, I3, I4, I5: each certificate has journal line, intent, evidence, audit entry and names, and verifies.
  const evidenceDigests = new Set(evidence.map((row) => row['digest']));
  const namesBySerial = Map.groupBy(names, (row) => `${row['issuer_key']} ${row['serial']}`);
  for (const row of certificates) {
    const key = `${row['issuer_key']} ${row['serial']}`;
    const line = lines.get(key);
    const intent = intentBySerial.get(key);
    const der = row['der'] as Uint8Array;
    const issuer = sources.issuers.get(String(row['issuer_key']));
    const certificate = parseCertificate(der);
    const facts = factsOf(certificate.tbs);
    if (line === undefined) bad('I1', `certificate ${key} is in no journal`);
    else {
      if (Buffer.compare(line.tbs, certificate.tbsBytes) !== 0) bad('I4', `certificate ${key} has other bytes than its journal line`);
      if (line.seq !== row['journal_seq'] || line.signer !== row['signer_id']) bad('I1', `certificate ${key} has a receipt for another line`);
    }
    if (intent === undefined) bad('I1', `certificate ${key} has no intent`);
    else {
      if (intent['state'] !== 'signed') bad('I6', `certificate ${key} is recorded while its intent is ${intent['state']}`);
      if (Buffer.compare(intent['tbs'] as Uint8Array, certificate.tbsBytes) !== 0) bad('I4', `certificate ${key} has other bytes than its intent`);
      if (intent['request_ref'] !== row['request_ref']) bad('I6', `certificate ${key} has another reference than its intent`);
      if (!intended.has(intent['id'])) bad('I5', `intent of ${key} has no audit entry`);
      const entry = issued.get(intent['id']);
      if (entry === undefined) bad('I5', `certificate ${key} has no audit entry`);
      else if (entry['sha256'] !== sha256(der)) bad('I5', `audit entry of ${key} is about another certificate`);
    }
    if (!evidenceDigests.has(row['evidence_digest'] as string)) bad('I1', `evidence of ${key} is missing`);
    if (row['sha256'] !== sha256(der)) bad('I4', `certificate ${key} is stored under another digest`);
    if (facts.serial !== row['serial'] || facts.shard !== row['shard']) bad('I7', `certificate ${key} says another serial or shard than its row`);
    if (readSerial(facts.serial)?.day !== dayOf(facts.notAfter)) bad('I2', `serial ${key} names another day than notAfter`);
    const stored = (namesBySerial.get(key) ?? []).map((name) => `${name['type']}:${name['value']}`).sort();
    if (stored.join() !== facts.names.map(nameKey).sort().join()) bad('I4', `names of ${key} are stored as ${stored.join()}`);
    if (issuer === undefined) bad('I4', `certificate ${key} is of an unknown issuer key`);
    else if (!verifies(issuer, certificate)) bad('I4', `signature of ${key} does not verify`);
  }

  // I6: intents and references.
  for (const intent of intents) {
    const key = `${intent['issuer_key']} ${intent['serial']}`;
    if (intent['purpose'] === 'crl' && !crlIntended.has(intent['id'])) bad('I5', `intent of CRL ${key} has no audit entry`);
    if (intent['state'] === 'signed' && intent['purpose'] === 'certificate' && !certificateBySerial.has(key)) bad('I6', `intent ${key} is signed and its certificate is not there`);
    if (intent['state'] === 'open' && sources.settled === true) bad('I6', `intent ${key} (${intent['purpose']}) is still open`);
  }
  const byReference = Map.groupBy(certificates, (row) => `${row['realm']} ${row['request_ref']}`);
  for (const [reference, of] of byReference) if (of.length > 1) bad('I6', `request ${reference} has ${of.length} certificates`);
  for (const row of evidence) if (sha256(String(row['body'])) !== row['digest']) bad('I1', `evidence ${row['digest']} was changed`);

  // I5: the log only grows: hashes hold, numbers run without a gap from 1.
  let expected = 1;
  for (const { entry, body } of bodies) {
    if (entry['hash'] !== sha256(String(entry['body']))) bad('I5', `audit entry ${entry['id']} was changed`);
    if (entry['type'] !== body['type'] || entry['at'] !== body['at']) bad('I5', `audit entry ${entry['id']} has columns that its body does not say`);
    if (entry['seq'] === null) {
      if (sources.settled === true) bad('I5', `audit entry ${entry['id']} has no number`);
    } else if (entry['seq'] !== expected++) bad('I5', `audit entries have a gap before ${entry['seq']}`);
  }
  for (const [intent] of issued) if (!certificateBySerial.has(serialOf(intentById.get(intent as string)))) bad('I5', `audit entry says that intent ${intent} was issued, and no certificate is there`);

  // I7: CRLs: signed, of their own shard and number, and the status listener serves them.
  for (const row of crls) {
    const key = `${row['issuer_key']}/${row['shard']}`;
    const crl = parseCrl(row['der'] as Uint8Array);
    const issuer = sources.issuers.get(String(row['issuer_key']));
    if (Number(crl.tbs.number?.value) !== row['number']) bad('I7', `CRL ${key} has number ${crl.tbs.number?.value}, its row says ${row['number']}`);
    if (Number(row['number']) > (highestCrl.get(`${row['issuer_key']} ${row['shard']}`) ?? 0)) bad('I1', `CRL ${key} number ${row['number']} is in no journal`);
    if (issuer !== undefined && !verifies(issuer, { ...crl, tbsBytes: crl.tbsBytes })) bad('I4', `signature of CRL ${key} does not verify`);
    const served = await sources.fetchStatus?.(`/crl/${row['issuer_key']}/${row['shard']}.crl`);
    if (served !== undefined && (served.status !== 200 || Buffer.compare(served.body, row['der'] as Uint8Array) !== 0)) bad('I7', `CRL ${key} is not what the status listener serves`);
  }
  return violations;
}

const serialOf = (intent: Row | undefined): string => `${intent?.['issuer_key']} ${intent?.['serial']}`;

function verifies(issuer: Uint8Array, signed: { tbsBytes: Uint8Array; signatureAlgorithm: Uint8Array; signature: Uint8Array }): boolean {
  const { tbs } = parseCertificate(issuer);
  const algorithm = algorithmOf(signed.signatureAlgorithm);
  return algorithm !== undefined && ALGORITHMS[algorithm].verify(tbs.spki, signed.tbsBytes, signed.signature);
}
