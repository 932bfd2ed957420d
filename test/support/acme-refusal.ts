/** What every refusal of the ACME door looks like, whatever it is about (rows E-01 to E-04, N-03). */
import assert from 'node:assert/strict';
import type { Answer } from './acme-client.ts';

/** Asserts a problem document of that type and status, complete, with a fresh nonce; `detail` is matched when given. */
export function refused(answer: Answer, status: number, type: string, detail?: RegExp): void {
  assert.equal(answer.json.type, `urn:ietf:params:acme:error:${type}`, answer.text);
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.status, status);
  assert.equal(typeof answer.json.detail, 'string');
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['access-control-allow-origin'], '*');
  assert.match(answer.headers['replay-nonce'] ?? '', /^[A-Za-z0-9_-]{22,}$/, 'no fresh nonce');
  assert.equal('identifier' in answer.json, false, 'an identifier outside subproblems');
  assert.doesNotMatch(answer.text, /\bat [\w.]+ \(|node_modules|\.ts:|select |insert |SQLITE/);
  if (detail !== undefined) assert.match(answer.json.detail, detail);
}
