/** The purpose `ocsp`: by the responder's key alone, under its certificate, for now, for its issuer; one journal line for all of a moment. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, hash, randomBytes, sign } from 'node:crypto';
import { test } from 'node:test';
import type { SigningJob } from '../../src/signing/protocol.ts';
import { ALGORITHMS } from '../../src/x509/algorithm.ts';
import { assembleCertificate } from '../../src/x509/certificate.ts';
import { encodeName } from '../../src/x509/distinguished-name.ts';
import { encodeCertId, responderKeyHash } from '../../src/x509/ocsp.ts';
import { renderResponseData, type ResponseFacts } from '../../src/x509/ocsp-response.ts';
import { composeSerial } from '../../src/x509/serial.ts';
import { notAfterOf, renderTbs } from '../../src/x509/tbs.ts';
import { HOUR, RESPONDER_SHAPE, TestDesk } from '../support/desk.ts';
import { freshSpki, SERVER_SHAPE } from '../support/signer.ts';

const ALGORITHM = 'ecdsa-sha256-p256';
const DAY = 24 * HOUR;

function responderFacts(desk: TestDesk, spki = desk.responder) {
  const notBefore = desk.now - HOUR;
  const notAfter = notAfterOf(notBefore, 30 * DAY);
  return desk.facts({
    notBefore, notAfter, serial: composeSerial(7, notBefore, notAfter, randomBytes(12)), spki, names: [], shard: 0,
    subject: [{ attribute: 'commonName', value: 'OCSP responder of test-1' }],
  });
}

/** As the desk itself signs it. */
async function responderCertificate(desk: TestDesk): Promise<Uint8Array> {
  const tbs = renderTbs(RESPONDER_SHAPE, desk.issuer, responderFacts(desk));
  const outcome = await desk.desk.sign({ ...desk.certificate(), profile: 'ocsp-responder', tbs });
  assert.equal(outcome.kind, 'signed', JSON.stringify(outcome));
  return assembleCertificate(tbs, ALGORITHM, (outcome as { signature: Uint8Array }).signature);
}

function factsFor(desk: TestDesk, change: Partial<ResponseFacts> = {}): ResponseFacts {
  const certId = encodeCertId('sha1', desk.issuer, desk.facts().serial);
  return {
    responder: responderKeyHash(desk.responder), producedAt: desk.now, thisUpdate: desk.now, nextUpdate: desk.now + 96 * HOUR,
    responses: [{ certId, status: { kind: 'good' } }], ...change,
  };
}

const jobFor = (desk: TestDesk, responder: Uint8Array, change: Partial<ResponseFacts> = {}): SigningJob => ({
  purpose: 'ocsp', issuerKey: 'test-1', intent: 'ocsp', tbs: renderResponseData(factsFor(desk, change)), responder, deadline: desk.now + 10_000,
});

test('signed by the responder and not by the issuing key, once its digest is in the journal', async () => {
  await using desk = new TestDesk();
  const responder = await responderCertificate(desk);
  const job = jobFor(desk, responder);
  const outcome = await desk.desk.sign(job);
  assert.ok(outcome.kind === 'signed', JSON.stringify(outcome));
  assert.ok(ALGORITHMS[ALGORITHM].verify(desk.responder, job.tbs, outcome.signature));
  assert.ok(!ALGORITHMS[ALGORITHM].verify(desk.issuer.spki, job.tbs, outcome.signature));
  const line = desk.lines().at(-1);
  assert.deepEqual([line?.purpose, line?.seq, line?.head, line?.note?.['responses']], ['ocsp', outcome.receipt.sequence, outcome.receipt.head, '1']);
  assert.equal(Buffer.from(line?.tbs ?? []).toString('hex'), hash('sha256', job.tbs));
});

test('hundreds at once share a few lines, each digest in the line of its receipt', async () => {
  await using desk = new TestDesk(16 * 1024 * 1024);
  const responder = await responderCertificate(desk);
  const before = desk.lines().length;
  const digests = new Map<number, string[]>();
  for (let round = 0; round < 40; round += 1) {
    await Promise.all(Array.from({ length: 10 }, async (_, index) => {
      const job = jobFor(desk, responder, { nonce: Buffer.of(round, index) });
      const outcome = await desk.desk.sign(job);
      assert.ok(outcome.kind === 'signed', JSON.stringify(outcome));
      const { sequence } = outcome.receipt;
      digests.set(sequence, [...(digests.get(sequence) ?? []), hash('sha256', job.tbs)]);
    }));
  }
  const lines = desk.lines().slice(before);
  assert.equal(lines.length, 40, 'one line for each ten that came together');
  for (const line of lines) {
    const text = Buffer.from(line.tbs).toString('hex');
    assert.deepEqual(text.match(/.{64}/g)?.toSorted(), digests.get(line.seq)?.toSorted());
  }
  await desk.restart();
  assert.equal((await desk.desk.sign(jobFor(desk, responder))).kind, 'signed');
});

const status = (at: number, reason?: number) => (desk: TestDesk): Partial<ResponseFacts> =>
  ({ responses: [{ certId: encodeCertId('sha1', desk.issuer, desk.facts().serial), status: { kind: 'revoked', at: desk.now + at, ...(reason === undefined ? {} : { reason }) } }] });
const about = (serial: string) => (desk: TestDesk): Partial<ResponseFacts> => ({ responses: [{ certId: encodeCertId('sha1', desk.issuer, serial), status: { kind: 'good' } }] });

