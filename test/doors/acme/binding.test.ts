/** RFC 8555 §7.3.4: external account bindings. Rows B-01 to B-08, R11, A-03 and F-13 of the conformance list. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { changeAccount } from '../../../src/doors/acme/accounts/operate.ts';
import { createCredential, revokeCredential } from '../../../src/doors/acme/binding/operate.ts';
import { listCredentials } from '../../../src/doors/acme/binding/store.ts';
import { rawStatement } from '../../../src/database/statement.ts';
import { bindingOf, handOut, type BindOptions, type Handed } from '../../support/acme-binding.ts';
import { AcmeClient, jwkOf, newKey, type KeyPair, type PostOptions } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';
import { startPostgres } from '../../support/postgres.ts';

let lab: DoorLab;
before(async () => {
  lab = await openDoorLab({ directory: { externalAccountRequired: true }, directories: [{ name: 'open', externalAccountRequired: false }] });
});
after(() => lab[Symbol.asyncDispose]());

const OPEN = 'https://ca.test/acme/d/open/directory';
const clientAt = (url: string = lab.directoryUrl, key: KeyPair = newKey()): Promise<AcmeClient> => new AcmeClient(lab.send, url, key).open();
const none: Handed = { kid: '0'.repeat(36), hmacKey: 'AA' };

/** newAccount with a binding. */
async function bound(handed: Handed, options: BindOptions = {}, client?: AcmeClient): Promise<{ client: AcmeClient; answer: Awaited<ReturnType<AcmeClient['newAccount']>> }> {
  const asking = client ?? (await clientAt());
  return { client: asking, answer: await asking.newAccount({ externalAccountBinding: bindingOf(asking, handed, options) }) };
}

const usesOf = async ({ kid }: Handed): Promise<number | undefined> =>
  (await listCredentials(lab.database, 'default', '')).find(({ id }) => id === kid)?.used;

test('B-01: a directory that requires a binding says so, and makes no account without one', async () => {
  const client = await clientAt();
  assert.equal(client.directory.meta.externalAccountRequired, true);
  assert.equal((await clientAt(OPEN)).directory.meta.externalAccountRequired, false);
  refused(await client.newAccount(), 403, 'externalAccountRequired');
  refused(await client.newAccount({ externalAccountBinding: null }), 403, 'externalAccountRequired');
});

test('A-03: whether an account exists may be asked without a binding', async () => {
  const { client } = await bound(await handOut(lab));
  assert.equal((await client.newAccount({ onlyReturnExisting: true })).status, 200);
  refused(await (await clientAt()).newAccount({ onlyReturnExisting: true }), 400, 'accountDoesNotExist');
});

test('B-02, B-04, P#459: HS256, HS384 and HS512 make an account that shows its binding; without one there is nothing to show', async () => {
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    const handed = await handOut(lab);
    const client = await clientAt();
    const binding = bindingOf(client, handed, { header: { alg } });
    const answer = await client.newAccount({ externalAccountBinding: binding });
    assert.equal(answer.status, 201, answer.text);
    assert.deepEqual(answer.json.externalAccountBinding, binding);
    assert.deepEqual((await client.post(client.account as string)).json.externalAccountBinding, binding);
  }
  const open = await clientAt(OPEN);
  assert.equal((await open.newAccount()).json.externalAccountBinding, undefined);
});

test('B-02: the key is compared, not its spelling', async () => {
  const client = await clientAt();
  const jwk = jwkOf(client.key);
  const payload = { use: 'sig', y: jwk['y'], x: jwk['x'], kty: 'EC', kid: 'mine', crv: 'P-256' };
  assert.equal((await bound(await handOut(lab), { payload }, client)).answer.status, 201);
});

