/** What recovery and a slow finalize may issue, on both engines: to whom may still have it, and to all of those. */
import assert from 'node:assert/strict';
import { DatabaseUnavailable } from '../../../src/database/errors.ts';
import { rawStatement } from '../../../src/database/statement.ts';
import { changeAccount } from '../../../src/doors/acme/accounts/operate.ts';
import { AcmeClient, type Answer, jwkOf, type KeyPair, newKey, signJws } from '../../support/acme-client.ts';
import { type DoorLab, SUCCESS } from '../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../support/acme-engines.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';

withPostgres();

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const csrFor = (name: string, key: KeyPair = newKey()): string => buildCsr({ ...key, names: [{ type: 'dns', value: name }] }).toString('base64url');
const idOf = (url = ''): string => url.slice(url.lastIndexOf('/') + 1);
const revoke = async (lab: DoorLab, client: AcmeClient): Promise<void> =>
  assert.equal((await changeAccount(lab.operator, idOf(client.account), 'revoked', false))?.account.state, 'revoked');

/** An order whose certificate is not signed, for the signer is away. */
async function processing(lab: DoorLab, client: AcmeClient, name: string, key?: KeyPair): Promise<{ url: string; authorization: string }> {
  lab.software.signing = 'unavailable';
  const { json, headers } = await client.newOrder([name]);
  await client.authorize(json, 'http-01', () => {});
  assert.equal((await client.post(json.finalize, { csr: csrFor(name, key) })).json.status, 'processing');
  return { url: headers['location'] as string, authorization: json.authorizations[0] as string };
}

/** The signer is back, and what it has not signed is overdue. */
async function recover(lab: DoorLab, clients: readonly AcmeClient[] = []): Promise<number> {
  lab.skewMs += MINUTE;
  for (const client of clients) client.forgetNonces();
  lab.software.signing = 'ok';
  lab.software.recovering = 'truth';
  return lab.software.ca.work.recoverIntents();
}

const refs = async (lab: DoorLab): Promise<string[]> =>
  (await lab.database.many<{ request_ref: string }>(rawStatement('select request_ref from certificate order by created'))).map(({ request_ref }) => request_ref);
const openIntents = async (lab: DoorLab): Promise<number> =>
  Number((await lab.database.one<{ n: number }>(rawStatement("select count(*) as n from intent where state = 'open'")))?.n);

onBothEngines('I8 whichever commit of recovery the database fails, the order finds its certificate', async (lab) => {
  const client = await lab.client();
  const { commit } = lab.database;
  for (let failing = 1; failing <= 2; failing += 1) {
    const { url } = await processing(lab, client, `blip-${failing}.internal`);
    let seen = 0;
    lab.database.commit = async (writes) => {
      seen += 1;
      if (seen === failing) throw new DatabaseUnavailable('a blip');
      return commit.call(lab.database, writes);
    };
    await recover(lab, [client]);
    lab.database.commit = commit;
    assert.ok(['processing', 'valid'].includes((await client.post(url)).json.status), `commit ${failing}`);
    await recover(lab, [client]);
    assert.equal((await client.post(url)).json.status, 'valid', `commit ${failing}`);
  }
  assert.equal((await refs(lab)).length, 2);
});

onBothEngines('I8 an order that waited for the signer for more than a day is ready again, and one that is over by then is invalid', async (lab) => {
  const client = await lab.client();
  const [over, alive] = [await processing(lab, client, 'over.internal'), await processing(lab, client, 'alive.internal')];
  const prolong = (sql: string, id: string) => lab.database.commit([{ statement: rawStatement(sql), values: { id, by: 9 * DAY } }]);
  await prolong('update acme_order set expires = expires + :by where id = :id', idOf(alive.url));
  await prolong("update acme_attempt set valid_until = valid_until + :by where \"authorization\" = :id", idOf(alive.authorization));
  lab.skewMs += 25 * HOUR;
  client.forgetNonces();
  for (const { url } of [over, alive]) assert.equal((await client.post(url)).json.status, 'processing');
  assert.equal(await recover(lab, [client]), 2);
  assert.deepEqual(await refs(lab), [], 'nothing is signed on proofs of so long ago without being asked for again');
  const { status, error } = (await client.post(over.url)).json;
  assert.equal(status, 'invalid');
  assert.match(error.detail, /expired/);
  const { json } = await client.post(alive.url);
  assert.equal(json.status, 'ready');
  assert.equal((await client.post(json.finalize, { csr: csrFor('alive.internal') })).json.status, 'valid');
  assert.ok((await client.issue(['over.internal'], () => {})).pem);
});

