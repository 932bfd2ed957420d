/** I1, I3, I4, I7: each certificate was intended, decided, linted, journaled as it is, and is stored as what it says. */
import type { Restriction } from '../../../src/ca/ca.ts';
import { decide } from '../../../src/ca/issuance/policy.ts';
import { runLints } from '../../../src/lint/index.ts';
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.ts';
import { nameKey } from '../../../src/x509/name.ts';
import { spkiSha256 } from '../../../src/x509/public-key.ts';
import { dayOf, readSerial } from '../../../src/x509/serial.ts';
import type { TbsFacts } from '../../../src/x509/shape.ts';
import { factsOf, renderTbs } from '../../../src/x509/tbs.ts';
import { type Bad, type CertificateRow, type Facts, keyOf, objectIn, readOr, sameBytes, sha256, verifies } from './facts.ts';

/** What a certificate's row repeats of its intent. */
const REPEATED = [
  'realm', 'profile', 'config_digest', 'evidence_digest', 'spki_sha256', 'not_before', 'not_after', 'shard', 'door', 'requester_kind', 'requester_id',
  'request_ref', 'lineage_id', 'replaces', 'signer_id',
] as const satisfies readonly (keyof CertificateRow)[];

export function checkCertificates(facts: Facts, bad: Bad): void {
  for (const row of facts.certificates) {
    const certificate = readOr(parseCertificate, row.der);
    const said = certificate && readOr(() => factsOf(certificate.tbs), row.der);
    if (certificate === undefined || said === undefined) {
      bad('I4', `certificate ${keyOf(row)} cannot be read`);
      continue;
    }
    checkBytes(row, certificate, facts, bad);
    checkRow(row, said, facts, bad);
    checkIntent(row, certificate, facts, bad);
    checkRules(row, certificate, said, facts, bad);
  }
  checkSuccession(facts, bad);
  for (const key of facts.names.keys()) {
    if (!facts.certificateBySerial.has(key)) bad('I4', `names are stored for ${key}, which is not there`);
  }
}

/** RFC 9773 §5: a certificate replaces one of the same requester, continues its lineage, and is the only one that does. */
function checkSuccession({ certificates, certificateBySerial }: Facts, bad: Bad): void {
  const replaced = new Set<string>();
  for (const row of certificates.filter(({ replaces, door }) => replaces !== null && door === 'acme')) {
    const predecessor = certificateBySerial.get((row.replaces as string).replace(':', ' '));
    if (replaced.has(row.replaces as string)) bad('I6', `certificate ${row.replaces} was replaced twice`);
    replaced.add(row.replaces as string);
    if (predecessor === undefined) continue; // it expired long ago, and is forgotten
    if (predecessor.requester_id !== row.requester_id) bad('I9', `certificate ${keyOf(row)} replaces one of another requester`);
    if (predecessor.lineage_id !== row.lineage_id) bad('I6', `certificate ${keyOf(row)} has another lineage than the one that it replaces`);
  }
}

/** Against the journal and the issuer's key. */
function checkBytes(row: CertificateRow, certificate: Certificate, { signed, sources }: Facts, bad: Bad): void {
  const key = keyOf(row);
  const line = signed.get(key);
  if (line === undefined) bad('I1', `certificate ${key} is in no journal`);
  else {
    if (!sameBytes(line.tbs, certificate.tbsBytes)) bad('I4', `certificate ${key} has other bytes than its journal line`);
    if (line.seq !== row.journal_seq) bad('I1', `certificate ${key} has the receipt of another line`);
  }
  if (row.sha256 !== sha256(row.der)) bad('I4', `certificate ${key} is stored under another digest`);
  const issuer = sources.issuers.get(row.issuer_key);
  if (issuer === undefined) bad('I4', `certificate ${key} is of an unknown issuer key`);
  else if (!verifies(issuer, certificate)) bad('I4', `the signature of ${key} does not verify`);
}

/** Against its own columns and names, and the CRL that it points to. */
function checkRow(row: CertificateRow, said: TbsFacts, { names, crls }: Facts, bad: Bad): void {
  const key = keyOf(row);
  if (said.serial !== row.serial) bad('I2', `certificate ${key} has another serial than its row`);
  const serial = readSerial(said.serial);
  // A notAfter beyond the year 2199 shares the last day that a serial can name.
  if (serial?.day !== Math.min(dayOf(said.notAfter), 0xffff)) bad('I2', `serial ${key} names another day than notAfter`);
  if (serial?.notBefore !== said.notBefore) bad('I2', `serial ${key} names another notBefore`);
  if (said.notBefore !== row.not_before || said.notAfter !== row.not_after) bad('I4', `certificate ${key} has another validity than its row`);
  if (spkiSha256(said.spki) !== row.spki_sha256) bad('I4', `certificate ${key} has another public key than its row`);
  if (said.shard !== row.shard) bad('I7', `certificate ${key} names another shard than its row`);
  if (said.shard !== 0 && !crls.some((crl) => crl.issuer_key === row.issuer_key && crl.shard === said.shard)) bad('I7', `certificate ${key} names shard ${said.shard}, which has no CRL`);
  const stored = (names.get(key) ?? []).map(({ type, value }) => `${type}:${value}`).sort();
  if (stored.join() !== said.names.map(nameKey).sort().join()) bad('I4', `certificate ${key} is stored with other names`);
}

