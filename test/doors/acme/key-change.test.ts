/** RFC 8555 §7.3.5: an account gets another key. Rows K of the conformance list. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { AcmeClient, type Answer, type Jws, jwkOf, type KeyPair, newKey, signJws, thumbprintOf } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

let lab: DoorLab;
before(async () => { lab = await openDoorLab(); });
after(() => lab[Symbol.asyncDispose]());

interface Inner {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Signs in place of the new key. */
  readonly signer?: KeyPair;
  readonly tamper?: (jws: Jws) => object;
}

function innerJws(client: AcmeClient, key: KeyPair, { header = {}, payload = {}, signer = key, tamper = (jws) => jws }: Inner = {}): object {
  const head = { alg: signer.type, jwk: jwkOf(key), url: client.directory.keyChange, ...header };
  return tamper(signJws(signer, head, { account: client.account, oldKey: jwkOf(client.key), ...payload }));
}

const change = (client: AcmeClient, key: KeyPair, inner?: Inner): Promise<Answer> =>
  client.post(client.directory.keyChange, innerJws(client, key, inner));

/** The same account, signing with another key. */
function withKey(client: AcmeClient, key: KeyPair): AcmeClient {
  const other = new AcmeClient(lab.send, lab.directoryUrl, key);
  return Object.assign(other, { account: client.account, directory: client.directory });
}

for (const type of ['ES256', 'ES384', 'RS256', 'EdDSA'] as const) {
  test(`K-01: the account answers to its new ${type} key at once, and to the old one no more`, async () => {
    const client = await lab.client();
    const key = newKey(type);
    const answer = await change(client, key);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['location'], client.account);
    assert.equal(answer.json.status, 'valid');
    const renewed = withKey(client, key);
    assert.equal((await renewed.post(client.account as string)).status, 200);
    refused(await client.post(client.account as string), 400, type === 'ES256' ? 'malformed' : 'badSignatureAlgorithm');
    refused(await client.newAccount({ onlyReturnExisting: true }), 400, 'accountDoesNotExist');
    const found = await renewed.newAccount({ onlyReturnExisting: true });
    assert.equal(found.status, 200);
    assert.equal(found.headers['location'], answer.headers['location']);
  });
}

test('K-02, K-05, K-10: the inner JWS brings its key, has no nonce, and is signed with no MAC', async () => {
  const client = await lab.client();
  const key = newKey();
  for (const payload of ['', {}, { protected: 1 }] as const) refused(await client.post(client.directory.keyChange, payload), 400, 'malformed');
  for (const header of [{ jwk: undefined }, { kid: client.account }, { jwk: undefined, kid: client.account }, { jwk: [] }, { nonce: await client.nonce() }, { b64: false }]) {
    refused(await change(client, key, { header }), 400, 'malformed');
  }
  refused(await change(client, key, { tamper: (jws) => ({ ...jws, header: {} }) }), 400, 'malformed', /unprotected/);
  refused(await change(client, key, { tamper: ({ protected: head, payload }) => ({ protected: head, payload }) }), 400, 'malformed');
  refused(await change(client, key, { header: { alg: 'none' } }), 400, 'badSignatureAlgorithm');
  const mac = (jws: Jws) => ({ ...jws, signature: createHmac('sha256', 'k').update(`${jws.protected}.${jws.payload}`).digest('base64url') });
  refused(await change(client, key, { header: { alg: 'HS256' }, tamper: mac }), 400, 'badSignatureAlgorithm');
  assert.equal((await client.post(client.account as string)).status, 200);
});

test('K-03, P#281: the inner signature is of the new key', async () => {
  const client = await lab.client();
  for (const signer of [newKey(), client.key]) refused(await change(client, newKey(), { signer }), 400, 'malformed', /inner JWS does not verify/);
  refused(await change(client, newKey(), { tamper: (jws) => ({ ...jws, payload: `${jws.payload}AA` }) }), 400, 'malformed');
  assert.equal((await client.post(client.account as string)).status, 200);
});