onBothEngines('an account that was revoked while its order was processing gets no certificate from recovery', async (lab) => {
  const [gone, here] = [await lab.client(), await lab.client()];
  await processing(lab, gone, 'gone.internal');
  const { url } = await processing(lab, here, 'here.internal');
  await revoke(lab, gone);
  assert.equal(await recover(lab, [here]), 2);
  assert.deepEqual(await refs(lab), [idOf(url)]);
  assert.equal(await openIntents(lab), 0);
  assert.equal(await recover(lab), 0);
});

onBothEngines('an order with an authorization that was deactivated meanwhile is invalid, not issued by recovery', async (lab) => {
  const client = await lab.client();
  const { url, authorization } = await processing(lab, client, 'deactivated.internal');
  assert.equal((await client.post(authorization, { status: 'deactivated' })).json.status, 'deactivated');
  await recover(lab, [client]);
  assert.deepEqual(await refs(lab), []);
  assert.equal((await client.post(url)).json.status, 'invalid');
});

onBothEngines('an order that renews, and whose claim another has, is ready again and not issued by recovery', async (lab) => {
  const client = await lab.client();
  const { url } = await processing(lab, client, 'claimed.internal');
  const order = { order: idOf(url) };
  const change = (sql: string) => lab.database.commit([{ statement: rawStatement(sql), values: order }]);
  await change(`update acme_order set renews = '{"certificate":"k:01","lineage":"l"}' where id = :order`);
  await recover(lab, [client]);
  assert.equal((await client.post(url)).json.status, 'ready');
  assert.deepEqual(await refs(lab), []);
});

onBothEngines('RFC 8739 §3.1.2 an order canceled while its next certificate is under way: recovery does not issue it', async (lab) => {
  const client = await lab.client();
  const endDate = `${new Date(Date.now() + 10 * DAY).toISOString().slice(0, 19)}Z`;
  const urls: string[] = [];
  for (const name of ['canceled.internal', 'goes-on.internal', 'revoked.internal']) {
    const owner = name.startsWith('revoked') ? await lab.client() : client;
    const { json, headers } = await owner.newOrder([name], { 'auto-renewal': { 'end-date': endDate, lifetime: 86_400 } });
    await owner.authorize(json, 'http-01', () => {});
    assert.equal((await owner.post(json.finalize, { csr: csrFor(name) })).json.status, 'valid');
    urls.push(headers['location'] as string);
    if (owner !== client) {
      lab.skewMs += 12 * HOUR;
      lab.software.signing = 'unavailable';
      await lab.acme.renewOrders();
      await revoke(lab, owner);
    }
  }
  client.forgetNonces();
  assert.equal(await openIntents(lab), 3);
  assert.equal((await client.post(urls[0] as string, { status: 'canceled' })).json.status, 'canceled');
  await recover(lab);
  assert.deepEqual((await refs(lab)).slice(3), [`${idOf(urls[1] as string)}/1`]);
  assert.equal(await openIntents(lab), 0);
}, { directory: { star: { minLifetimeMs: HOUR, maxDurationMs: 30 * DAY, certificateGet: true } } });

const changeKeyOf = (client: AcmeClient, key: KeyPair): Promise<Answer> =>
  client.post(client.directory.keyChange, signJws(key, { alg: key.type, jwk: jwkOf(key), url: client.directory.keyChange }, { account: client.account, oldKey: jwkOf(client.key) }));

