/** Every way to break an invariant that the checker knows: what is done to a copy of a sound world, and what the checker must say. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority } from '../../src/ca/issuance/issuer-key.ts';
import { sha256 } from '../../src/ca/canonical-json.ts';
import type { Copy, Loose } from '../support/corruptible.ts';
import { ACCESS } from './access-corruptions.ts';
import { OCSP } from './ocsp-corruptions.ts';
import { PROOFS } from './proof-corruptions.ts';

export interface Corruption {
  readonly what: string;
  readonly found: RegExp;
  make(copy: Copy): void;
}

/** One certificate of a client; corruptions are of it, of its intent, names and evidence, or of one CRL. */
const ISSUED = "door = 'acme' order by serial limit 1";
const certificate = (copy: Copy): Loose => copy.row(`select * from certificate where ${ISSUED}`);
const intentOf = (copy: Copy): Loose => copy.row('select * from intent where serial = ?', certificate(copy)['serial']);
const crl = (copy: Copy): Loose => copy.row("select * from crl where issuer_key = 'development-1' order by shard limit 1");
const numberOf = (copy: Copy): string => `crl:${crl(copy)['shard']}:${BigInt(crl(copy)['number'])}`;
const aboutCrl = (copy: Copy): string => `type = 'crl.issued' and instr(body, '"number":"${BigInt(crl(copy)['number'])}"') > 0 and instr(body, 'development-1') > 0`;
const setRevocation = (column: string, value: unknown) => (copy: Copy): void => copy.run(`update revocation set ${column} = ?`, value);
const setCertificate = (column: string, value: unknown) => (copy: Copy): void =>
  copy.run(`update certificate set ${column} = ? where serial = ?`, value, certificate(copy)['serial']);
const setIntent = (column: string, value: unknown) => (copy: Copy): void =>
  copy.run(`update intent set ${column} = ? where id = ?`, value, intentOf(copy)['id']);
const setCrl = (column: string, value: unknown) => (copy: Copy): void =>
  copy.run(`update crl set ${column} = ? where issuer_key = 'development-1' and shard = ?`, value, crl(copy)['shard']);

/** Where the first line of that purpose stands. */
const placeOf = (lines: readonly Loose[], purpose = 'certificate'): number => lines.findIndex((line) => line['purpose'] === purpose);
const editLine = (change: (line: Loose) => Loose, purpose = 'certificate') => (copy: Copy): void =>
  copy.rewriteLines((lines) => lines.map((line, index) => (index === placeOf(lines, purpose) ? { ...line, ...change(line) } : line)));
const addLine = (make: (line: Loose) => Loose, purpose = 'certificate') => (copy: Copy): void =>
  copy.rewriteLines((lines) => [...lines, { ...lines[placeOf(lines, purpose)], ...make(lines[placeOf(lines, purpose)] as Loose) }]);
const tombstone = ({ purpose }: Loose): Loose => ({ purpose: 'tombstone', closes: purpose, core: '', tbs: '' });

/** The bytes with one piece of text replaced by another of the same length. */
function patched(der: Buffer, from: RegExp, to: (found: string) => string): Buffer {
  const text = der.toString('latin1');
  const after = text.replace(from, to);
  if (after === text || after.length !== text.length) throw new Error(`nothing like ${from} in these bytes`);
  return Buffer.from(after, 'latin1');
}
const changeDer = (from: RegExp, to: (found: string) => string) => (copy: Copy): void => setCertificate('der', patched(certificate(copy)['der'], from, to))(copy);
/** notAfter is the second UTCTime; ten years later it is still a day. */
const laterNotAfter = changeDer(/(\d{12}Z.{2}\d)(\d)/s, (found) => `${found.slice(0, -1)}${(Number(found.at(-1)) + 1) % 10}`);
const earlierNotBefore = changeDer(/\d{11}(?=\dZ)/, (found) => `${found.slice(0, -1)}${(Number(found.at(-1)) + 1) % 6}`);
const lastByte = (der: Buffer): Buffer => Buffer.concat([der.subarray(0, -1), Buffer.from([(der.at(-1) as number) ^ 1])]);

