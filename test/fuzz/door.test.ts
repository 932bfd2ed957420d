/** Hostile requests at the whole ACME door, signed by a real account: a problem with its right kind of status, a fresh nonce, never a 500. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type AcmeClient, type Answer, newKey, signJws } from '../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../support/acme-door.ts';
import { buildCsr } from '../support/csr.ts';
import { bombard } from '../support/mutate.ts';

let lab: DoorLab;
let client: AcmeClient;
before(async () => {
  lab = await openDoorLab();
  client = await lab.client();
});
after(() => lab[Symbol.asyncDispose]());

function lawful({ status, headers, json, text }: Answer): boolean {
  assert.ok(status < 500, `${status} ${text}`);
  assert.ok(headers['replay-nonce'] !== undefined, `no nonce with ${status} ${text}`);
  if (status >= 400) assert.match(String(json.type), /^urn:ietf:params:acme:error:/);
  return status < 400;
}

test('fuzz: 3,000 changed bodies at newOrder and newAccount', async () => {
  const { newOrder, newAccount } = client.directory;
  const jws = await client.prepare(newOrder, { identifiers: [{ type: 'dns', value: 'fuzz.internal' }] });
  const corpus = [Buffer.from(JSON.stringify(jws)), Buffer.from(JSON.stringify({ ...jws, protected: `${jws.protected}=` }))];
  let turn = 0;
  await bombard(corpus, 3000, async (bytes) => {
    turn += 1;
    return lawful(await client.postRaw(turn % 2 === 0 ? newOrder : newAccount, bytes));
  });
});

test('fuzz: 1,500 payloads of any shape, signed, at every resource', async () => {
  const { order, orderUrl } = await client.issue(['shapes.internal'], () => {});
  const pending = await client.newOrder(['pending.internal']);
  const { json: authorization } = await client.post(order.authorizations[0] as string);
  const urls = [
    client.directory.newOrder, client.directory.newAccount, client.account, orderUrl, order.finalize, pending.json.finalize,
    ...order.authorizations, ...pending.json.authorizations, authorization.challenges[0].url, order.certificate,
  ] as string[];
  const member = fc.constantFrom('identifiers', 'profile', 'notBefore', 'notAfter', 'contact', 'status', 'csr', 'onlyReturnExisting', 'termsOfServiceAgreed', 'externalAccountBinding', 'replaces', 'type', 'value', '__proto__');
  const payload = fc.dictionary(member, fc.oneof(fc.jsonValue(), fc.array(fc.dictionary(member, fc.jsonValue()), { maxLength: 3 })), { maxKeys: 5 });
  let created = 0;
  await fc.assert(fc.asyncProperty(fc.nat(urls.length - 1), payload, async (which, content) => {
    if (content['status'] === 'deactivated') return; // the account is needed for the rest
    const url = urls[which] as string;
    if (lawful(await client.post(url, content, { byKey: url === client.directory.newAccount }))) created += 1;
  }), { numRuns: 1500 });
  assert.ok(created > 0);
});

test('fuzz: 1,500 changed certification requests at finalize leave their order ready', async () => {
  const made = await client.newOrder(['csr.internal']);
  const { json: authorization } = await client.post(made.json.authorizations[0]);
  await client.post(authorization.challenges[0].url, {});
  const key = newKey();
  const good = buildCsr({ ...key, names: [{ type: 'dns', value: 'csr.internal' }] });
  const other = buildCsr({ ...newKey('RS256'), names: [{ type: 'dns', value: 'csr.internal' }], commonName: 'csr.internal' });
  await bombard([good, other], 1500, async (bytes) => {
    if (bytes.equals(good) || bytes.equals(other)) return true;
    const { finalize } = made.json;
    const head = { alg: 'ES256', nonce: await client.nonce(), url: finalize, kid: client.account };
    const answer = await client.postRaw(finalize, signJws(client.key, head, { csr: bytes.toString('base64url') }));
    assert.equal(lawful(answer), false, 'a changed request cannot verify');
    return false;
  });
  const { json: order } = await client.post(made.headers['location'] as string);
  assert.equal(order.status, 'ready');
});