test('B-03: each part that is wrong refuses the account, and costs no use', async () => {
  const handed = await handOut(lab);
  const elsewhere = 'https://ca.test/acme/d/open/new-account';
  const malformed: readonly BindOptions[] = [
    { header: { nonce: 'AAAA' } }, { header: { url: undefined } }, { header: { url: elsewhere } }, { header: { url: `${lab.directoryUrl}/` } },
    { header: { kid: undefined } }, { header: { kid: 7 } }, { header: { jwk: jwkOf(newKey()) } }, { header: { crit: ['url'] } }, { header: { b64: true } },
    { header: { alg: undefined } }, { payload: jwkOf(newKey()) }, { payload: '' }, { payload: '[]' }, { payload: {} }, { payload: 'null' },
  ];
  for (const options of malformed) refused((await bound(handed, options)).answer, 400, 'malformed');
  for (const alg of ['none', 'ES256', 'RS256', 'hs256', 'HS1', 'constructor', '__proto__']) {
    const { answer } = await bound(handed, { header: { alg } });
    refused(answer, 400, 'badSignatureAlgorithm');
    assert.deepEqual(answer.json.algorithms, ['HS256', 'HS384', 'HS512']);
  }
  const client = await clientAt();
  const good = bindingOf(client, handed);
  for (const given of ['x', 7, [], {}, { ...good, header: {} }, { ...good, signatures: [] }, { ...good, signature: `${good.signature}=` }, { protected: good.protected, payload: good.payload }]) {
    refused(await client.newAccount({ externalAccountBinding: given }), 400, 'malformed');
  }
  assert.equal(await usesOf(handed), 0);
});

test('B-03, B-07: an unknown key id and a wrong HMAC key are told in the same words', async () => {
  const handed = await handOut(lab);
  const [wrongKey, unknown] = [(await bound(handed, { hmacKey: (await handOut(lab)).hmacKey })).answer, (await bound(none)).answer];
  refused(wrongKey, 403, 'unauthorized');
  assert.equal(unknown.json.detail, wrongKey.json.detail);
  for (const kid of ['', '%00', '\u0000', "' or 1=1 --", 'x'.repeat(5000)]) assert.equal((await bound(handed, { header: { kid } })).answer.json.detail, wrongKey.json.detail);
  for (const signature of ['', 'AA', Buffer.alloc(64).toString('base64url')]) {
    const client = await clientAt();
    const { answer } = { answer: await client.newAccount({ externalAccountBinding: { ...bindingOf(client, handed), signature } }) };
    assert.equal(answer.json.detail, wrongKey.json.detail);
  }
  assert.equal(await usesOf(handed), 0);
});

test('B-05: a binding is verified also where none is required', async () => {
  refused((await bound(none, {}, await clientAt(OPEN))).answer, 403, 'unauthorized');
  const { answer } = await bound(await handOut(lab, { directory: 'open' }), {}, await clientAt(OPEN));
  assert.equal(answer.status, 201);
});

test('B-06: a credential is of one directory, and an account that exists costs no use', async () => {
  refused((await bound(await handOut(lab, { directory: 'open' }))).answer, 403, 'unauthorized');
  const handed = await handOut(lab, { uses: 2 });
  const { client } = await bound(handed);
  assert.equal((await bound(handed, {}, client)).answer.status, 200);
  assert.equal(await usesOf(handed), 1);
});

test('B-06: used up and expired credentials make no account; those that they made stay', async () => {
  const handed = await handOut(lab, { expires: Date.now() + 60_000, uses: undefined });
  const { client, answer } = await bound(handed);
  assert.equal(answer.status, 201);
  lab.skewMs = 61_000;
  refused((await bound(handed)).answer, 403, 'unauthorized', /has expired/);
  assert.equal((await client.newOrder(['e.internal'])).status, 201);
  lab.skewMs = 0;
  const once = await handOut(lab);
  assert.equal((await bound(once)).answer.status, 201);
  refused((await bound(once)).answer, 403, 'unauthorized', /has made all the accounts/);
  const often = await handOut(lab, { uses: undefined });
  for (let i = 0; i < 3; i++) assert.equal((await bound(often)).answer.status, 201);
});

