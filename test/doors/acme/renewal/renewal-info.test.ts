/** RFC 9773 §4: renewal information, with nothing in the way of asking for it. Rows AR-01 to AR-04, on both engines. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { matching, preparePull, pull, pullOne, release, type RenewalParts, type Selection } from '../../../../src/ca/renewal/pull.ts';
import { type DoorLab, openDoorLab } from '../../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../../support/acme-engines.ts';
import { refused } from '../../../support/acme-refusal.ts';
import { namedCertificate } from '../../../support/cert-id.ts';


const HOUR = 3_600_000;
withPostgres();

const ask = (lab: DoorLab, certId: string, before = '/') =>
  lab.send({ method: 'GET', url: `https://ca.test/acme/renewal-info${before}${certId}` });

const partsOf = (lab: DoorLab): RenewalParts => ({
  clock: { now: () => Date.now() + lab.skewMs }, database: lab.database, random: (octets) => randomBytes(octets), authority: lab.software.authority,
});

/** What the command line does, without the socket. */
async function pullForward(lab: DoorLab, selection: Selection, more: { overMs?: number; explanation?: string } = {}) {
  const row = await preparePull(partsOf(lab), selection, { overMs: 0, by: 'test', ...more });
  await pull(partsOf(lab), row);
}

onBothEngines('AR-01, AR-03 anybody may ask, by GET, and learns window and when to come again', async (lab) => {
  const client = await lab.client();
  assert.equal(client.directory.renewalInfo, 'https://ca.test/acme/renewal-info');
  const { pem } = await client.issue(['a.internal'], () => {});
  const { certId, notBefore, notAfter } = namedCertificate(pem);
  for (const before of ['/', '//']) {
    const answer = await ask(lab, certId, before);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d{3,4}$/);
    const { suggestedWindow: { start, end }, ...rest } = answer.json;
    assert.deepEqual(rest, {});
    for (const time of [start, end]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const life = notAfter + 1000 - notBefore;
    assert.ok(Date.parse(end) > Date.parse(start));
    assert.ok(Date.parse(start) >= notBefore + 0.45 * life - 1000 && Date.parse(end) <= notBefore + 0.55 * life + 1000);
  }
  assert.equal((await lab.send({ method: 'HEAD', url: `https://ca.test/acme/renewal-info/${certId}` })).status, 200);
});

test('AR-08 certificates of every profile have the key identifier by which they are asked about', async () => {
  const profiles = ['server', 'client', 'peer'];
  await using lab = await openDoorLab({ directory: { profiles } });
  const client = await lab.client();
  for (const profile of profiles) {
    const { pem } = await client.issue([`${profile}.internal`], () => {}, { order: { profile } });
    const { certId } = namedCertificate(pem);
    assert.match(certId, /^[\w-]{27}\.[\w-]+$/, 'SHA-1 of the issuer’s key, and the serial');
    assert.equal((await ask(lab, certId)).status, 200);
  }
});

onBothEngines('AR-02, AR-03 what is no identifier is malformed, what is none of ours is not found', async (lab) => {
  const client = await lab.client();
  const { pem } = await client.issue(['a.internal'], () => {});
  const { certId } = namedCertificate(pem);
  const [keyId = '', serial = ''] = certId.split('.');
  for (const text of ['x', `${certId}=`, `${keyId}=.${serial}`, `${certId}.`, keyId, `${keyId}.AAEC`, '%00', 'a%2Fb']) refused(await ask(lab, text), 400, 'malformed');
  for (const text of ['aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE', `${keyId}.AIdlQyE`, `aYhba4dGQEHhs3uEe6CuLN4ByNQ.${serial}`,
    `${keyId}.${Buffer.from(`${namedCertificate(pem).serial.slice(0, -2)}00`, 'hex').toString('base64url')}`]) refused(await ask(lab, text), 404, 'malformed');
  refused(await lab.send({ method: 'POST', url: `https://ca.test/acme/renewal-info/${certId}`, body: '{}' }), 405, 'malformed');
});

test('AR-04 asking costs one statement and no commit', async () => {
  await using lab = await openDoorLab();
  const { pem } = await (await lab.client()).issue(['a.internal'], () => {});
  const before = { ...lab.database.counters };
  await ask(lab, namedCertificate(pem).certId);
  assert.deepEqual({ ...lab.database.counters }, { ...before, statements: before.statements + 1 });
});

onBothEngines('AR-04 the profile says where windows lie', async (lab) => {
  const client = await lab.client();
  const { pem } = await client.issue(['a.internal'], () => {});
  const { certId, notBefore, notAfter } = namedCertificate(pem);
  const server = lab.generation.profiles.get('server');
  assert.ok(server);
  const profiles = new Map(lab.generation.profiles).set('server', { ...server, renewal: { fromPercent: 80, toPercent: 81 } });
  lab.generation = { ...lab.generation, profiles };
  const { start } = (await ask(lab, certId)).json.suggestedWindow;
  const part = (Date.parse(start) - notBefore) / (notAfter - notBefore);
  assert.ok(part > 0.79 && part < 0.82, String(part));
});

