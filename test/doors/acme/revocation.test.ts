/** RFC 8555 §7.6: revocation by who got a certificate, by who controls its names, by who has its key. Rows R of the conformance list. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { rawStatement } from '../../../src/database/statement.ts';
import { AcmeClient, type Answer, type KeyPair, type KeyType, newKey } from '../../support/acme-client.ts';
import { type DoorLab, SUCCESS } from '../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../support/acme-engines.ts';
import { refused } from '../../support/acme-refusal.ts';
import { namedCertificate } from '../../support/cert-id.ts';
import { buildCsr } from '../../support/csr.ts';

withPostgres();

interface Had {
  readonly der: Buffer;
  readonly serial: string;
  readonly key: KeyPair;
}

async function issued(client: AcmeClient, names: readonly string[], type?: KeyType): Promise<Had> {
  const challenge = names.some((name) => name.startsWith('*.')) ? 'dns-01' : 'http-01';
  const { pem, key } = await client.issue(names, () => {}, { type: challenge, ...(type === undefined ? {} : { key: newKey(type) }) });
  return { der: new X509Certificate(pem).raw, serial: namedCertificate(pem).serial, key };
}

const revoke = (client: AcmeClient, { der }: Pick<Had, 'der'>, reason?: unknown): Promise<Answer> =>
  client.post(client.directory.revokeCert, { certificate: der.toString('base64url'), ...(reason === undefined ? {} : { reason }) });

/** Signs with the certificate's own key, as somebody without an account. */
async function revokeByKey(lab: DoorLab, { der, key }: Had, reason?: number): Promise<Answer> {
  const holder = await new AcmeClient(lab.send, lab.directoryUrl, key).open();
  const payload = { certificate: der.toString('base64url'), ...(reason === undefined ? {} : { reason }) };
  return holder.post(holder.directory.revokeCert, payload, { byKey: true });
}

const statusOf = (lab: DoorLab, { serial }: Had) => lab.software.ca.statusOf('development-1', serial);
const prove = async (client: AcmeClient, names: readonly string[], type = 'http-01') => {
  const { json } = await client.newOrder(names);
  await client.authorize(json, type, () => {});
};

onBothEngines('R-01, R-05, R-11, P#504 the account that got it revokes it, once', async (lab) => {
  const client = await lab.client();
  const had = await issued(client, ['r.internal']);
  assert.deepEqual(await statusOf(lab, had), { kind: 'good' });
  const answer = await revoke(client, had);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text, '');
  assert.ok(answer.headers['replay-nonce']);
  const status = await statusOf(lab, had);
  assert.equal(status.kind === 'revoked' && status.reason, 'unspecified');
  refused(await revoke(client, had), 400, 'alreadyRevoked');
  refused(await revoke(client, had, 4), 400, 'alreadyRevoked');
});

onBothEngines('R-02, R-12, 6.8 another account revokes it when it controls every name, and gives no reason about its key', async (lab) => {
  const owner = await lab.client();
  const had = await issued(owner, ['a.internal', '*.b.internal']);
  const withAddress = await issued(owner, ['c.internal', '10.1.1.1']);
  const other = await lab.client();
  for (const each of [had, withAddress]) refused(await revoke(other, each), 403, 'unauthorized', /another account/);
  await prove(other, ['a.internal', 'b.internal', 'c.internal']);
  refused(await revoke(other, had), 403, 'unauthorized'); // the wildcard is missing
  refused(await revoke(other, withAddress), 403, 'unauthorized'); // and the address
  await prove(other, ['*.b.internal'], 'dns-01');
  await prove(other, ['10.1.1.1']);
  refused(await revoke(other, had, 1), 400, 'badRevocationReason', /one of 0, 3, 4, 5 here/);
  assert.equal((await revoke(other, had, 5)).status, 200);
  assert.equal((await revoke(other, withAddress)).status, 200);
});

onBothEngines('R-02, D-05 control does not count once it is given back or has expired, nor in another directory', async (lab) => {
  const owner = await lab.client();
  const had = await issued(owner, ['a.internal']);
  const other = await lab.client();
  const elsewhere = await AcmeClient.registered(lab.send, lab.directoryUrl.replace('/acme/', '/acme/d/other/'));
  for (const client of [other, elsewhere]) await prove(client, ['a.internal']);
  refused(await revoke(elsewhere, had), 403, 'unauthorized');
  const { json } = await other.newOrder(['a.internal']);
  assert.equal((await other.post(json.authorizations[0], { status: 'deactivated' })).status, 200);
  refused(await revoke(other, had), 403, 'unauthorized');
  await prove(other, ['a.internal']);
  lab.skewMs += 25 * 3_600_000;
  for (const client of [other, owner]) client.forgetNonces();
  refused(await revoke(other, had), 403, 'unauthorized');
  assert.equal((await revoke(owner, had)).status, 200);
}, { directories: [{ name: 'other' }] });