test('R11, B-06: of 20 that want the one use at once, one gets an account', async () => {
  const handed = await handOut(lab);
  const answers = await Promise.all(Array.from({ length: 20 }, async () => (await bound(handed)).answer));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array<number>(19).fill(403)]);
  for (const answer of answers) if (answer.status === 403) refused(answer, 403, 'unauthorized', /has made all the accounts/);
  assert.equal(await usesOf(handed), 1);
});

test('R11: the same on PostgreSQL, behind two fronts, and against a revocation at the same time', async () => {
  const postgres = await startPostgres();
  try {
    await using shared = await openDoorLab({ database: await postgres.createDatabase() });
    const second = await shared.front('front-2');
    const askAt = async (handed: Handed, turn: number) => {
      const client = await new AcmeClient(turn % 2 === 0 ? shared.send : second.send, shared.directoryUrl).open();
      return { client, answer: await client.newAccount({ externalAccountBinding: bindingOf(client, handed) }) };
    };
    const once = await handOut(shared);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, turn) => askAt(once, turn)));
    assert.deepEqual(answers.map(({ answer }) => answer.status).sort(), [201, ...Array<number>(19).fill(403)]);
    const often = await handOut(shared, { uses: undefined });
    const [asked] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, (_, turn) => askAt(often, turn))), revokeCredential(shared.operator, often.kid, false),
    ]);
    for (const { client, answer } of asked) {
      if (answer.status === 201) refused(await client.newOrder(['late.internal']), 403, 'unauthorized', /was revoked/);
      else refused(answer, 403, 'unauthorized');
    }
  } finally {
    await postgres.stop();
  }
});

test('R11, A-10: of 20 with one key and one use, one makes the account and all get it', async () => {
  const handed = await handOut(lab);
  const key = newKey();
  const answers = await Promise.all(Array.from({ length: 20 }, async () => (await bound(handed, {}, await clientAt(lab.directoryUrl, key))).answer));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array<number>(19).fill(200), 201]);
  assert.equal(await usesOf(handed), 1);
});