const evidence = (change: (document: Loose) => void) => (copy: Copy): void => copy.replaceEvidence(certificate(copy)['evidence_digest'], change);
const about = (copy: Copy, type: string): string => `type = '${type}' and instr(body, '${intentOf(copy)['id']}') > 0`;
const authorityOf = (copy: Copy): Authority => copy.sources.authority as Authority;

/** The certificates of clients, in order; another is made to replace one, in row and intent alike. */
const clients = (copy: Copy): Loose[] => [0, 1, 2].map((n) => copy.row(`select * from certificate where door = 'acme' order by serial limit 1 offset ${n}`));
const replace = (copy: Copy, by: Loose, of: Loose, more: Loose = {}): void => {
  for (const [column, value] of Object.entries({ replaces: `${of['issuer_key']}:${of['serial']}`, lineage_id: of['lineage_id'], ...more })) {
    for (const table of ['certificate', 'intent']) copy.run(`update ${table} set ${column} = ? where serial = ?`, value, by['serial']);
  }
};
const SUCCESSION: readonly Corruption[] = [
  { what: 'a certificate is replaced twice', found: /^I6: certificate .* was replaced twice/,
    make: (copy) => {
      const [first, second, third] = clients(copy) as [Loose, Loose, Loose];
      replace(copy, second, first);
      replace(copy, third, first);
    } },
  { what: 'a certificate of another account is replaced', found: /^I9: certificate .* replaces one of another requester/,
    make: (copy) => {
      const [first, second] = clients(copy) as [Loose, Loose];
      replace(copy, second, first, { requester_id: 'somebody' });
    } },
  { what: 'a renewal begins a lineage of its own', found: /^I6: certificate .* has another lineage than the one that it replaces/,
    make: (copy) => {
      const [first, second] = clients(copy) as [Loose, Loose];
      replace(copy, second, first, { lineage_id: 'of its own' });
    } },
];

