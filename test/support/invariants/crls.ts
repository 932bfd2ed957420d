/** I7: the CRL of each shard is the newest ever published, was intended and journaled as it is, and is what the world is served. */
import { runCrlLints } from '../../../src/lint/index.ts';
import { parseCrl } from '../../../src/x509/crl.ts';
import { compare } from './audit.ts';
import { type Bad, type CrlRow, type Facts, readOr, sameBytes, sha256, verifies } from './facts.ts';

export async function checkCrls(facts: Facts, bad: Bad): Promise<void> {
  for (const row of facts.crls) {
    checkCrl(row, facts, bad);
    const key = `${row.issuer_key}/${row.shard}`;
    const served = await facts.sources.fetchStatus?.(`/crl/${key}.crl`);
    if (served !== undefined && (served.status !== 200 || !sameBytes(served.body, row.der))) bad('I7', `CRL ${key} is not what the status listener serves`);
  }
  checkPublished(facts, bad);
}

function checkCrl(row: CrlRow, { sources, signed, intentBySerial, entriesOf }: Facts, bad: Bad): void {
  const key = `${row.issuer_key}/${row.shard}`;
  const crl = readOr(parseCrl, row.der);
  if (crl === undefined) {
    bad('I4', `CRL ${key} cannot be read`);
    return;
  }
  const { tbs } = crl;
  if (tbs.number?.value !== BigInt(row.number)) bad('I7', `CRL ${key} has another number than its row`);
  if (tbs.thisUpdate !== row.this_update || tbs.nextUpdate !== row.next_update) bad('I7', `CRL ${key} has other times than its row`);
  if (!String(tbs.distributionPoint?.fullName?.[0]?.name?.value).endsWith(`/${row.shard}.crl`)) bad('I7', `CRL ${key} is of another shard`);

  const serial = `${row.issuer_key} crl:${row.shard}:${BigInt(row.number)}`;
  const line = signed.get(serial);
  if (line === undefined) bad('I1', `CRL ${key} number ${BigInt(row.number)} is in no journal`);
  else {
    if (!sameBytes(line.tbs, crl.tbsBytes)) bad('I4', `CRL ${key} has other bytes than its journal line`);
    if (line.seq !== row.journal_seq) bad('I1', `CRL ${key} has the receipt of another line`);
  }
  const intent = intentBySerial.get(serial);
  if (intent === undefined) bad('I1', `CRL ${key} number ${BigInt(row.number)} has no intent`);
  else {
    if (!sameBytes(intent.tbs, crl.tbsBytes)) bad('I1', `CRL ${key} has other bytes than its intent`);
    if (intent.state !== 'signed') bad('I6', `CRL ${key} is published while its intent is ${intent.state}`);
    const entry = entriesOf('crl.issued').get(intent.id);
    if (entry === undefined) bad('I5', `CRL ${key} number ${BigInt(row.number)} has no audit entry`);
    else compare(`CRL ${key}`, entry, { shard: row.shard, number: String(BigInt(row.number)), sha256: sha256(row.der), signer: row.signer_id, sequence: row.journal_seq }, bad);
  }

  if (row.sha256 !== sha256(row.der)) bad('I4', `CRL ${key} is stored under another digest`);
  if (row.entries !== (tbs.survey?.count ?? 0)) bad('I7', `CRL ${key} has another number of entries than its row`);

  const issuer = sources.issuers.get(row.issuer_key);
  if (issuer === undefined) bad('I4', `CRL ${key} is of an unknown issuer key`);
  else if (!verifies(issuer, crl)) bad('I4', `the signature of CRL ${key} does not verify`);
  const shape = sources.authority?.issuerKeys.get(row.issuer_key)?.shape;
  if (shape === undefined) return;
  const findings = runCrlLints({ crl: tbs, issuer: shape, shard: row.shard }).filter(({ severity }) => severity === 'error');
  for (const { lint } of findings) bad('I3', `CRL ${key} fails lint ${lint}`);
}

/** Whatever was published before had a lower number. */
function checkPublished({ crls, probes, entriesOf }: Facts, bad: Bad): void {
  const current = new Map(crls.map((row) => [`${row.issuer_key}/${row.shard}`, BigInt(row.number)]));
  for (const { said } of entriesOf('crl.issued').values()) {
    const key = `${said['issuerKey']}/${said['shard']}`;
    const number = current.get(key);
    if (number === undefined) bad('I7', `CRL ${key} was published and is gone`);
    else if (number < BigInt(String(said['number']))) bad('I7', `CRL ${key} has number ${number}, and ${said['number']} was published before`);
  }
  for (const { issuer_key, url, number } of probes) {
    const key = `${issuer_key}/${/(\d+)\.crl$/.exec(url)?.[1]}`;
    if (BigInt(number) > (current.get(key) ?? 0n)) bad('I7', `CRL ${key} was fetched with number ${BigInt(number)}, which is not published`);
  }
}
