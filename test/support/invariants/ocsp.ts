/** I1, I3, I5: OCSP responses are signed under responders' certificates that are recorded, journaled by digest, and audited as no more than there are. */
import { parseCertificate } from '../../../src/x509/certificate.ts';
import { OID } from '../../../src/x509/oid.ts';
import { type Bad, type Facts, type Line, readOr } from './facts.ts';

const DIGEST_OCTETS = 32;
/** Clocks of front and signer may differ by so much. */
const SLACK_MS = 5_000;

export function checkOcsp(facts: Facts, bad: Bad): void {
  const lines = facts.lines.filter(({ purpose }) => purpose === 'ocsp');
  for (const line of lines) checkLine(line, facts, bad);
  checkAudited(lines, facts, bad);
}

const markOf = (issuerKey: unknown, responder: unknown): string => `${String(issuerKey)} ${String(responder)}`;
const digestsIn = ({ tbs }: Line): number => tbs.length / DIGEST_OCTETS;

function checkLine(line: Line, { certificateBySerial }: Facts, bad: Bad): void {
  const at = `journal line ${line.seq}`;
  if (digestsIn(line) < 1 || Number(line.note?.['responses']) !== digestsIn(line)) bad('I1', `${at} counts other OCSP responses than it has digests`);
  const row = certificateBySerial.get(markOf(line.issuerKey, line.note?.['responder']));
  const responder = row && readOr(parseCertificate, row.der)?.tbs;
  if (responder?.extendedKeyUsage?.join() !== OID.ocspSigning) bad('I3', `${at} has OCSP responses of nobody who may sign them`);
  else if (line.time > responder.notAfter + SLACK_MS || line.time < responder.notBefore - SLACK_MS) bad('I3', `${at} has OCSP responses of a responder whose time it was not`);
}

/** A front that was killed leaves less in the audit log than in the journal, never more. */
function checkAudited(lines: readonly Line[], { entries }: Facts, bad: Bad): void {
  const left = new Map<string, number>();
  for (const line of lines) {
    const mark = markOf(line.issuerKey, line.note?.['responder']);
    left.set(mark, (left.get(mark) ?? 0) + digestsIn(line));
  }
  for (const { row, said } of entries) {
    if (row.type !== 'ocsp.signed') continue;
    const mark = markOf(said['issuerKey'], said['responder']);
    left.set(mark, (left.get(mark) ?? 0) - Number(said['responses']));
    if (!lines.some(({ seq, head }) => seq === said['sequence'] && head === said['head'])) bad('I5', `audit entry ${row.id} names a receipt for OCSP responses that no journal has`);
  }
  for (const [mark, count] of left) if (count < 0) bad('I5', `the audit log has more OCSP responses of ${mark} than the journals`);
}