/** A finalize request that waits for CAA; `go` lets it go on, to its answer. */
async function waiting(lab: DoorLab, client: AcmeClient, name: string, key?: KeyPair): Promise<{ url: string; authorization: string; go: () => Promise<Answer> }> {
  const { json, headers } = await client.newOrder([name]);
  await client.authorize(json, 'http-01', () => {});
  const [asked, told] = [Promise.withResolvers<void>(), Promise.withResolvers<typeof SUCCESS>()];
  lab.checkCaa = () => {
    asked.resolve();
    return told.promise;
  };
  const done = client.post(json.finalize, { csr: csrFor(name, key) });
  await asked.promise;
  lab.checkCaa = () => SUCCESS;
  const go = (): Promise<Answer> => {
    told.resolve(SUCCESS);
    return done;
  };
  return { url: headers['location'] as string, authorization: json.authorizations[0] as string, go };
}

onBothEngines('R8 a finalize that waits for CAA issues nothing when its account is revoked or an authorization deactivated meanwhile', async (lab) => {
  const [client, other] = [await lab.client(), await lab.client()];
  const first = await waiting(lab, client, 'deactivated.internal');
  assert.equal((await client.post(first.authorization, { status: 'deactivated' })).status, 200);
  refused(await first.go(), 403, 'orderNotReady', /invalid, not ready/);
  const second = await waiting(lab, other, 'revoked.internal');
  await revoke(lab, other);
  refused(await second.go(), 403, 'unauthorized', /revoked/);
  const third = await waiting(lab, client, 'quitting.internal');
  assert.equal((await client.post(client.account as string, { status: 'deactivated' })).status, 200);
  refused(await third.go(), 401, 'unauthorized', /deactivated/);
  assert.deepEqual(await refs(lab), []);
  assert.equal(await openIntents(lab), 0);
}, { directory: { caa: 'all' } });

onBothEngines('F-07 a key that becomes an account’s while finalize waits for CAA is not certified', async (lab) => {
  const [client, key] = [await lab.client(), newKey()];
  const { url, go } = await waiting(lab, client, 'key.internal', key);
  await AcmeClient.registered(lab.send, lab.directoryUrl, key);
  refused(await go(), 400, 'badCSR', /key of an account/);
  assert.equal((await client.post(url)).json.status, 'ready');
  assert.deepEqual(await refs(lab), []);
}, { directory: { caa: 'all' } });

onBothEngines('A-11, §11.1 the key of a certificate that is being signed makes no account, and no account changes to it', async (lab) => {
  const [client, key] = [await lab.client(), newKey()];
  const { url } = await processing(lab, client, 'under-way.internal', key);
  const stranger = await new AcmeClient(lab.send, lab.directoryUrl, key).open();
  refused(await stranger.newAccount({ termsOfServiceAgreed: true }), 400, 'badPublicKey', /that of a certificate/);
  refused(await changeKeyOf(await lab.client(), key), 400, 'badPublicKey', /that of a certificate/);
  await recover(lab, [client]);
  assert.equal((await client.post(url)).json.status, 'valid');
});

onBothEngines('R2, F-07 of a newAccount and a finalize at once with one key, one is refused', async (lab) => {
  const client = await lab.client();
  for (let round = 0; round < 8; round += 1) {
    const key = newKey();
    const { json } = await client.newOrder([`race-${round}.internal`]);
    await client.authorize(json, 'http-01', () => {});
    const stranger = await new AcmeClient(lab.send, lab.directoryUrl, key).open();
    const [account, order] = await Promise.all([
      stranger.newAccount({ termsOfServiceAgreed: true }), client.post(json.finalize, { csr: csrFor(`race-${round}.internal`, key) }),
    ]);
    assert.ok(account.status === 400 || order.status === 400, `account ${account.status}, order ${order.status}`);
    for (const answer of [account, order]) if (answer.status === 400) refused(answer, 400, answer === account ? 'badPublicKey' : 'badCSR');
  }
});