onBothEngines('AR-04 an incident: one certificate is pulled forward, with its explanation, on every front, until it is released', async (lab) => {
  const client = await lab.client();
  const one = namedCertificate((await client.issue(['a.internal'], () => {})).pem);
  const two = namedCertificate((await client.issue(['b.internal'], () => {})).pem);
  const usual = (await ask(lab, one.certId)).json;
  await pullForward(lab, { serial: one.serial }, { explanation: 'https://pki.example/incident/7' });
  const now = Date.now();
  const pulled = (await ask(lab, one.certId)).json;
  assert.equal(pulled.explanationURL, 'https://pki.example/incident/7');
  assert.ok(Math.abs(Date.parse(pulled.suggestedWindow.end) - (now - HOUR / 2)) < 5000 && Date.parse(pulled.suggestedWindow.start) < Date.parse(pulled.suggestedWindow.end));
  const front = await lab.front('front-2');
  assert.deepEqual((await front.send({ method: 'GET', url: `https://ca.test/acme/renewal-info/${one.certId}` })).json, pulled);
  assert.equal((await ask(lab, two.certId)).json.explanationURL, undefined);

  const row = await preparePull(partsOf(lab), { serial: one.serial }, { overMs: 0, by: 'test' });
  assert.equal((await release(partsOf(lab), await matching(partsOf(lab), row), 'test')).length, 1);
  assert.equal((await release(partsOf(lab), await matching(partsOf(lab), row), 'test')).length, 0);
  assert.deepEqual((await ask(lab, one.certId)).json, usual);
  await assert.rejects(pullForward(lab, { serial: '00' }), /no certificate with serial 00/);
  await assert.rejects(pullForward(lab, { profile: 'nope' }), /no profile "nope".*server/);
});

onBothEngines('AR-04 a set that is pulled holds what was issued until then, and not what renews it', async (lab) => {
  const client = await lab.client();
  const old = namedCertificate((await client.issue(['a.internal'], () => {})).pem);
  const other = namedCertificate((await client.issue(['c.internal'], () => {}, { order: { profile: 'client' } })).pem);
  lab.skewMs += 10_000;
  await pullForward(lab, { profile: 'server', issuedFrom: Date.now() - HOUR }, { overMs: 4 * HOUR });
  const { suggestedWindow: { start, end } } = (await ask(lab, old.certId)).json;
  const at = Date.now() + lab.skewMs;
  assert.ok(Date.parse(start) >= at - 5000 && Date.parse(end) <= at + 4 * HOUR && Date.parse(end) - Date.parse(start) === HOUR);
  const isUsual = async (certificate: typeof old) =>
    Date.parse((await ask(lab, certificate.certId)).json.suggestedWindow.start) > at + 24 * HOUR;
  assert.ok(await isUsual(other));
  lab.skewMs += 10_000;
  assert.ok(await isUsual(namedCertificate((await client.issue(['a.internal'], () => {}, { order: { replaces: old.certId } })).pem)));
  await pullForward(lab, { issuedTo: at - HOUR });
  assert.ok(await isUsual(other), 'issued after the range');
  await pullForward(lab, {});
  assert.ok(!(await isUsual(other)));
});

onBothEngines('AR-04 what was revoked for good is due at once', async (lab) => {
  const client = await lab.client();
  for (const reason of ['superseded', 'keyCompromise'] as const) {
    const { certId, serial } = namedCertificate((await client.issue(['r.internal'], () => {})).pem);
    const usual = (await ask(lab, certId)).json.suggestedWindow;
    const outcome = await lab.software.ca.revoke({
      realm: 'default', issuerKey: 'development-1', serial, reason, authority: 'operator', door: 'test', requester: { kind: 'operator', id: 'test' }, evidence: {},
    });
    assert.equal(outcome.kind, 'revoked');
    const { start, end } = (await ask(lab, certId)).json.suggestedWindow;
    assert.ok(Date.parse(end) < Date.now() && Date.parse(start) < Date.parse(end));
    assert.notEqual(start, usual.start);
  }
});

onBothEngines('a pull joins the commit of what makes it necessary', async (lab) => {
  const issued = namedCertificate((await (await lab.client()).issue(['a.internal'], () => {})).pem);
  const certificate = { realm: 'default', issuerKey: 'development-1', serial: issued.serial, notAfter: issued.notAfter };
  assert.ok(await lab.database.commit(pullOne(partsOf(lab), certificate, { overMs: 0, by: 'revocation', explanation: 'https://pki.example/r' })));
  assert.equal((await ask(lab, issued.certId)).json.explanationURL, 'https://pki.example/r');
});
