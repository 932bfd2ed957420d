/**
 * I7: what is revoked and not yet forgotten is in the CRL of its shard, with its date and reason, and nothing else is in any. I5: each revocation
 * has its audit entry. I3: nobody has a good certificate for a key that is blocked.
 */
import { REASON_CODE } from '../../../src/ca/revocation/reason.ts';
import { parseCrl } from '../../../src/x509/crl.ts';
import { type FoundRevoked, readEntries } from '../../../src/x509/crl-entries.ts';
import { dayOf } from '../../../src/x509/serial.ts';
import { type Bad, type CrlRow, type Entry, type Facts, keyOf, readOr, type RevocationRow, type ShardRow } from './facts.ts';

export function checkRevocations(facts: Facts, bad: Bad): void {
  const said = lastWords(facts);
  for (const row of facts.revocations) {
    checkRow(row, facts, bad);
    checkEntry(row, said.get(keyOf(row)) ?? [], bad);
  }
  const recorded = new Set(facts.revocations.map(keyOf));
  for (const [key, entries] of said) {
    if (entries.every(({ row }) => row.type === 'certificate.revoked') && !recorded.has(key) && !isForgotten(key, facts)) bad('I5', `the audit log says that ${key} was revoked, and no revocation is there`);
  }
  for (const shard of facts.shards) checkShard(shard, facts, bad);
  checkKeys(facts, bad);
}

/** Of each serial, the last that the audit log says about its revocation: of the same millisecond, any may be the last. */
function lastWords({ entries }: Facts): Map<string, Entry[]> {
  const words = entries.filter(({ row }) => row.type === 'certificate.revoked' || row.type === 'certificate.unheld');
  const bySerial = Map.groupBy(words, ({ said }) => `${said['issuerKey']} ${said['serial']}`);
  return new Map([...bySerial].map(([key, all]) => {
    const last = Math.max(...all.map(({ row }) => row.at));
    return [key, all.filter(({ row }) => row.at === last)];
  }));
}

/** The serial names the day, as ids do. */
const isForgotten = (key: string, { forgotten }: Facts): boolean => forgotten((key.split(' ')[1] ?? '').slice(2));

function checkRow(row: RevocationRow, { certificateBySerial, intentBySerial }: Facts, bad: Bad): void {
  const key = keyOf(row);
  const of = certificateBySerial.get(key) ?? intentBySerial.get(key);
  if (of === undefined) bad('I7', `revocation ${key} is of a certificate that was never meant`);
  for (const column of ['realm', 'spki_sha256', 'shard', 'not_after'] as const) {
    if (of !== undefined && of[column] !== row[column]) bad('I7', `revocation ${key} has another ${column} than its certificate`);
  }
  if (row.day !== dayOf(row.not_after)) bad('I7', `revocation ${key} is kept under another day`);
}

function checkEntry(row: RevocationRow, entries: readonly Entry[], bad: Bad): void {
  const key = keyOf(row);
  const [first] = entries;
  if (first === undefined) {
    bad('I5', `revocation ${key} has no audit entry`);
    return;
  }
  const facts = {
    reason: Object.entries(REASON_CODE).find(([, code]) => code === row.reason)?.[0], revokedAt: row.revoked_at, door: row.door,
    requesterKind: row.requester_kind, requesterId: row.requester_id, evidence: row.evidence_digest,
  };
  const agrees = ({ said }: Entry): boolean => Object.entries(facts).every(([name, value]) => said[name] === value);
  if (entries.some(agrees)) return;
  for (const [name, value] of Object.entries(facts)) if (first.said[name] !== value) bad('I5', `the audit entry of revocation ${key} says another ${name}`);
}

function checkShard(shard: ShardRow, facts: Facts, bad: Bad): void {
  const name = `${shard.issuer_key}/${shard.shard}`;
  const crl = facts.crls.find((row) => row.issuer_key === shard.issuer_key && row.shard === shard.shard);
  if (crl !== undefined && shard.reserved < crl.number) bad('I7', `shard ${name} is published with a number that nobody took`);
  if (shard.changed !== shard.built) {
    if (facts.sources.settled === true) bad('I7', `shard ${name} has changed and its CRL has not`);
    return;
  }
  if (crl !== undefined) checkList(name, crl, facts, bad);
}

/** A shard that has not changed since lists exactly what is revoked in it. */
function checkList(name: string, crl: CrlRow, { revocations }: Facts, bad: Bad): void {
  const octets = readOr(parseCrl, crl.der)?.tbs.entries;
  const listed = new Map<string, FoundRevoked>(octets === undefined ? [] : [...readEntries(octets)].map((entry) => [entry.serial, entry]));
  for (const row of revocations) {
    if (row.issuer_key !== crl.issuer_key || row.shard !== crl.shard || row.not_after < crl.listed_from) continue;
    const entry = listed.get(row.serial);
    listed.delete(row.serial);
    if (entry === undefined) bad('I7', `revocation ${keyOf(row)} is not in CRL ${name}`);
    else if (entry.at !== Math.floor(Math.min(row.revoked_at, crl.this_update) / 1000) * 1000) bad('I7', `revocation ${keyOf(row)} has another date in CRL ${name}`);
    else if ((entry.reason ?? REASON_CODE.unspecified) !== row.reason) bad('I7', `revocation ${keyOf(row)} has another reason in CRL ${name}`);
  }
  for (const serial of listed.keys()) bad('I7', `CRL ${name} lists ${serial}, which is not revoked there`);
}

function checkKeys({ blocked, certificates, revocations, sources }: Facts, bad: Bad): void {
  const compromised = new Set(revocations.filter(({ reason }) => reason === REASON_CODE.keyCompromise).map(keyOf));
  for (const key of blocked) {
    if (key.swept === null && sources.settled !== true) continue;
    for (const row of certificates) {
      if (row.realm !== key.realm || row.spki_sha256 !== key.spki_sha256 || row.not_after < key.blocked_at) continue;
      if (!compromised.has(keyOf(row))) bad('I3', `certificate ${keyOf(row)} has a key that is blocked, and is good`);
    }
  }
}