onBothEngines('R-03 whoever has the key revokes, without an account', async (lab) => {
  const client = await lab.client();
  for (const type of ['ES256', 'ES384', 'RS256'] as const) {
    const had = await issued(client, [`${type.toLowerCase()}.internal`], type);
    refused(await revokeByKey(lab, { ...had, key: newKey(type) }), 403, 'unauthorized', /not the key/);
    refused(await revokeByKey(lab, { ...had, key: client.key }), 403, 'unauthorized'); // an account's key is no account
    assert.equal((await revokeByKey(lab, had)).status, 200);
  }
});

onBothEngines('R-03, R-05, R-06, GK-6 a key that is said to be compromised is blocked, also after another reason, and can still say so', async (lab) => {
  const client = await lab.client();
  const key = newKey();
  const [first, second] = [
    await client.issue(['k1.internal'], () => {}, { key }), await client.issue(['k2.internal'], () => {}, { key }),
  ].map(({ pem }): Had => ({ der: new X509Certificate(pem).raw, serial: namedCertificate(pem).serial, key })) as [Had, Had];
  assert.equal((await revoke(client, first, 4)).status, 200);
  assert.equal((await revokeByKey(lab, first, 1)).status, 200);
  for (const each of [first, second]) {
    const status = await statusOf(lab, each);
    assert.equal(status.kind === 'revoked' && status.reason, 'keyCompromise');
  }
  refused(await revokeByKey(lab, second, 1), 400, 'alreadyRevoked');
  await assert.rejects(client.issue(['k3.internal'], () => {}, { key }), /badCSR/);
});

onBothEngines('R-04, R-08 only the DER of a certificate of ours, whole', async (lab) => {
  const client = await lab.client();
  const had = await issued(client, ['d.internal']);
  const send = (certificate: unknown) => client.post(client.directory.revokeCert, { certificate });
  for (const bad of [undefined, null, 7, '', 'AA', `${had.der.toString('base64url')}=`, had.der.toString('base64'), '-----BEGIN CERTIFICATE-----', {}]) {
    refused(await send(bad), 400, 'malformed');
  }
  refused(await send(Buffer.concat([had.der, Buffer.from([0])]).toString('base64url')), 400, 'malformed');
  const changed = Buffer.from(had.der);
  changed[changed.length - 1] = (changed.at(-1) as number) ^ 1; // the signature: same serial, same issuer
  refused(await send(changed.toString('base64url')), 404, 'malformed');
  refused(await send(Buffer.from(lab.software.root).toString('base64url')), 404, 'malformed');
  refused(await client.post(client.directory.revokeCert), 400, 'malformed');
  assert.deepEqual(await statusOf(lab, had), { kind: 'good' });
});

onBothEngines('R-06 reasons are those that a subscriber may give', async (lab) => {
  const client = await lab.client();
  const had = await issued(client, ['e.internal']);
  for (const reason of [2, 6, 7, 8, 9, 10, 11, -1, 1e9]) refused(await revoke(client, had, reason), 400, 'badRevocationReason', /one of 0, 1, 3, 4, 5 here/);
  for (const reason of ['1', 1.5, {}, [], true]) refused(await revoke(client, had, reason), 400, 'malformed');
  assert.deepEqual(await statusOf(lab, had), { kind: 'good' });
  for (const [reason, word] of [[0, 'unspecified'], [1, 'keyCompromise'], [3, 'affiliationChanged'], [4, 'superseded'], [5, 'cessationOfOperation']] as const) {
    const each = await issued(client, [`e${reason}.internal`]);
    assert.equal((await revoke(client, each, reason)).status, 200);
    const status = await statusOf(lab, each);
    assert.equal(status.kind === 'revoked' && status.reason, word);
  }
});

