/** What OCSP says is as new as its thisUpdate, however long a signature, or a place in the queue before it, was waited for. */
import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';
import type { IssuedCertificate, OcspReply } from '../../../src/ca/index.ts';
import { encodeCertId } from '../../../src/x509/ocsp.ts';
import { encodeOcspRequest, parseOcspRequest } from '../../../src/x509/ocsp-request.ts';
import { type FoundOcspResponse, parseOcspResponse, parseResponseData } from '../../../src/x509/ocsp-response.ts';
import { until } from '../../support/processes.ts';
import { openRevocationLab, type RevocationLab } from '../../support/revocation-lab.ts';
import { startSqlite } from '../../support/sqlite.ts';

const sqlite = startSqlite();
after(() => sqlite.stop());

const SECOND = 1000;
/** As many responses as are signed at once (revocation/ocsp/places.ts). */
const AT_ONCE = 96;

let lab: RevocationLab;
let target: IssuedCertificate;
beforeEach(async () => {
  lab = await openRevocationLab(await sqlite.createDatabase());
  assert.equal(await lab.software.ca.work.renewResponders(), 0);
  target = await lab.issue();
});
afterEach(async () => {
  await lab.publish();
  assert.deepEqual(await lab.violations(), []);
  await lab[Symbol.asyncDispose]();
});

const ask = ({ serial }: IssuedCertificate, nonce?: Uint8Array): Promise<OcspReply> =>
  lab.software.ca.ocsp(parseOcspRequest(encodeOcspRequest([encodeCertId('sha1', lab.software.issuer, serial)], nonce)));

/** What is said, and as of when, in ms before the clock's time. */
function said(reply: OcspReply): string {
  if (reply.kind !== 'signed') return reply.why;
  const { responses, thisUpdate } = parseResponseData((parseOcspResponse(reply.der) as FoundOcspResponse).responseData);
  return `${responses[0]?.status.kind} ${Math.floor(lab.clock.time / SECOND) - thisUpdate / SECOND} s ago`;
}

async function revoke(): Promise<void> {
  lab.software.signing = 'ok';
  assert.equal((await lab.software.ca.revoke(lab.request(target))).kind, 'revoked');
}

/** Takes all places; resolves to the answers, which come when the signer goes on. */
async function fillPlaces(): Promise<{ answers: Promise<OcspReply[]> }> {
  const filler = await lab.issue();
  lab.software.signing = 'hold';
  const answers = Promise.all(Array.from({ length: AT_ONCE }, (_, index) => ask(filler, new Uint8Array(16).fill(index))));
  await until('all places are taken', () => lab.software.held() === AT_ONCE);
  return { answers };
}

test('T-OCS-5 a request that waits for a place is told the status of the moment when it got one', async () => {
  const { answers } = await fillPlaces();
  const early = ask(target);
  lab.clock.time += SECOND;
  await revoke();
  lab.clock.time += 20 * SECOND;
  const late = ask(target);
  lab.software.release();
  assert.deepEqual([said(await early), said(await late)], ['revoked 0 s ago', 'revoked 0 s ago']);
  await answers;
});

test('T-OCS-5 a request joins one that is under way only for a second', async () => {
  lab.software.signing = 'hold';
  const early = ask(target);
  await until('a signature is held back', () => lab.software.held() === 1);
  lab.clock.time += SECOND - 1;
  const joined = ask(target);
  lab.clock.time += 1;
  await revoke();
  const late = ask(target);
  assert.equal(said(await late), 'revoked 0 s ago');
  assert.equal(lab.software.held(), 1);
  lab.software.release();
  assert.deepEqual([said(await early), said(await joined)], ['good 1 s ago', 'good 1 s ago']);
  assert.equal(said(await ask(target)), 'revoked 0 s ago', 'what came late is not given again');
});

test('nobody waits for a place for longer than two seconds', async () => {
  const { answers } = await fillPlaces();
  assert.equal(said(await ask(target)), 'busy');
  lab.software.signing = 'ok';
  lab.software.release();
  for (const answer of await answers) assert.equal(answer.kind, 'signed');
  assert.equal(said(await ask(target)), 'good 0 s ago', 'the places are free again');
});
