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

  onBothEngines(`GK-3: a key that is blocked ${way} gets no certificate, and the order stays ready`, async (lab) => {
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
}
