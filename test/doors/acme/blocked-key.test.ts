/** Keys that nobody may use: blocked by the CA, or on the operator's list. Rows GK-3 and GK-5 of the conformance list. */
import assert from 'node:assert/strict';
import { rawStatement } from '../../../src/database/statement.ts';
import { spkiSha256 } from '../../../src/x509/public-key.ts';
import { AcmeClient, type KeyPair, newKey, nameOf, type OrderBody, signJws, jwkOf } from '../../support/acme-client.ts';
import type { DoorLab } from '../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../support/acme-engines.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';

withPostgres();

const HOUR = 3_600_000;
const star = { minLifetimeMs: HOUR, maxDurationMs: 30 * 24 * HOUR, certificateGet: false };

const digestOf = ({ publicKey }: KeyPair): string => spkiSha256(publicKey.export({ type: 'spki', format: 'der' }));

const insertBlocked = rawStatement(
  "insert into blocked_key (realm, spki_sha256, blocked_at, door, requester_kind, requester_id) values ('default', :digest, 0, 'test', 'test', 'test')");

/** The two ways in which a key comes to be blocked. */
const WAYS: Readonly<Record<string, (lab: DoorLab, key: KeyPair) => Promise<void>>> = {
  'by the CA': async (lab, key) => { await lab.database.commit([{ statement: insertBlocked, values: { digest: digestOf(key) }, rows: 1 }]); },
  'by the operator’s list': async (lab, key) => { lab.generation = { ...lab.generation, blockedKeys: new Set([digestOf(key)]) }; },
};

for (const [way, block] of Object.entries(WAYS)) {
  onBothEngines(`GK-3, GK-5: a key that is blocked ${way} gets no account`, async (lab) => {
    const key = newKey();
    await block(lab, key);
    refused(await new AcmeClient(lab.send, lab.directoryUrl, key).newAccount(), 400, 'badPublicKey', /is blocked/);
    assert.equal((await new AcmeClient(lab.send, lab.directoryUrl).newAccount()).status, 201);
  });

  onBothEngines(`GK-5: an account whose key is blocked ${way} orders nothing, and can change its key to one that is not`, async (lab) => {
    const client = await lab.client();
    await block(lab, client.key);
    refused(await client.newOrder(['a.internal']), 400, 'badPublicKey', /is blocked/);
    const rows = await lab.database.many(rawStatement('select id from acme_order'), {});
    assert.equal(rows.length, 0);

    const rollover = async (to: KeyPair) => {
      const url = client.directory.keyChange as string;
      const payload = { account: client.account, oldKey: jwkOf(client.key) };
      return client.post(url, signJws(to, { alg: to.type, jwk: jwkOf(to), url }, payload));
    };
    const blocked = newKey();
    if (way === 'by the CA') await block(lab, blocked);
    else lab.generation = { ...lab.generation, blockedKeys: new Set([digestOf(client.key), digestOf(blocked)]) };
    refused(await rollover(blocked), 400, 'badPublicKey', /is blocked/);
    const fresh = newKey();
    assert.equal((await rollover(fresh)).status, 200);
    const renewed = new AcmeClient(lab.send, lab.directoryUrl, fresh);
    await renewed.newAccount({ onlyReturnExisting: true });
    assert.equal((await renewed.newOrder(['a.internal'])).status, 201);
  });

  onBothEngines(`T-INC-18, GK-3: a key that is blocked ${way} gets no certificate, and the order stays ready`, async (lab) => {
    const client = await lab.client();
    const key = newKey();
    const { json } = await client.newOrder(['a.internal']);
    const order = json as OrderBody;
    await client.authorize(order, 'http-01', () => {});
    const finalize = (subject: KeyPair) => client.post(order.finalize, { csr: buildCsr({ ...subject, names: [nameOf('a.internal')] }).toString('base64url') });
    await block(lab, key);
    refused(await finalize(key), 400, 'badCSR', /block/);
    assert.equal((await finalize(newKey())).json.status, 'valid');
  });

  onBothEngines(`GK-5: what is ready is not finalized while the account’s key is blocked ${way}, and is with another key of the account`, async (lab) => {
    const client = await lab.client();
    const { json } = await client.newOrder(['a.internal']);
    const order = json as OrderBody;
    await client.authorize(order, 'http-01', () => {});
    const csr = buildCsr({ ...newKey(), names: [nameOf('a.internal')] }).toString('base64url');
    await block(lab, client.key);
    refused(await client.post(order.finalize, { csr }), 400, 'badPublicKey', /The account key is blocked/);
    assert.equal(lab.software.signatures, 0);
    const renewed = await rolledOver(lab, client);
    assert.equal((await renewed.post(order.finalize, { csr })).json.status, 'valid');
  });

  onBothEngines(`GK-5, ST-04: an order does not renew itself while its account’s key is blocked ${way}, and does again with another`, async (lab) => {
    const client = await lab.client();
    await renewing(lab, client);
    await block(lab, client.key);
    lab.skewMs += 11 * HOUR;
    assert.equal(await lab.acme.renewOrders(), 0);
    client.forgetNonces();
    await rolledOver(lab, client);
    lab.skewMs += 2 * HOUR;
    assert.equal(await lab.acme.renewOrders(), 1);
  }, { directory: { star } });

  onBothEngines(`GK-3, ST-04: an order does not renew itself once the key of its certificate is blocked ${way}`, async (lab) => {
    const client = await lab.client();
    await block(lab, await renewing(lab, client));
    for (let hours = 11; hours < 200; hours += 20) {
      lab.skewMs += 20 * HOUR;
      assert.equal(await lab.acme.renewOrders(), 0);
    }
    assert.equal(lab.software.signatures, 1);
  }, { directory: { star } });
}

/** The account with a key that nobody has blocked. */
async function rolledOver(lab: DoorLab, client: AcmeClient): Promise<AcmeClient> {
  const [url, to] = [client.directory.keyChange as string, newKey()];
  assert.equal((await client.post(url, signJws(to, { alg: to.type, jwk: jwkOf(to), url }, { account: client.account, oldKey: jwkOf(client.key) }))).status, 200);
  const renewed = new AcmeClient(lab.send, lab.directoryUrl, to);
  await renewed.newAccount({ onlyReturnExisting: true });
  return renewed;
}

/** An order that renews itself, finalized; the key of its certificates. */
async function renewing(lab: DoorLab, client: AcmeClient): Promise<KeyPair> {
  const end = `${new Date(Date.now() + lab.skewMs + 10 * 24 * HOUR).toISOString().slice(0, 19)}Z`;
  const { json } = await client.newOrder(['s.internal'], { 'auto-renewal': { 'end-date': end, lifetime: 86_400 } });
  await client.authorize(json as OrderBody, 'http-01', () => {});
  const key = newKey();
  assert.equal((await client.post(json.finalize, { csr: buildCsr({ ...key, names: [nameOf('s.internal')] }).toString('base64url') })).json.status, 'valid');
  return key;
}
