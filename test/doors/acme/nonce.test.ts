/** RFC 8555 §6.5, §7.2: replay nonces. Rows N of the conformance list. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AcmeClient, newKey, signBytes } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

let lab: DoorLab;
let client: AcmeClient;
before(async () => {
  lab = await openDoorLab();
  client = await lab.client();
});
after(() => lab[Symbol.asyncDispose]());

test('N-01, N-02, B#newNonce, O#2550: HEAD newNonce is 200, GET is 204, POST-as-GET is 200; none has a body or may be stored', async () => {
  const url = client.directory.newNonce;
  for (const [method, status] of [['HEAD', 200], ['GET', 204]] as const) {
    const answer = await client.get(url, method);
    assert.equal(answer.status, status);
    assert.equal(answer.text, '');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.match(answer.headers['replay-nonce'] ?? '', /^[A-Za-z0-9_-]+$/);
    assert.match(answer.headers['link'] ?? '', /<https:\/\/ca\.test\/acme\/directory>;rel="index"/);
  }
  const posted = await client.post(url);
  assert.equal(posted.status, 200);
  assert.ok(posted.headers['replay-nonce']);
});

test('N-03, N-14, A2C#111: every answer has a nonce, refusals and the directory too, and it works', async () => {
  const account = client.account as string;
  for (const answer of [
    await client.get(client.directoryUrl), await client.get(account), await client.get('https://ca.test/acme/nowhere'),
    await client.postRaw(account, '{}'), await client.postRaw(account, '{}', 'text/plain'), await client.get(account, 'OPTIONS'),
  ]) {
    const nonce = answer.headers['replay-nonce'];
    assert.ok(nonce, `${answer.status} without a nonce`);
    assert.equal((await client.post(account, '', { header: { nonce } })).status, 200);
  }
});

test('N-04: nonces are base64url, long enough and all different', async () => {
  const nonces = await Promise.all(Array.from({ length: 50 }, async () => (await client.get(client.directory.newNonce)).headers['replay-nonce'] ?? ''));
  assert.equal(new Set(nonces).size, 50);
  for (const nonce of nonces) assert.match(nonce, /^[A-Za-z0-9_-]{22,}$/);
});

test('N-05: a nonce that is not base64url is malformed; one that is not ours is badNonce', async () => {
  const account = client.account as string;
  for (const nonce of ['', 'a b', 'abc=', 'ab+c', 'ä']) refused(await client.post(account, '', { header: { nonce } }), 400, 'malformed', /nonce/);
  for (const nonce of ['AAAA', Buffer.alloc(48, 7).toString('base64url')]) refused(await client.post(account, '', { header: { nonce } }), 400, 'badNonce');
});

test('N-06, N-07, N-08, N-09, P#badNonce: a nonce works once; the refusal says so in the words acme.sh greps for, and brings one that works', async () => {
  const account = client.account as string;
  const jws = await client.prepare(account, '');
  assert.equal((await client.postRaw(account, jws)).status, 200);
  const again = await client.postRaw(account, jws);
  refused(again, 400, 'badNonce', /^JWS has an invalid anti-replay nonce: "[A-Za-z0-9_-]+"$/);
  assert.equal((await client.post(account, '', { header: { nonce: again.headers['replay-nonce'] } })).status, 200);
});

test('N-06, R1: of 50 copies of one signed request at once, one succeeds', async () => {
  const { newOrder } = client.directory;
  const jws = await client.prepare(newOrder, { identifiers: [{ type: 'dns', value: 'race.internal' }] });
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.postRaw(newOrder, jws)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  for (const answer of answers.filter(({ status }) => status !== 201)) refused(answer, 400, 'badNonce');
});

test('N-10: a forged request does not spend the nonce, nor does one for another URL', async () => {
  const account = client.account as string;
  const nonce = await client.nonce();
  const forge = (jws: { protected: string; payload: string }) => ({ ...jws, signature: signBytes(newKey(), 'x').toString('base64url') });
  refused(await client.post(account, '', { header: { nonce }, tamper: forge }), 400, 'malformed');
  refused(await client.post(account, '', { header: { nonce, url: client.directory.newOrder } }), 403, 'unauthorized');
  assert.equal((await client.post(account, '', { header: { nonce } })).status, 200);
});

test('N-11: a nonce belongs to no account and no connection', async () => {
  const other = await lab.client();
  const nonce = await client.nonce();
  assert.equal((await other.post(other.account as string, '', { header: { nonce } })).status, 200);
});

test('N-13: a nonce works for an hour', async () => {
  const account = client.account as string;
  const nonce = await client.nonce();
  lab.skewMs += 59 * 60_000;
  assert.equal((await client.post(account, '', { header: { nonce } })).status, 200);
});