const JOURNAL: readonly Corruption[] = [
  { what: 'an octet in the middle of the journal is changed', found: /^I1: journal: .*damaged/,
    make: (copy) => copy.rewriteText((text) => text.replace(/"time":(\d+)(\d)/, (_, most, last) => `"time":${most}${(Number(last) + 1) % 10}`)) },
  { what: 'a line is taken out of the journal', found: /^I1: journal: .*damaged/,
    make: (copy) => copy.rewriteText((text) => text.split('\n').toSpliced(3, 1).join('\n')) },
  { what: 'the journal is cut within a line that others follow', found: /^I1: journal: .*damaged/,
    make: (copy) => copy.rewriteText((text) => text.replace(/,"tbs":"[^"]{20}[^"]*"}\n/, '\n')) },
  { what: 'the first file of a longer journal is missing', found: /^I1: journal: /,
    make: (copy) => {
      cpSync(copy.journalFile, join(copy.journal, '00000003.jsonl'));
    } },
  { what: 'the end of the journal is cut off', found: /^I1: certificate .* is in no journal/,
    make: (copy) => copy.rewriteText((text) => text.slice(0, Math.floor(text.length / 2))) },
  { what: 'the line of a certificate is taken out, and the rest chained anew', found: /^I1: certificate .* is in no journal/,
    make: (copy) => copy.rewriteLines((lines) => lines.toSpliced(placeOf(lines), 1)) },
  { what: 'a line is signed under no intent', found: /^I1: journal line \d+ .* has no intent nobody/, make: editLine(() => ({ intent: 'nobody' })) },
  { what: 'an intent is deleted', found: /^I1: journal line \d+ .* has no intent/, make: (copy) => copy.run('delete from intent where id = ?', intentOf(copy)['id']) },
  { what: 'other bytes were signed than intended', found: /^I1: journal line \d+ .* has other bytes than its intent/, make: setIntent('tbs', Buffer.from('3000', 'hex')) },
  { what: 'an intent was recorded after the signature', found: /^I1: journal line \d+ .* is older than its intent/, make: setIntent('created', Date.now() + 3_600_000) },
  { what: 'a line was written after the deadline', found: /^I1: journal line \d+ .* was written after its deadline/, make: setIntent('deadline', 0) },
  { what: 'a line is for another issuer key than intended', found: /^I1: journal line \d+ .* is for something else than its intent/, make: setIntent('issuer_key', 'other') },
  { what: 'a line is under another profile than intended', found: /^I1: journal line \d+ .* is for something else than its intent/, make: editLine(() => ({ profile: 'peer' })) },
  { what: 'a line names another serial than its bytes', found: /^I2: journal line \d+ .* names another serial than its bytes/,
    make: editLine(({ serial }) => ({ serial: `${serial.slice(0, -4)}0000` })) },
  { what: 'a line over a CRL names another number than its bytes', found: /^I2: journal line \d+ .* names another serial than its bytes/,
    make: editLine(({ serial }) => ({ serial: `${serial}0` }), 'crl') },
  { what: 'a line names another core than its bytes', found: /^I2: journal line \d+ .* names another core than its bytes/, make: editLine(() => ({ core: '0'.repeat(64) })) },
  { what: 'a serial is signed twice', found: /^I2: serial .* was signed twice/, make: addLine(() => ({})) },
  { what: 'a serial is signed with a second core', found: /^I2: serial .* has two cores/, make: addLine(() => ({ core: '0'.repeat(64) })) },
  { what: 'a signed serial gets a tombstone', found: /^I2: serial .* has a tombstone although it was signed/, make: addLine(tombstone) },
  { what: 'a closed serial is signed after all', found: /^I2: serial .* was signed after its tombstone/,
    make: (copy) => copy.rewriteLines((lines) => lines.toSpliced(1, 0, { ...lines[placeOf(lines)], ...tombstone(lines[placeOf(lines)] as Loose) })) },
  { what: 'a CRL with a lower number is signed', found: /^I7: CRL numbers of development-1\/1 do not go up/,
    make: addLine(({ serial }) => ({ serial: `crl:1:${Number(serial.split(':')[2]) - 1}` }), 'crl') },
  { what: 'another signer writes into the journal', found: /^I2: journal line \d+ is by signer 2, and the journal is that of signer 1/,
    make: addLine(({ serial }) => ({ serial: `02${serial.slice(2)}` })) },
  { what: 'a signer id is used with a second journal', found: /^I2: signer id 1 has two journals/,
    make: (copy) => { copy.sources = { ...copy.sources, journals: [copy.journal, copy.journal] }; } },
];

