/** I5: the audit log has an entry for every fact, says the same, and only grows: hashes hold, and numbers run without a gap from 1. */
import { type AuditRow, type Bad, type Entry, type Facts, type IntentRow, isEmptied, keyOf, sha256 } from './facts.ts';

export function checkAudit(facts: Facts, bad: Bad): void {
  checkLog(facts, bad);
  for (const intent of facts.intents) checkIntent(intent, facts, bad);
  checkCertificates(facts, bad);
}

function checkLog({ entries, intentById, forgotten, sources }: Facts, bad: Bad): void {
  let expected = 1;
  for (const { row, said } of entries) {
    if (row.hash !== sha256(row.body)) bad('I5', `audit entry ${row.id} was changed`);
    for (const column of ['type', 'realm', 'at'] as const satisfies readonly (keyof AuditRow)[]) {
      if (row[column] !== said[column]) bad('I5', `audit entry ${row.id} has a ${column} that its body does not say`);
    }
    if (said['intent'] !== undefined && !forgotten(said['intent']) && !intentById.has(said['intent'] as string)) bad('I5', `audit entry ${row.id} is about an intent that is not there`);
    if (row.seq === null) {
      if (sources.settled === true) bad('I5', `audit entry ${row.id} has no number`);
      continue;
    }
    if (row.seq !== expected) bad('I5', `audit entry ${row.id} has number ${row.seq} where ${expected} should be`);
    expected = row.seq + 1;
  }
}

/** That it was meant, and that it was given up, if it was. */
function checkIntent(intent: IntentRow, { entriesOf, signed }: Facts, bad: Bad): void {
  const key = keyOf(intent);
  const intended = entriesOf(`${intent.purpose}.intended`).get(intent.id);
  const bytes = isEmptied(intent) ? (signed.get(key)?.tbs ?? intent.tbs) : intent.tbs;
  if (intended === undefined) bad('I5', `intent ${key} has no audit entry`);
  else compare(`intent ${key}`, intended, { tbsSha256: sha256(bytes), issuerKey: intent.issuer_key, ...(intent.purpose === 'crl' ? ofCrl(intent) : ofCertificate(intent)) }, bad);
  if (intent.state === 'closed' && !entriesOf(`${intent.purpose}.abandoned`).has(intent.id)) bad('I5', `intent ${key} was closed without an audit entry`);
}

const ofCrl = ({ shard, serial }: IntentRow) => ({ shard, number: serial.split(':')[2] });
const ofCertificate = (row: IntentRow) => ({
  serial: row.serial, profile: row.profile, configDigest: row.config_digest, door: row.door, requesterKind: row.requester_kind,
  requesterId: row.requester_id, requestRef: row.request_ref, evidence: row.evidence_digest,
});

function checkCertificates({ certificates, certificateBySerial, intentBySerial, intentById, forgotten, entriesOf, lines }: Facts, bad: Bad): void {
  const issued = entriesOf('certificate.issued');
  const lineOf = new Set(lines.map(({ seq, head }) => `${seq} ${head}`));
  for (const row of certificates) {
    const key = keyOf(row);
    const entry = issued.get(intentBySerial.get(key)?.id);
    if (entry === undefined) {
      bad('I5', `certificate ${key} has no audit entry`);
      continue;
    }
    compare(`certificate ${key}`, entry, { issuerKey: row.issuer_key, serial: row.serial, sha256: row.sha256, signer: row.signer_id, sequence: row.journal_seq }, bad);
    if (!lineOf.has(`${row.journal_seq} ${entry.said['head']}`)) bad('I5', `the audit entry of certificate ${key} says a head that no journal has`);
  }
  for (const intent of issued.keys()) {
    if (forgotten(intent)) continue;
    const of = intentById.get(intent as string);
    if (of === undefined || !certificateBySerial.has(keyOf(of))) bad('I5', `the audit log says that intent ${intent} was issued, and no certificate is there`);
  }
}

/** The audit entry of `what` says each of these. */
export function compare(what: string, { said }: Entry, facts: Readonly<Record<string, unknown>>, bad: Bad): void {
  for (const [name, value] of Object.entries(facts)) if (said[name] !== value) bad('I5', `the audit entry of ${what} says another ${name}`);
}
