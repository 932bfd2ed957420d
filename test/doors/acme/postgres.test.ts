/** The same door on PostgreSQL, behind two fronts: one client that alternates at every request never notices. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { AcmeClient, newKey, type Transport } from '../../support/acme-client.ts';
import { type DoorLab, failure, openDoorLab, resumed, SUCCESS } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';
import { startPostgres } from '../../support/postgres.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
before(async () => { postgres = await startPostgres(); });
after(() => postgres.stop());

/** A lab with a second front, and a transport that goes to each in turn. */
async function twoFronts(): Promise<{ lab: DoorLab; send: Transport }> {
  const lab = await openDoorLab({ database: await postgres.createDatabase() });
  const second = await lab.front('front-2');
  let turn = 0;
  return { lab, send: (request) => ((turn++ % 2 === 0 ? lab.send : second.send))(request) };
}

test('a client that alternates between two fronts gets its certificates', async (t) => {
  const { lab, send } = await twoFronts();
  await using _ = lab;
  const client = await AcmeClient.registered(send, lab.directoryUrl);
  for (const names of [['a.internal'], ['b.internal', '10.0.0.1']]) {
    const before = { ...lab.database.counters };
    const { pem } = await client.issue(names, () => {});
    assert.match(pem, /BEGIN CERTIFICATE/);
    const { commits, statements } = lab.database.counters;
    t.diagnostic(`${names.length} names: ${commits - before.commits} commits, ${statements - before.statements} statements`);
    if (names.length === 1) assert.ok(commits - before.commits <= 5);
  }
});

test('N-12, R1: a nonce is accepted once, whichever front made it', async () => {
  const { lab, send } = await twoFronts();
  await using _ = lab;
  const client = await AcmeClient.registered(send, lab.directoryUrl);
  const jws = await client.prepare(client.directory.newOrder, { identifiers: [{ type: 'dns', value: 'n.internal' }] });
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.postRaw(client.directory.newOrder, jws)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  for (const answer of answers.filter(({ status }) => status !== 201)) refused(answer, 400, 'badNonce');
});

test('R2, R3, R4: accounts, validations and certificates are made once, across fronts', async () => {
  const { lab, send } = await twoFronts();
  await using _ = lab;
  const key = newKey();
  const accounts = await Promise.all(Array.from({ length: 20 }, () => new AcmeClient(send, lab.directoryUrl, key).newAccount()));
  assert.equal(accounts.filter(({ status }) => status === 201).length, 1);
  assert.equal(new Set(accounts.map(({ headers }) => headers['location'])).size, 1);

  const client = await AcmeClient.registered(send, lab.directoryUrl, key);
  const { json: order, headers } = await client.newOrder(['r.internal']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  await Promise.all(Array.from({ length: 20 }, () => client.post(authorization.challenges[0].url, {})));
  assert.equal(lab.validations.length, 1);

  const csr = buildCsr({ ...newKey(), names: [{ type: 'dns', value: 'r.internal' }] }).toString('base64url');
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.post(order.finalize, { csr })));
  for (const answer of answers) if (answer.status !== 200) refused(answer, 403, 'orderNotReady');
  assert.equal((await client.post(headers['location'] as string)).json.status, 'valid');
  assert.equal(lab.software.signatures, 1);
});

test('an attempt that is put back is taken by one front only', async () => {
  const { lab, send } = await twoFronts();
  await using _ = lab;
  const client = await AcmeClient.registered(send, lab.directoryUrl);
  const { json: order } = await client.newOrder(['t.internal']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  lab.validate = () => failure('connection', 'refused');
  await client.post(authorization.challenges[0].url, {});
  const fronts = await Promise.all([1, 2, 3].map((n) => lab.front(`more-${n}`)));
  lab.validate = () => SUCCESS;
  lab.skewMs += 5_000;
  const taken = await Promise.all(fronts.map(({ acme }) => resumed(acme)));
  assert.equal(taken.reduce((sum, n) => sum + n, 0), 1);
  assert.equal((await client.post(authorization.challenges[0].url)).json.status, 'valid');
});

test('6.9: NUL and other rubbish in a path is not found, and no fault', async () => {
  const { lab, send } = await twoFronts();
  await using _ = lab;
  const client = await AcmeClient.registered(send, lab.directoryUrl);
  for (const path of ['order/%00', 'order/a%00b/finalize', 'authorization/%00', 'challenge/%00/http-01', 'certificate/%00/%00', 'certificate/development-1/%F0%9F%98%80', 'order/%E4']) {
    refused(await client.post(`https://ca.test/acme/${path}`, path.endsWith('finalize') ? { csr: '' } : ''), 404, 'malformed');
  }
});

test('accounts are made, and requests followed, without a look into the partitions of certificates: each takes locks of its own', async () => {
  const url = await postgres.createDatabase();
  await using lab = await openDoorLab({ database: url });
  const holder = new pg.Client(url);
  await holder.connect();
  try {
    await holder.query('begin; lock table certificate in access exclusive mode');
    assert.equal((await new AcmeClient(lab.send, lab.directoryUrl).newAccount()).status, 201);
    assert.deepEqual(await lab.software.ca.progress('default', 'nobody asked'), { kind: 'none' });
  } finally {
    await holder.end();
  }
});