test('B-08, O#20755: a binding cannot be used by another key, nor change an account', async () => {
  const handed = await handOut(lab);
  const { client: owner } = await bound(handed);
  const thief = await clientAt();
  refused(await thief.newAccount({ externalAccountBinding: bindingOf(owner, handed) }), 400, 'malformed', /must be the account's key/);
  const other = await handOut(lab);
  const { json } = await owner.post(owner.account as string, { externalAccountBinding: bindingOf(owner, other) });
  assert.notDeepEqual(json.externalAccountBinding, bindingOf(owner, other));
  assert.equal(await usesOf(other), 0);
});

test('the account has the names and profiles of its credential, and of them only what the policy allows', async () => {
  const names = { names: ['one.internal'], suffixes: ['dev.internal'], wildcards: [], addresses: [], uris: [], subject: {} };
  const handed = await handOut(lab, { restriction: { names, profiles: ['server'] } });
  const { client } = await bound(handed);
  for (const name of ['one.internal', 'dev.internal', 'a.b.dev.internal']) assert.equal((await client.newOrder([name])).status, 201, name);
  for (const name of ['two.internal', 'a.one.internal', 'notdev.internal', '*.dev.internal']) {
    refused(await client.newOrder([name]), 403, 'rejectedIdentifier', new RegExp(`among the names of external account binding ${handed.kid}`));
  }
  refused(await client.newOrder([{ type: 'ip', value: '10.0.0.1' }]), 403, 'rejectedIdentifier');
  refused(await client.newOrder(['one.internal'], { profile: 'client' }), 400, 'invalidProfile', /not among those of external account binding/);
  const wide = await handOut(lab, { restriction: { names: { ...names, suffixes: ['example.com'] } } });
  refused(await (await bound(wide)).client.newOrder(['www.example.com']), 403, 'rejectedIdentifier', /policy "private-names"/);
});

test('F-13: a revoked credential makes no account, and takes those that it made with it', async () => {
  const handed = await handOut(lab, { uses: undefined });
  const clients = [(await bound(handed)).client, (await bound(handed)).client];
  const { client: bystander } = await bound(await handOut(lab));
  const [client] = clients as [AcmeClient];
  const { order, orderUrl } = await client.issue(['f.internal'], () => {});
  const ready = await client.newOrder(['g.internal']);
  await client.authorize(ready.json, 'http-01', () => {});
  assert.deepEqual(await revokeCredential(lab.operator, handed.kid, true), { accounts: 2 });
  assert.equal((await client.post(orderUrl)).status, 200, 'a rehearsal changes nothing');
  assert.deepEqual(await revokeCredential(lab.operator, handed.kid, false), { accounts: 2 });
  assert.equal(await revokeCredential(lab.operator, handed.kid, false), undefined);

  refused((await bound(handed)).answer, 403, 'unauthorized', /was revoked/);
  const csr = buildCsr({ ...newKey(), names: [{ type: 'dns', value: 'g.internal' }] }).toString('base64url');
  const everything: readonly (readonly [string, '' | object, PostOptions?])[] = [
    [client.account as string, ''], [client.account as string, { status: 'deactivated' }], [orderUrl, ''], [order.certificate as string, ''],
    [order.authorizations[0] as string, ''], [ready.json.finalize, { csr }], [client.directory.newOrder, { identifiers: [{ type: 'dns', value: 'f.internal' }] }],
  ];
  for (const [url, payload] of everything) refused(await client.post(url, payload), 403, 'unauthorized', /was revoked/);
  refused(await client.newAccount({ onlyReturnExisting: true }), 403, 'unauthorized', /was revoked/);
  refused(await (clients[1] as AcmeClient).post((clients[1] as AcmeClient).account as string), 403, 'unauthorized');
  assert.equal((await bystander.newOrder(['f.internal'])).status, 201);
});

test('J-14: an account that the operator revokes is unauthorized, with 403, and stays so', async () => {
  const client = await clientAt(OPEN);
  await client.newAccount();
  const id = client.account?.split('/').at(-1) as string;
  assert.equal((await changeAccount(lab.operator, id, 'revoked', true))?.changed, true);
  assert.equal((await client.newOrder(['j.internal'])).status, 201);
  assert.equal((await changeAccount(lab.operator, id, 'revoked', false))?.account.state, 'revoked');
  assert.equal((await changeAccount(lab.operator, id, 'revoked', false))?.changed, false);
  refused(await client.newOrder(['j.internal']), 403, 'unauthorized', /was revoked/);
  refused(await client.newAccount(), 403, 'unauthorized', /was revoked/);
});

test('I9: the HMAC key is in no column, and no sealed key fits another row', async () => {
  const made = await Promise.all([1, 2].map(() => createCredential(lab.operator, { directory: 'default', description: '', restriction: undefined, uses: 1, expires: undefined })));
  const rows = await lab.database.many<Record<string, unknown>>(rawStatement('select * from acme_eab'));
  const [one, two] = made.map(({ hmacKey, credential }) => ({ hmacKey, row: rows.find(({ id }) => id === credential.id) as { id: string; secret: Uint8Array } }));
  if (one === undefined || two === undefined) throw new Error('two credentials were made');
  for (const { hmacKey } of [one, two]) {
    assert.match(hmacKey, /^[\w][\w-]{42}$/);
    for (const row of rows) for (const value of Object.values(row)) {
      const octets = typeof value === 'string' || value instanceof Uint8Array ? Buffer.from(value as string) : Buffer.alloc(0);
      assert.ok(!octets.includes(Buffer.from(hmacKey, 'base64url')) && !octets.includes(hmacKey));
    }
  }
  const { seal } = lab.operator;
  assert.equal(Buffer.from(seal.open(one.row.secret, `acme-eab ${one.row.id}`)).toString('base64url'), one.hmacKey);
  assert.throws(() => seal.open(one.row.secret, `acme-eab ${two.row.id}`), /belongs to another row/);
});
