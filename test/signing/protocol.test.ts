/** The frames of the signer's socket: round trips, and what is no frame. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Answer,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  FrameReader,
  MAX_FRAME,
  type Request,
} from '../../src/signing/protocol.ts';

const receipt = { signer: 7, sequence: 12, head: 'ab' };
const REQUESTS: readonly Request[] = [
  { type: 'stated', highest: 0 },
  { type: 'confirm', signer: 7, sequence: 9 },
  {
    type: 'sign',
    call: 1,
    purpose: 'certificate',
    issuerKey: 'a',
    intent: 'i',
    profile: 'p',
    tbs: Buffer.from('tbs'),
    deadline: 5,
  },
  { type: 'sign', call: 2, purpose: 'crl', issuerKey: 'a', intent: 'i', tbs: Buffer.alloc(300_000, 7), deadline: 5 },
  { type: 'recover', call: 3, purpose: 'certificate', issuerKey: 'a', serial: '01', intent: 'i' },
];
const ANSWERS: readonly Answer[] = [
  { type: 'hello', version: 2, signer: 7, formerSigners: [5], configuration: 'c0' },
  { type: 'state', state: 'fenced', why: 'because' },
  { type: 'signing', call: 1, outcome: { kind: 'signed', signature: Buffer.from('sig'), receipt } },
  { type: 'signing', call: 2, outcome: { kind: 'refused', reasons: ['no'] } },
  {
    type: 'recovery',
    call: 3,
    outcome: { kind: 'signed', tbs: Buffer.from('tbs'), signature: Buffer.from('sig'), receipt },
  },
  { type: 'recovery', call: 4, outcome: { kind: 'not-signed', receipt } },
  { type: 'recovery', call: 5, outcome: { kind: 'unavailable', why: 'x', retryAfterMs: 1 } },
];

test('what is encoded is decoded again, however the stream is cut', () => {
  const stream = Buffer.concat([...REQUESTS.map(encodeRequest)]);
  for (const step of [1, 3, 7, 1000, 65_536, stream.length]) {
    const reader = new FrameReader();
    const found: Request[] = [];
    for (let at = 0; at < stream.length; at += step) {
      for (const { header, body } of reader.push(stream.subarray(at, at + step)))
        found.push(decodeRequest(header, body));
    }
    assert.deepEqual(found, REQUESTS);
  }
  const reader = new FrameReader();
  const frames = reader.push(Buffer.concat(ANSWERS.map(encodeAnswer)));
  assert.deepEqual(
    frames.map(({ header, body }) => decodeAnswer(header, body)),
    ANSWERS,
  );
});

test('a job that is too large is refused where it is made', () => {
  const job = { ...REQUESTS[3], tbs: Buffer.alloc(MAX_FRAME) } as Request;
  assert.throws(() => encodeRequest(job), { name: 'FrameFault' });
});

const BAD: readonly object[] = [
  { type: 'sign', call: -1, purpose: 'crl', issuerKey: 'a', intent: 'i', deadline: 1 },
  { type: 'sign', call: 1, purpose: 'toString', issuerKey: 'a', intent: 'i', deadline: 1 },
  { type: 'sign', call: 1, purpose: 'crl', issuerKey: '', intent: 'i', deadline: 1 },
  { type: 'sign', call: 1, purpose: 'crl', issuerKey: 'a', intent: 'i'.repeat(200), deadline: 1 },
  { type: 'sign', call: 1, purpose: 'crl', issuerKey: 'a', intent: 'i', deadline: 1.5 },
  { type: 'sign', call: 1, purpose: 'crl', issuerKey: 'a', intent: 'i', deadline: '1' },
  { type: 'stated' },
  { type: 'constructor' },
  {},
];
for (const header of BAD) {
  test(`not understood: ${JSON.stringify(header).slice(0, 100)}`, () =>
    assert.throws(() => decodeRequest(header as never, new Uint8Array(0)), { name: 'FrameFault' }));
}