test('K-04: both URLs are the same', async () => {
  const client = await lab.client();
  for (const url of [client.directory.newOrder, `${client.directory.keyChange}/`, undefined, 7]) {
    refused(await change(client, newKey(), { header: { url } }), 400, 'malformed', /"url"/);
  }
});

test('K-06, K-07: the payload names this account and its present key, however it is spelled', async () => {
  const client = await lab.client();
  const other = await lab.client();
  for (const account of [other.account, undefined, 7, `${client.account}/`, 'x']) refused(await change(client, newKey(), { payload: { account } }), 400, 'malformed', /"account"/);
  for (const oldKey of [jwkOf(other.key), undefined, {}, 'x', { kty: 'oct', k: 'AA' }]) {
    refused(await change(client, newKey(), { payload: { oldKey } }), 400, 'malformed', /"oldKey"/);
  }
  assert.equal((await change(client, newKey(), { payload: { oldKey: { ...jwkOf(client.key), use: 'sig', kid: 'x' } } })).status, 200);
});

test('K-08: a key that an account has, be it this one or deactivated, is a conflict, with its URL', async () => {
  const [client, other, gone] = [await lab.client(), await lab.client(), await lab.client()];
  await gone.post(gone.account as string, { status: 'deactivated' });
  for (const holder of [client, other, gone]) {
    const answer = await change(client, holder.key);
    refused(answer, 409, 'malformed');
    assert.equal(answer.headers['location'], holder.account);
  }
  assert.equal((await other.post(other.account as string)).status, 200);
});

test('K-09: a new key must be good enough', async () => {
  const client = await lab.client();
  const weak = { ...jwkOf(newKey('RS256')), e: 'Aw' };
  refused(await change(client, newKey('RS256'), { header: { jwk: weak } }), 400, 'badPublicKey');
  refused(await change(client, newKey('RS256'), { header: { alg: 'ES256' } }), 400, 'badSignatureAlgorithm');
  refused(await change(client, newKey(), { header: { alg: 'ES256K' } }), 400, 'badSignatureAlgorithm');
});

test('K-11: what is pending stays, and is proven with the key of the day of the answer', async () => {
  const client = await lab.client();
  const { json: order } = await client.newOrder(['k.internal', 'l.internal']);
  const key = newKey();
  assert.equal((await change(client, key)).status, 200);
  const renewed = withKey(client, key);
  const { pem } = await renewed.issue(['k2.internal'], () => {});
  assert.match(pem, /BEGIN CERTIFICATE/);
  for (const url of order.authorizations) {
    const { json } = await renewed.post(url);
    assert.equal((await renewed.post(json.challenges[0].url, {})).json.status, 'valid');
    assert.equal(lab.validations.at(-1)?.keyAuthorization, `${json.challenges[0].token}.${thumbprintOf(key)}`);
  }
});

test('K-12, R5: of two key changes at once one wins, and the account stays', async () => {
  const client = await lab.client();
  const keys = [newKey(), newKey()];
  const answers = await Promise.all(keys.map((key) => change(client, key)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400]);
  const found = await Promise.all(keys.map((key) => withKey(client, key).newAccount({ onlyReturnExisting: true })));
  assert.deepEqual(found.map(({ status }) => status), answers.map(({ status }) => status));
  assert.ok(found.some(({ headers }) => headers['location'] === client.account));
});

test('K-13, §11.1: the key of a certificate is not an account key', async () => {
  const client = await lab.client();
  const { key } = await client.issue(['k13.internal'], () => {});
  refused(await change(client, key), 400, 'badPublicKey', /certificate/);
});

test('K-12: two accounts that want one key at once: one gets it', async () => {
  const [a, b] = [await lab.client(), await lab.client()];
  const key = newKey();
  const answers = await Promise.all([change(a, key), change(b, key)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
});