/** Against intent, evidence and order. */
function checkIntent(row: CertificateRow, certificate: Certificate, facts: Facts, bad: Bad): void {
  const key = keyOf(row);
  const intent = facts.intentBySerial.get(key);
  if (intent === undefined) bad('I1', `certificate ${key} has no intent`);
  else {
    if (intent.state !== 'signed') bad('I6', `certificate ${key} is recorded while its intent is ${intent.state}`);
    if (!sameBytes(intent.tbs, certificate.tbsBytes)) bad('I4', `certificate ${key} has other bytes than its intent`);
    for (const column of REPEATED) if (row[column] !== intent[column]) bad('I1', `certificate ${key} has another ${column} than its intent`);
  }
  checkEvidence(row, facts, bad);
  const order = facts.orders.get(row.request_ref);
  if (order !== undefined && row.requester_id !== order.account) bad('I9', `certificate ${key} was given to another account than its order's`);
}

function checkEvidence(row: CertificateRow, facts: Facts, bad: Bad): void {
  const key = keyOf(row);
  if (!facts.generations.some(({ digest }) => digest === row.config_digest)) bad('I1', `the configuration of ${key} is not recorded`);
  if (!facts.evidenceByDigest.has(row.evidence_digest)) {
    bad('I1', `the evidence of ${key} is missing`);
    return;
  }
  const said = evidenceOf(row, facts);
  if (said.restored !== undefined) {
    // All that is left of it stands in the journal, and so does the operator's word for the restore.
    const told = said.restored.sequence === row.journal_seq && facts.lines.some(({ purpose }) => purpose === 'restore');
    if (!told) bad('I1', `the evidence of ${key} tells of a restore that no journal knows`);
    return;
  }
  const keys = (list: readonly { type: string; value: string }[]): string => list.map(({ type, value }) => `${type}:${value}`).sort().join();
  const agrees = {
    names: keys(said.names ?? []) === keys(facts.names.get(key) ?? []), profile: said.profile === row.profile,
    configuration: said.configuration === row.config_digest, door: said.door === row.door, lint: said.lint === 'passed',
    requester: said.requester?.kind === row.requester_kind && said.requester.id === row.requester_id,
  };
  for (const [what, same] of Object.entries(agrees)) if (!same) bad('I1', `the evidence of ${key} says another ${what}`);
}

/** What an evidence document says that can be compared; every member may be missing. */
interface Evidence {
  readonly names?: readonly { type: string; value: string }[];
  readonly requester?: { readonly kind: string; readonly id: string; readonly restriction?: Restriction };
  readonly profile?: string;
  readonly configuration?: string;
  readonly door?: string;
  readonly lint?: string;
  readonly policies?: readonly string[];
  /** The certificate was completed from the journal after a restore of the database. */
  readonly restored?: { readonly sequence: number };
}

const evidenceOf = ({ evidence_digest }: CertificateRow, { evidenceByDigest }: Facts): Evidence =>
  objectIn(evidenceByDigest.get(evidence_digest)?.body ?? '');

/** Rendered, linted and decided again, if the configuration is still the one that it was issued under. */
function checkRules(row: CertificateRow, certificate: Certificate, said: TbsFacts, facts: Facts, bad: Bad): void {
  const { authority } = facts.sources;
  const issuer = authority?.issuerKeys.get(row.issuer_key)?.shape;
  const profile = authority?.generation.profiles.get(row.profile);
  if (authority?.generation.digest !== row.config_digest || issuer === undefined || profile === undefined) return;
  const key = keyOf(row);
  const findings = runLints({ tbs: certificate.tbs, shape: profile.shape, issuer }).filter(({ severity }) => severity === 'error');
  for (const { lint } of findings) bad('I3', `certificate ${key} fails lint ${lint}`);
  const rendered = readOr(() => renderTbs(profile.shape, issuer, said), row.der);
  if (rendered === undefined || !sameBytes(rendered, certificate.tbsBytes)) bad('I3', `certificate ${key} is not what profile ${row.profile} renders`);
  const { policies = [], restored, requester } = evidenceOf(row, facts);
  const restriction = requester?.restriction;
  if (restored !== undefined) return; // who asked for it is not known any more
  const group = authority.issuerKeys.get(row.issuer_key)?.group as string;
  const question = { profile: row.profile, names: said.names, subject: said.subject, requester: { kind: row.requester_kind, id: row.requester_id, policies, group, ...(restriction === undefined ? {} : { restriction }) } };
  for (const { detail } of decide(authority.generation, question)) bad('I3', `certificate ${key} is not allowed: ${detail}`);
}