onBothEngines('R-06, GK-6 an account that never had the key has nothing blocked, and nobody else\'s certificate revoked', async (lab) => {
  const victim = await lab.client();
  const key = newKey();
  const seen = buildCsr({ ...key, names: [{ type: 'dns', value: 'shared.internal' }] }).toString('base64url');
  const { pem } = await victim.issue(['also-theirs.internal'], () => {}, { key });
  const other = { der: new X509Certificate(pem).raw, serial: namedCertificate(pem).serial, key };
  const replayer = await lab.client();
  const { json } = await replayer.newOrder(['shared.internal']);
  await replayer.authorize(json, 'http-01', () => {});
  const { json: order } = await replayer.post(json.finalize, { csr: seen });
  const got = (await replayer.post(order.certificate)).text;
  const had = { der: new X509Certificate(got).raw, serial: namedCertificate(got).serial, key };
  assert.equal((await revoke(replayer, had, 1)).status, 200);
  const status = await statusOf(lab, had);
  assert.equal(status.kind === 'revoked' && status.reason, 'keyCompromise');
  assert.deepEqual(await statusOf(lab, other), { kind: 'good' });
  const again = await victim.issue(['again.internal'], () => {}, { key });
  refused(await revoke(replayer, had, 1), 400, 'alreadyRevoked');
  assert.equal((await revokeByKey(lab, had, 1)).status, 200, 'who has the key can still have it blocked');
  for (const serial of [other.serial, namedCertificate(again.pem).serial]) assert.equal((await statusOf(lab, { ...other, serial })).kind, 'revoked');
  await assert.rejects(victim.issue(['never.internal'], () => {}, { key }), /badCSR/);
});

onBothEngines('R-07 an expired certificate is not revoked, but who has its key may still have it blocked', async (lab) => {
  const client = await lab.client();
  const had = await issued(client, ['x.internal']);
  lab.skewMs += 400 * 86_400_000;
  client.forgetNonces();
  for (const reason of [0, 1]) refused(await revoke(client, had, reason), 403, 'unauthorized', /expired/);
  assert.equal((await revokeByKey(lab, had, 1)).status, 200);
});

onBothEngines('R-09 a certificate that renews itself is canceled, not revoked', async (lab) => {
  const client = await lab.client();
  const until = `${new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 19)}Z`;
  const { json } = await client.newOrder(['s.internal'], { 'auto-renewal': { 'end-date': until, lifetime: 86_400 } });
  await client.authorize(json, 'http-01', () => {});
  const key = newKey();
  const csr = buildCsr({ ...key, names: [{ type: 'dns', value: 's.internal' }] }).toString('base64url');
  const { json: order } = await client.post(json.finalize, { csr });
  const { text: pem } = await client.post(order['star-certificate']);
  const had = { der: new X509Certificate(pem).raw, serial: namedCertificate(pem).serial, key };
  refused(await revoke(await lab.client(), had), 403, 'unauthorized');
  refused(await revoke(client, had, 1), 403, 'autoRenewalRevocationNotSupported', /cancel/);
  refused(await revokeByKey(lab, had), 403, 'autoRenewalRevocationNotSupported');
  assert.deepEqual(await statusOf(lab, had), { kind: 'good' });
}, { directory: { star: { minLifetimeMs: 3_600_000, maxDurationMs: 30 * 86_400_000, certificateGet: true } } });

onBothEngines('R-10, R8 of twenty at once, over two fronts, one revokes', async (lab) => {
  const client = await lab.client();
  const had = await issued(client, ['n.internal']);
  const fronts = [lab.send, (await lab.front('front-2')).send];
  const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => AcmeClient.registered(fronts[n % 2] ?? lab.send, lab.directoryUrl, client.key)));
  const answers = await Promise.all(clients.map((each) => revoke(each, had, 4)));
  for (const answer of answers) if (answer.status !== 200) refused(answer, 400, 'alreadyRevoked');
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  const rows = await lab.database.many(rawStatement("select id from audit_entry where type = 'certificate.revoked'"));
  assert.equal(rows.length, 1);
});

onBothEngines('R-13, U-05 a deactivated account revokes nothing, the key still does', async (lab) => {
  const client = await lab.client();
  const had = await issued(client, ['g.internal']);
  await client.post(client.account as string, { status: 'deactivated' });
  refused(await revoke(client, had), 401, 'unauthorized');
  assert.deepEqual(await statusOf(lab, had), { kind: 'good' });
  assert.equal((await revokeByKey(lab, had)).status, 200);
});

onBothEngines('J-12 revocation is signed by an account or by a key, never by both', async (lab) => {
  const client = await lab.client();
  const had = await issued(client, ['h.internal']);
  const payload = { certificate: had.der.toString('base64url') };
  refused(await client.post(client.directory.revokeCert, payload, { header: { kid: client.account, jwk: had.key.publicKey.export({ format: 'jwk' }) } }), 400, 'malformed');
  refused(await client.post(client.directory.revokeCert, payload, { header: { kid: undefined } }), 400, 'malformed');
  lab.validate = () => SUCCESS;
  assert.equal((await revoke(client, had)).status, 200);
});

onBothEngines('X-05 a revoked certificate can still be had', async (lab) => {
  const client = await lab.client();
  const { order, pem } = await client.issue(['i.internal'], () => {});
  assert.equal((await revoke(client, { der: new X509Certificate(pem).raw })).status, 200);
  const again = await client.post(order.certificate as string);
  assert.equal(again.status, 200);
  assert.equal(again.text, pem);
});
