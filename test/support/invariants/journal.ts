/** I1, I2: the journals are whole, every line over a certificate or CRL was intended, and a serial is used once. */
import { coreOf, parseTbs } from '../../../src/x509/certificate.ts';
import { parseCrlTbs } from '../../../src/x509/crl.ts';
import { readSerial } from '../../../src/x509/serial.ts';
import { type Bad, type Facts, isEmptied, type Line, readOr, sameBytes } from './facts.ts';

/** Clocks of front and signer may differ by so much, and a line waits for the disk. */
const SLACK_MS = 5_000;

export function checkJournal(facts: Facts, bad: Bad): void {
  for (const fault of facts.journalFaults) bad('I1', `journal: ${fault}`);
  for (const line of facts.lines) {
    if (line.purpose !== 'certificate' && line.purpose !== 'crl') continue;
    checkIntended(line, facts, bad);
    checkBytes(line, bad);
  }
  checkSerials(facts, bad);
  checkSigners(facts, bad);
}

function checkIntended(line: Line, { intentById, certificateBySerial, forgotten }: Facts, bad: Bad): void {
  if (forgotten(line.intent)) return;
  const at = `journal line ${line.seq} (${line.key})`;
  const intent = intentById.get(line.intent);
  if (intent === undefined) {
    bad('I1', `${at} has no intent ${line.intent}`);
    return;
  }
  if (!isEmptied(intent) && !sameBytes(intent.tbs, line.tbs)) bad('I1', `${at} has other bytes than its intent`);
  if (intent.created > line.time + SLACK_MS) bad('I1', `${at} is older than its intent`);
  if (line.time > intent.deadline + SLACK_MS) bad('I1', `${at} was written after its deadline`);
  const same = intent.purpose === line.purpose && intent.issuer_key === line.issuerKey && intent.serial === line.serial;
  if (!same || (line.profile !== undefined && line.profile !== intent.profile)) {
    bad('I1', `${at} is for something else than its intent`);
  }
  if (line.purpose === 'certificate' && !certificateBySerial.has(line.key) && intent.state !== 'open') {
    bad('I6', `${at} was signed and is not recorded`);
  }
}

function checkBytes(line: Line, bad: Bad): void {
  const at = `journal line ${line.seq} (${line.key})`;
  if (serialIn(line) !== line.serial) bad('I2', `${at} names another serial than its bytes`);
  if (line.purpose === 'certificate' && readOr(coreOf, line.tbs) !== line.core) bad('I2', `${at} names another core than its bytes`);
}

/** As the journal writes it; undefined when the bytes cannot be read. */
function serialIn({ purpose, tbs }: Line): string | undefined {
  if (purpose === 'certificate') return readOr(parseTbs, tbs)?.serial;
  const crl = readOr(parseCrlTbs, tbs);
  const uri = crl?.distributionPoint?.fullName?.[0]?.name?.value ?? '';
  return crl && `crl:${/(\d+)\.crl$/.exec(String(uri))?.[1]}:${crl.number?.value}`;
}

/** One line for each purpose and serial, one core for all of them, and none beside a tombstone. CRL numbers go up. */
function checkSerials({ lines }: Facts, bad: Bad): void {
  const cores = new Map<string, string>();
  const used = new Set<string>();
  const closed = new Set<string>();
  const highest = new Map<string, bigint>();
  for (const line of lines) {
    const { key, purpose } = line;
    if (purpose === 'tombstone') {
      closed.add(key);
      if (cores.has(key)) bad('I2', `serial ${key} has a tombstone although it was signed`);
    }
    if (purpose !== 'certificate' && purpose !== 'precertificate' && purpose !== 'crl') continue;
    if (closed.has(key)) bad('I2', `serial ${key} was signed after its tombstone`);
    if (used.has(`${purpose} ${key}`)) bad('I2', `serial ${key} was signed twice`);
    if (cores.has(key) && cores.get(key) !== line.core) bad('I2', `serial ${key} has two cores`);
    used.add(`${purpose} ${key}`);
    cores.set(key, line.core);
    if (purpose !== 'crl') continue;
    const [, shard, number = '0'] = line.serial.split(':');
    const of = `${line.issuerKey}/${shard}`;
    if (BigInt(number) <= (highest.get(of) ?? 0n)) bad('I7', `CRL numbers of ${of} do not go up at journal line ${line.seq}`);
    highest.set(of, BigInt(number));
  }
}

/** A journal has one signer id at a time, changed by a restore only, and no id is in two journals. */
function checkSigners({ lines }: Facts, bad: Bad): void {
  const now = new Map<number, number>();
  const journalOf = new Map<number, number>();
  for (const { journal, purpose, note, serial, seq } of lines) {
    if (purpose === 'restore') now.set(journal, Number(note?.['to']));
    const id = purpose === 'certificate' ? readSerial(serial)?.signerId : undefined;
    if (id === undefined) continue;
    const known = now.get(journal) ?? id;
    now.set(journal, known);
    if (id !== known) bad('I2', `journal line ${seq} is by signer ${id}, and the journal is that of signer ${known}`);
    if ((journalOf.get(id) ?? journal) !== journal) bad('I2', `signer id ${id} has two journals`);
    journalOf.set(id, journal);
  }
}