const REFUSED: readonly [string, (desk: TestDesk) => Partial<ResponseFacts>, RegExp][] = [
  ["a window that outlives the responder's certificate", ({ now }) => ({ thisUpdate: now, nextUpdate: now + 30 * DAY }), /nextUpdate is after the end of the responder/],
  ['thisUpdate an hour ago', ({ now }) => ({ thisUpdate: now - HOUR }), /thisUpdate is not now/],
  ['thisUpdate after producedAt', ({ now }) => ({ thisUpdate: now + 1000 }), /thisUpdate is not now/],
  ['produced tomorrow', ({ now }) => ({ producedAt: now + DAY }), /producedAt is not now/],
  ['good for longer than ten days', ({ now }) => ({ nextUpdate: now + 10 * DAY + 1000 }), /longer than 10 days/],
  ['good for less than eight hours', ({ now }) => ({ nextUpdate: now + HOUR }), /shorter than 8 hours/],
  ['a window that ends before it begins', ({ now }) => ({ nextUpdate: now - 1000 }), /the window is empty/],
  ['nine responses', (desk) => ({ responses: Array.from({ length: 9 }, () => factsFor(desk).responses[0] as ResponseFacts['responses'][0]) }), /9 responses/],
  ['a certificate of another issuer', (desk) => ({ responses: [{ certId: encodeCertId('sha1', { ...desk.issuer, subject: encodeName([]) }, desk.facts().serial), status: { kind: 'good' } }] }), /another issuer/],
  ['a serial that is not made as ours are', about('0102'), /not made as ours/],
  ['another responder', ({ issuer }) => ({ responder: responderKeyHash(issuer.spki) }), /the responder named is another/],
  ['a revocation in the future', status(HOUR, 1), /revoked after thisUpdate/],
  ['a reason that there is not', status(-HOUR, 7), /no reason 7/],
  ['an unspecified reason that is written', status(-HOUR, 0), /no reason 0/],
];
for (const [what, change, reason] of REFUSED) {
  test(`not signed: ${what}`, async () => {
    await using desk = new TestDesk();
    const responder = await responderCertificate(desk);
    const before = desk.lines().length;
    const outcome = await desk.desk.sign(jobFor(desk, responder, change(desk)));
    assert.equal(outcome.kind, 'refused', JSON.stringify(outcome));
    assert.match((outcome as { reasons: readonly string[] }).reasons.join('; '), reason);
    assert.equal(desk.lines().length, before, 'nothing is journaled');
  });
}

test('not signed: without a certificate, under one that this issuer did not sign, of another key, of a server, or one that has expired', async () => {
  await using desk = new TestDesk();
  const good = await responderCertificate(desk);
  const { responder: _, ...bare } = jobFor(desk, good);
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const tbs = renderTbs(RESPONDER_SHAPE, desk.issuer, responderFacts(desk));
  const forged = assembleCertificate(tbs, ALGORITHM, sign('sha256', tbs, foreign.privateKey));
  const server = desk.certificate();
  const signedServer = await desk.desk.sign(server);
  assert.ok(signedServer.kind === 'signed');
  const ofServer = assembleCertificate(server.tbs, ALGORITHM, signedServer.signature);
  for (const [job, reason] of [
    [bare, /certificate of the responder is missing/], [jobFor(desk, forged), /not signed by the issuer key/],
    [jobFor(desk, ofServer), /another key than the responder.*not for OCSPSigning/], [jobFor(desk, Buffer.from('3000', 'hex')), /./],
    [{ ...jobFor(desk, good), issuerKey: 'nobody' }, /has no OCSP responder/], [{ ...jobFor(desk, good), tbs: server.tbs }, /./],
  ] as [SigningJob, RegExp][]) {
    const outcome = await desk.desk.sign(job);
    assert.equal(outcome.kind, 'refused');
    assert.match((outcome as { reasons: readonly string[] }).reasons.join('; '), reason);
  }
  assert.equal((await desk.desk.sign(jobFor(desk, good))).kind, 'signed');
  desk.now += 30 * DAY;
  const late = await desk.desk.sign(jobFor(desk, good, { nextUpdate: desk.now + 9 * HOUR }));
  assert.match((late as { reasons: readonly string[] }).reasons.join('; '), /the responder's certificate is not valid now/);
});

test('OCSPSigning is certified for the key in the token and no other, and that key gets nothing else', async () => {
  await using desk = new TestDesk();
  for (const [shape, facts, reason] of [
    [RESPONDER_SHAPE, responderFacts(desk, freshSpki()), /not the OCSP responder of test-1 in this signer's token/],
    [SERVER_SHAPE, desk.facts({ spki: desk.responder }), /the subject key is that of an OCSP responder/],
  ] as const) {
    const outcome = await desk.desk.sign({ ...desk.certificate(), profile: shape.profile, tbs: renderTbs(shape, desk.issuer, facts) });
    assert.match((outcome as { reasons: readonly string[] }).reasons.join('; '), reason);
  }
});

test('a flood fills a quarter of the queue; certificates go on', async () => {
  await using desk = new TestDesk();
  const responder = await responderCertificate(desk);
  const held = Promise.withResolvers<void>();
  desk.signing = held.promise;
  const flood = Array.from({ length: 300 }, (_, index) => desk.desk.sign(jobFor(desk, responder, { nonce: Buffer.of(index & 0xff, index >> 8) })));
  const certificate = desk.desk.sign(desk.certificate());
  held.resolve();
  const kinds = (await Promise.all(flood)).map(({ kind }) => kind);
  assert.deepEqual([kinds.filter((kind) => kind === 'signed').length, kinds.filter((kind) => kind === 'unavailable').length], [256, 44]);
  assert.equal((await certificate).kind, 'signed');
});