const CERTIFICATES: readonly Corruption[] = [
  { what: 'a certificate is lost', found: /^I6: intent .* is signed and its certificate is not there/,
    make: (copy) => copy.run('delete from certificate where serial = ?', certificate(copy)['serial']) },
  { what: 'a certificate is lost and its intent closed over it', found: /^I6: journal line \d+ .* was signed and is not recorded/,
    make(copy) {
      const { serial } = certificate(copy);
      setIntent('state', 'closed')(copy);
      copy.run('delete from certificate where serial = ?', serial);
    } },
  { what: 'a certificate is no certificate', found: /^I4: certificate .* cannot be read/, make: setCertificate('der', Buffer.from('3003020100', 'hex')) },
  { what: 'the names of a lost certificate are left', found: /^I4: names are stored for .*, which is not there/,
    make: (copy) => copy.run('delete from certificate where serial = ?', certificate(copy)['serial']) },
  { what: 'the journal has other bytes than the certificate', found: /^I4: certificate .* has other bytes than its journal line/, make: laterNotAfter },
  { what: 'the intent has other bytes than the certificate', found: /^I4: certificate .* has other bytes than its intent/, make: laterNotAfter },
  { what: 'a certificate has the receipt of another line', found: /^I1: certificate .* has the receipt of another line/, make: setCertificate('journal_seq', 1) },
  { what: 'a certificate is stored under another digest', found: /^I4: certificate .* is stored under another digest/, make: setCertificate('sha256', '0'.repeat(64)) },
  { what: 'a certificate is of a key that nobody knows', found: /^I4: certificate .* is of an unknown issuer key/,
    make: (copy) => { copy.sources = { ...copy.sources, issuers: new Map() }; } },
  { what: 'a signature is broken', found: /^I4: the signature of .* does not verify/, make: (copy) => setCertificate('der', lastByte(certificate(copy)['der']))(copy) },
  { what: 'a certificate is filed under another serial', found: /^I2: certificate .* has another serial than its row/,
    make: (copy) => setCertificate('serial', `${certificate(copy)['serial'].slice(0, -4)}0000`)(copy) },
  { what: 'a serial names another day than notAfter', found: /^I2: serial .* names another day than notAfter/, make: laterNotAfter },
  { what: 'a serial names another notBefore', found: /^I2: serial .* names another notBefore/, make: earlierNotBefore },
  { what: 'a row says another validity', found: /^I4: certificate .* has another validity than its row/, make: setCertificate('not_after', 1) },
  { what: 'a row says another public key', found: /^I4: certificate .* has another public key than its row/, make: setCertificate('spki_sha256', '0'.repeat(64)) },
  { what: 'a row says another shard', found: /^I7: certificate .* names another shard than its row/, make: setCertificate('shard', 99) },
  { what: 'a shard has no CRL', found: /^I7: certificate .* names shard \d+, which has no CRL/, make: (copy) => copy.run('delete from crl') },
  { what: 'other names are stored than certified', found: /^I4: certificate .* is stored with other names/,
    make: (copy) => copy.run("update certificate_name set value = 'other.localhost' where rowid = (select min(rowid) from certificate_name where serial = ?)", certificate(copy)['serial']) },
  { what: 'a name is missing', found: /^I4: certificate .* is stored with other names/,
    make: (copy) => copy.run('delete from certificate_name where serial = ?', certificate(copy)['serial']) },
  { what: 'a certificate has no intent', found: /^I1: certificate .* has no intent/, make: (copy) => copy.run('delete from intent where id = ?', intentOf(copy)['id']) },
  { what: 'a certificate is released while its intent is open', found: /^I6: certificate .* is recorded while its intent is open/, make: setIntent('state', 'open') },
  ...['realm', 'profile', 'config_digest', 'door', 'requester_kind', 'requester_id', 'request_ref', 'lineage_id', 'replaces'].map((column): Corruption => ({
    what: `a certificate has another ${column} than intended`, found: new RegExp(`^I1: certificate .* has another ${column} than its intent`), make: setIntent(column, 'other'),
  })),
  ...['not_before', 'not_after', 'shard', 'signer_id', 'evidence_digest', 'spki_sha256'].map((column): Corruption => ({
    what: `a certificate has another ${column} than intended`, found: new RegExp(`^I1: certificate .* has another ${column} than its intent`), make: setIntent(column, 99),
  })),
  { what: 'a certificate went to another account than the order', found: /^I9: certificate .* was given to another account than its order's/,
    make: (copy) => copy.run("update acme_order set account = 'other' where id = (select request_ref from certificate where request_ref in (select id from acme_order) limit 1)") },
  { what: 'evidence is lost', found: /^I1: the evidence of .* is missing/, make: (copy) => copy.run('delete from evidence where digest = ?', certificate(copy)['evidence_digest']) },
  { what: 'evidence pretends a restore', found: /^I1: the evidence of .* tells of a restore that no journal knows/,
    make: evidence((document) => { document['restored'] = { signer: 1, sequence: 1 }; }) },
  ...(['names', 'profile', 'configuration', 'door', 'lint', 'requester'] as const).map((member): Corruption => ({
    what: `evidence is of another ${member}`, found: new RegExp(`^I1: the evidence of .* says another ${member}`),
    make: evidence((document) => { document[member] = member === 'names' ? [] : 'other'; }),
  })),
  { what: 'a configuration is lost', found: /^I1: the configuration of .* is not recorded/, make: (copy) => copy.run('delete from configuration_generation') },
  { what: 'a certificate fails a lint', found: /^I3: certificate .* fails lint /, make: laterNotAfter },
  { what: 'a certificate has an extension of its own', found: /^I3: certificate .* is not what profile server renders/, make: changeDer(/\/crl\//, () => '/crx/') },
  { what: 'a certificate is for a name that no policy gives', found: /^I3: certificate .* is not allowed: /, make: evidence((document) => { document['policies'] = []; }) },
  { what: 'a certificate is under a profile that its issuer may not sign', found: /^I3: certificate .* is not allowed: /,
    make(copy) {
      const authority = authorityOf(copy);
      const policies = new Map([...authority.generation.policies].map(([name, policy]) => [name, { ...policy, allow: { ...policy.allow, suffixes: [], names: [] } }]));
      copy.sources = { ...copy.sources, authority: { ...authority, generation: { ...authority.generation, policies } } };
    } },
];

const INTENTS: readonly Corruption[] = [
  { what: 'a request has two live intents', found: /^I6: request .* has 2 live intents/,
    make(copy) {
      copy.dropIndex('intent_request');
      copy.duplicate('intent', `id = '${intentOf(copy)['id']}'`, { id: 'second', serial: 'second', state: 'open' });
    } },
  { what: 'a request has two certificates', found: /^I6: request .* has 2 certificates/,
    make(copy) {
      copy.dropIndex('certificate_request');
      copy.duplicate('certificate', `serial = '${certificate(copy)['serial']}'`, { serial: '01'.repeat(19) });
    } },
  { what: 'an intent stays open', found: /^I6: intent .* \(certificate\) is still open/,
    make: (copy) => copy.duplicate('intent', `id = '${intentOf(copy)['id']}'`, { id: 'second', serial: 'second', state: 'open', request_ref: 'second' }) },
  { what: 'an intent is closed without a promise of the signer', found: /^I6: intent .* was closed without a tombstone/,
    make: (copy) => copy.rewriteLines((lines) => lines.toSpliced(placeOf(lines, 'tombstone'), 1)) },
  { what: 'evidence is changed', found: /^I1: evidence .* was changed/, make: (copy) => copy.run("update evidence set body = replace(body, '\"passed\"', '\"failed\"')") },
  { what: 'evidence is too long', found: /^I1: evidence .* exceeds 8 KiB/, make: evidence((document) => { document['filler'] = 'x'.repeat(8192); }) },
  { what: 'evidence has lost a part', found: /^I1: evidence .* has lost its part /, make: evidence((document) => { document['authorizations'] = { parts: ['0'.repeat(64)] }; }) },
  { what: 'a recorded configuration is changed', found: /^I1: configuration .* was changed/, make: (copy) => copy.run("update configuration_generation set body = body || ' '") },
  ...([
    ['evidence', evidence((document) => { document['request'] = 'pin 0123456789'; })],
    ['the audit log', (copy: Copy) => copy.replaceEntry(about(copy, 'certificate.intended'), (said) => { said['by'] = '0123456789'; })],
    ['the configuration', (copy: Copy) => copy.run("update configuration_generation set body = body || '0123456789'")],
    ['the journal', editLine(() => ({ profile: '0123456789' }))],
  ] as const).map(([where, put]): Corruption => ({
    what: `a secret stands in ${where}`, found: new RegExp(`^I9: the test's secret stands in ${where}$`),
    make(copy) {
      copy.sources = { ...copy.sources, secrets: new Map([["the test's secret", '0123456789']]) };
      put(copy);
    },
  })),
];

const AUDIT: readonly Corruption[] = [
  { what: 'an audit entry is changed', found: /^I5: audit entry .* was changed/, make: (copy) => copy.run("update audit_entry set body = replace(body, '\"door\":\"acme\"', '\"door\":\"other\"')") },
  { what: 'an audit entry is no JSON', found: /^I5: audit entry .* has a type that its body does not say/,
    make: (copy) => copy.run("update audit_entry set body = 'x', hash = ? where seq = 3", sha256('x')) },
  ...([['type', 'other'], ['realm', 'other'], ['at', 1]] as const).map(([column, value]): Corruption => ({
    what: `an audit entry is filed under another ${column}`, found: new RegExp(`^I5: audit entry .* has a ${column} that its body does not say`),
    make: (copy) => copy.run(`update audit_entry set ${column} = ? where seq = 3`, value),
  })),
  { what: 'an audit entry is about nothing', found: /^I5: audit entry .* is about an intent that is not there/,
    make: (copy) => copy.replaceEntry(about(copy, 'certificate.intended'), (said) => { said['intent'] = 'nobody'; }) },
  { what: 'an audit entry is not numbered', found: /^I5: audit entry .* has no number/,
    make: (copy) => copy.run('update audit_entry set seq = null where seq = (select max(seq) from audit_entry)') },
  { what: 'an audit entry is taken out of the middle', found: /^I5: audit entry .* has number 5 where 4 should be/, make: (copy) => copy.run('delete from audit_entry where seq = 4') },
  { what: 'two audit entries have one number', found: /^I5: audit entry .* has number 4 where 5 should be/,
    make(copy) {
      copy.dropIndex('audit_entry_seq');
      copy.run('update audit_entry set seq = 4 where seq = 5');
    } },
  { what: 'what was intended is not in the log', found: /^I5: intent .* has no audit entry/, make: (copy) => copy.removeEntry(about(copy, 'certificate.intended')) },
  { what: 'a CRL that was intended is not in the log', found: /^I5: intent .* crl:\d+:\d+ has no audit entry/, make: (copy) => copy.removeEntry("type = 'crl.intended'") },
  { what: 'what was issued is not in the log', found: /^I5: certificate .* has no audit entry/, make: (copy) => copy.removeEntry(about(copy, 'certificate.issued')) },
  { what: 'what was given up is not in the log', found: /^I5: intent .* was closed without an audit entry/, make: (copy) => copy.removeEntry("type = 'certificate.abandoned'") },
  { what: 'the log tells of a certificate that is not there', found: /^I5: the audit log says that intent .* was issued, and no certificate is there/,
    make: (copy) => copy.run('delete from certificate where serial = ?', certificate(copy)['serial']) },
  ...['issuerKey', 'serial', 'profile', 'configDigest', 'door', 'requesterKind', 'requesterId', 'requestRef', 'evidence', 'tbsSha256'].map((member): Corruption => ({
    what: `the log says another ${member} than was intended`, found: new RegExp(`^I5: the audit entry of intent .* says another ${member}$`),
    make: (copy) => copy.replaceEntry(about(copy, 'certificate.intended'), (said) => { said[member] = 'other'; }),
  })),
  ...['sha256', 'signer', 'sequence', 'serial'].map((member): Corruption => ({
    what: `the log says another ${member} than was issued`, found: new RegExp(`^I5: the audit entry of certificate .* says another ${member}$`),
    make: (copy) => copy.replaceEntry(about(copy, 'certificate.issued'), (said) => { said[member] = 'other'; }),
  })),
  { what: 'the log says another head than the journal', found: /^I5: the audit entry of certificate .* says a head that no journal has/,
    make: (copy) => copy.replaceEntry(about(copy, 'certificate.issued'), (said) => { said['head'] = '0'.repeat(64); }) },
  { what: 'the journal is written anew with other times', found: /^I5: the audit entry of certificate .* says a head that no journal has/, make: editLine(({ time }) => ({ time: time - 1 })) },
];

const CRLS: readonly Corruption[] = [
  { what: 'another CRL is served than the newest', found: /^I7: CRL development-1\/1 is not what the status listener serves/,
    make(copy) {
      const { der } = copy.row('select der from crl where shard = 2');
      const { fetchStatus } = copy.sources;
      copy.sources = { ...copy.sources, fetchStatus: async (path) => (path === '/crl/development-1/1.crl' ? { status: 200, body: der } : await fetchStatus?.(path) as never) };
    } },
  { what: 'a CRL is not served', found: /^I7: CRL development-1\/1 is not what the status listener serves/,
    make: (copy) => { copy.sources = { ...copy.sources, fetchStatus: async () => ({ status: 404, body: Buffer.alloc(0) }) }; } },
  { what: 'a CRL is no CRL', found: /^I4: CRL .* cannot be read/, make: setCrl('der', Buffer.from('3003020100', 'hex')) },
  { what: 'a CRL has another number than its row', found: /^I7: CRL .* has another number than its row/, make: setCrl('number', '1'.padStart(20, '0')) },
  { what: 'a CRL has other times than its row', found: /^I7: CRL .* has other times than its row/, make: setCrl('next_update', 1) },
  { what: 'a CRL is of another shard', found: /^I7: CRL development-1\/1 is of another shard/,
    make: (copy) => setCrl('der', copy.row('select der from crl where shard = 2')['der'])(copy) },
  { what: 'a CRL is in no journal', found: /^I1: CRL .* number \d+ is in no journal/, make: (copy) => copy.rewriteLines((lines) => lines.filter(({ serial }) => serial !== numberOf(copy))) },
  { what: 'the journal has other bytes than the CRL', found: /^I4: CRL .* has other bytes than its journal line/,
    make: (copy) => setCrl('der', patched(crl(copy)['der'], /\/crl\//, () => '/crx/'))(copy) },
  { what: 'a CRL has the receipt of another line', found: /^I1: CRL .* has the receipt of another line/, make: setCrl('journal_seq', 1) },
  { what: 'a CRL has no intent', found: /^I1: CRL .* number \d+ has no intent/,
    make: (copy) => copy.run('delete from intent where serial = ?', numberOf(copy)) },
  { what: 'a CRL is published while its intent is open', found: /^I6: CRL .* is published while its intent is open/, make: (copy) => copy.run("update intent set state = 'open' where purpose = 'crl'") },
  { what: 'a published CRL is not in the log', found: /^I5: CRL .* number \d+ has no audit entry/, make: (copy) => copy.removeEntry(aboutCrl(copy)) },
  { what: 'the log tells of another CRL', found: /^I5: the audit entry of CRL .* says another sha256/,
    make: (copy) => copy.replaceEntry(aboutCrl(copy), (said) => { said['sha256'] = '0'.repeat(64); }) },
  { what: 'a CRL is of a key that nobody knows', found: /^I4: CRL .* is of an unknown issuer key/, make: (copy) => { copy.sources = { ...copy.sources, issuers: new Map() }; } },
  { what: 'the signature of a CRL is broken', found: /^I4: the signature of CRL .* does not verify/, make: (copy) => setCrl('der', lastByte(crl(copy)['der']))(copy) },
  { what: 'a CRL fails a lint', found: /^I3: CRL .* fails lint /, make: (copy) => setCrl('der', patched(crl(copy)['der'], /\/crl\//, () => '/crx/'))(copy) },
  { what: 'a shard goes back to an earlier CRL', found: /^I7: CRL .* has number \d+, and \d+ was published before/,
    make: (copy) => copy.run("update crl set number = printf('%020d', number - 1) where shard = 1") },
  { what: 'a CRL has another intent', found: /^I1: CRL .* has other bytes than its intent/,
    make: (copy) => copy.run("update intent set tbs = x'3000' where serial = ?", numberOf(copy)) },
  { what: 'a CRL is stored under another digest', found: /^I4: CRL .* is stored under another digest/, make: setCrl('sha256', '0'.repeat(64)) },
  { what: 'a CRL is stored with another number of entries', found: /^I7: CRL .* has another number of entries than its row/, make: setCrl('entries', 99) },
  { what: 'the world has seen a CRL that is not published any more', found: /^I7: CRL development-1\/1 was fetched with number \d+, which is not published/,
    make: (copy) => copy.run("insert or replace into probed_url (issuer_key, url, realm, what, checked_at, number) values ('development-1', 'http://localhost/crl/development-1/1.crl', 'default', 'crl', 0, '09999999999999999999')") },
  { what: 'a CRL is lost', found: /^I7: CRL .* was published and is gone/, make: (copy) => copy.run('delete from crl where shard = 1') },
];

const REVOCATIONS: readonly Corruption[] = [
  { what: 'what is revoked was never meant', found: /^I7: revocation .* is of a certificate that was never meant/, make: (copy) => copy.run("update revocation set serial = substr(serial, 1, 34) || '0000'") },
  ...([['realm', 'other'], ['spki_sha256', 'other'], ['shard', 99], ['not_after', 1]] as const).map(([column, value]): Corruption => ({
    what: `a revocation has another ${column}`, found: new RegExp(`^I7: revocation .* has another ${column} than its certificate`), make: setRevocation(column, value),
  })),
  { what: 'a revocation would be forgotten on another day', found: /^I7: revocation .* is kept under another day/, make: setRevocation('day', 1) },
  { what: 'a revocation is not in the log', found: /^I5: revocation .* has no audit entry/, make: (copy) => copy.removeEntry("type = 'certificate.revoked'") },
  ...['reason', 'revokedAt', 'door', 'requesterKind', 'requesterId', 'evidence'].map((member): Corruption => ({
    what: `the log says another ${member} than was revoked`, found: new RegExp(`^I5: the audit entry of revocation .* says another ${member}`),
    make: (copy) => copy.replaceEntry("type = 'certificate.revoked'", (said) => { said[member] = 'other'; }),
  })),
  { what: 'a revocation is taken back behind the back of the log', found: /^I5: the audit log says that .* was revoked, and no revocation is there/, make: (copy) => copy.run('delete from revocation') },
  { what: 'a certificate is listed that is not revoked', found: /^I7: CRL .* lists [0-9a-f]+, which is not revoked there/, make: (copy) => copy.run('delete from revocation') },
  { what: 'a revocation is not listed', found: /^I7: revocation .* is not in CRL /, make: (copy) => copy.run("update revocation set serial = substr(serial, 1, 34) || '0000'") },
  { what: 'a revocation is listed with another date', found: /^I7: revocation .* has another date in CRL /, make: (copy) => copy.run('update revocation set revoked_at = revoked_at - 5000') },
  { what: 'a revocation is listed with another reason', found: /^I7: revocation .* has another reason in CRL /, make: setRevocation('reason', 5) },
  { what: 'a shard changes and nobody makes its CRL', found: /^I7: shard .* has changed and its CRL has not/, make: (copy) => copy.run('update crl_shard set changed = changed + 1') },
  { what: 'a CRL has a number that was not taken', found: /^I7: shard .* is published with a number that nobody took/, make: (copy) => copy.run("update crl_shard set reserved = ''") },
  { what: 'a key is blocked, and a certificate for it is good', found: /^I3: certificate .* has a key that is blocked, and is good/,
    make: (copy) => copy.duplicate('blocked_key', '1 = 1', { spki_sha256: copy.row('select spki_sha256 from certificate where serial not in (select serial from revocation) limit 1')['spki_sha256'] }) },
];

export const CORRUPTIONS: readonly Corruption[] = [...JOURNAL, ...CERTIFICATES, ...SUCCESSION, ...INTENTS, ...AUDIT, ...CRLS, ...REVOCATIONS, ...OCSP, ...ACCESS, ...PROOFS];
