/** RFC 8555 §7.4, §7.4.2: finalize, what becomes of it, and the certificate. Rows F, S and X of the conformance list. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import type { Name } from '../../../src/x509/name.ts';
import { type AcmeClient, newKey, type OrderBody } from '../../support/acme-client.ts';
import { openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr, extension, wantsToBeCa } from '../../support/csr.ts';

const dns = (value: string): Name => ({ type: 'dns', value });
const f = dns('f.internal');

/** An order whose authorizations are all valid. */
async function readyOrder(client: AcmeClient, ...names: string[]) {
  const { json, headers } = await client.newOrder(names.length === 0 ? ['f.internal'] : names);
  const order = json as OrderBody;
  for (const url of order.authorizations) {
    const { json: authorization } = await client.post(url);
    await client.post(authorization.challenges[0].url, {});
  }
  return { order, orderUrl: headers['location'] as string };
}

const csrFor = (wishes: Partial<Parameters<typeof buildCsr>[0]> = {}): string =>
  buildCsr({ ...newKey(), names: [f], ...wishes }).toString('base64url');

test('F-10, S-02, O-21, X-01, X-06, ER-3, A2C#37: a good CSR is a valid order at once, and a chain in strict PEM', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, orderUrl } = await readyOrder(client);
  const key = newKey();
  const answer = await client.post(order.finalize, { csr: csrFor(key) });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['location'], orderUrl);
  assert.deepEqual(answer.json, { ...order, status: 'valid', certificate: answer.json.certificate });
  assert.deepEqual((await client.post(orderUrl)).json, answer.json);

  const download = await client.post(answer.json.certificate);
  assert.equal(download.status, 200);
  assert.equal(download.headers['content-type'], 'application/pem-certificate-chain');
  assert.equal(download.headers['cache-control'], 'no-store');
  assert.ok(download.headers['replay-nonce']);
  assert.match(download.text, /^(-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/=]{1,64}\n-----END CERTIFICATE-----\n){2}$/);
  const [leaf, issuer] = download.text.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g)?.map((pem) => new X509Certificate(pem)) ?? [];
  assert.equal(leaf?.subjectAltName, 'DNS:f.internal');
  assert.ok(leaf?.publicKey.equals(key.publicKey));
  assert.ok(issuer && leaf.verify(issuer.publicKey));
  assert.ok(issuer.verify(new X509Certificate(lab.software.root).publicKey));
  assert.ok(Number.parseInt(leaf.serialNumber.slice(0, 2), 16) < 0x80 && leaf.serialNumber.length <= 40);
});

test('F-01, G-14, S#939: the CSR is base64url of DER and nothing more; padding alone is let pass', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, orderUrl } = await readyOrder(client);
  const der = buildCsr({ ...newKey(), names: [f] });
  const base64 = der.toString('base64');
  refused(await client.post(order.finalize, {}), 400, 'malformed');
  refused(await client.post(order.finalize, { csr: 7 }), 400, 'malformed');
  refused(await client.post(order.finalize), 400, 'malformed');
  for (const csr of ['', 'AAAA', `-----BEGIN CERTIFICATE REQUEST-----\n${base64}\n-----END CERTIFICATE REQUEST-----\n`, ` ${der.toString('base64url')}`,
    Buffer.concat([der, Buffer.of(0)]).toString('base64url'), der.subarray(0, -1).toString('base64url')]) {
    refused(await client.post(order.finalize, { csr }), 400, 'badCSR');
  }
  assert.equal((await client.post(orderUrl)).json.status, 'ready');
  const padded = `${der.toString('base64url')}${'='.repeat((4 - (der.toString('base64url').length % 4)) % 4)}`;
  assert.equal((await client.post(order.finalize, { csr: padded })).json.status, 'valid');
});

test('F-02, S#orderNotReady: only a ready order is finalized', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { json: pending } = await client.newOrder(['f.internal']);
  refused(await client.post(pending.finalize, { csr: csrFor() }), 403, 'orderNotReady', /pending/);
  const { order } = await readyOrder(client);
  const csr = csrFor();
  assert.equal((await client.post(order.finalize, { csr })).status, 200);
  refused(await client.post(order.finalize, { csr }), 403, 'orderNotReady', /valid/);
});

test('F-03 to F-07, F-09, F-12, Q-04, O#20633: a CSR that is not what was ordered is refused, the order stays ready, and a good one still works', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, orderUrl } = await readyOrder(client, 'f.internal', '10.1.1.1');
  const names: Name[] = [f, { type: 'ip', value: '10.1.1.1' }];
  const cases: [string, string, RegExp?][] = [
    ['F-03 signature', csrFor({ names, breakSignature: true }), /signature/],
    ['F-03 SHA-1', csrFor({ ...newKey('RS256'), names, hash: 'sha1' }), /SHA-1/],
    ['F-04 missing', csrFor({ names: [f] }), /lacks ip:10\.1\.1\.1/],
    ['F-04 extra', csrFor({ names: [...names, dns('g.internal')] }), /dns:g\.internal, not in the order/],
    ['F-04 other', csrFor({ names: [dns('g.internal')] }), /lacks/],
    ['F-04 none', csrFor({ names: [] }), /lacks/],
    ['F-04 common name', csrFor({ names, commonName: 'g.internal' }), /g\.internal/],
    ['F-04 common name of a person', csrFor({ names, commonName: 'Alice' }), /alice|Alice/],
    ['F-05 mail', csrFor({ names: [...names, { type: 'email', value: 'a@b.c' }] })],
    ['F-05 URI', csrFor({ names: [...names, { type: 'uri', value: 'spiffe://x/y' }] })],
    ['F-05 CA:TRUE', csrFor({ names, extensions: [wantsToBeCa()] }), /CA/],
    ['F-05 critical and unknown', csrFor({ names, extensions: [extension('1.2.3.4', true, Buffer.of(5, 0))] }), /critical/],
    ['F-06 P-521', csrFor({ ...newKey('ES512'), names })],
    ['F-07 account key', csrFor({ ...client.key, names }), /key of an account/],
    ['F-07 another account\'s key', csrFor({ ...(await lab.client()).key, names }), /key of an account/],
    ['F-09 wildcard', csrFor({ names: [dns('*.internal'), ...names] })],
  ];
  for (const [what, csr, detail] of cases) {
    const answer = await client.post(order.finalize, { csr });
    assert.equal(answer.json.type, 'urn:ietf:params:acme:error:badCSR', `${what}: ${answer.text}`);
    assert.equal(answer.status, 400, what);
    if (detail !== undefined) assert.match(answer.json.detail, detail, what);
    assert.equal((await client.post(orderUrl)).json.status, 'ready', what);
  }
  assert.equal(lab.software.signatures, 0);
  const good = csrFor({ names: [...names].reverse(), commonName: 'F.internal', extensions: [extension('1.2.3.4', false, Buffer.of(5, 0))] });
  assert.equal((await client.post(order.finalize, { csr: good })).json.status, 'valid');
});

test('F-08, A2C#csr-profile: what a CSR says beside names and key is passed over, a common name of no use as well; a huge one is refused', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, orderUrl } = await readyOrder(client);
  refused(await client.post(order.finalize, { csr: csrFor({ names: [f], extensions: [extension('1.2.3.4', false, Buffer.alloc(60_000))] }) }), 413, 'malformed');
  assert.equal((await client.post(orderUrl)).json.status, 'ready');
  const long = `${'x'.repeat(60)}.internal`;
  const { json } = await client.post(order.finalize, { csr: csrFor({ names: [f], commonName: long, challengePassword: 'open sesame' }) });
  assert.equal(json.status, 'valid', JSON.stringify(json));
  const { subject, subjectAltName } = new X509Certificate((await client.post(json.certificate)).text);
  assert.deepEqual([subject, subjectAltName], [undefined, 'DNS:f.internal']);
});

test('F-04: the wildcard of a wildcard order, in any case', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { pem } = await client.issue(['*.w.internal', 'w.internal'], () => {}, { type: 'dns-01' });
  assert.equal(new X509Certificate(pem).subjectAltName, 'DNS:*.w.internal, DNS:w.internal');
});

test('F-11, R4: of 20 finalize requests at once, with different keys, there is one certificate', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, orderUrl } = await readyOrder(client);
  const keys = Array.from({ length: 20 }, () => newKey());
  const answers = await Promise.all(keys.map((key) => client.post(order.finalize, { csr: csrFor(key) })));
  const won = answers.flatMap((answer, i) => (answer.json.status === 'valid' ? [i] : []));
  for (const answer of answers) {
    if (answer.status === 200) assert.ok(['valid', 'processing'].includes(answer.json.status), answer.text);
    else refused(answer, 403, 'orderNotReady');
  }
  const { json } = await client.post(orderUrl);
  assert.equal(json.status, 'valid');
  assert.equal(lab.software.signatures, 1);
  const leaf = new X509Certificate((await client.post(json.certificate)).text);
  assert.deepEqual(won.map((i) => leaf.publicKey.equals(keys[i]?.publicKey as never)), [true], 'only the owner of the key is told that it is done');
});

test('S-03, I8: while nothing can be signed the order is processing, and is finished later', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, orderUrl } = await readyOrder(client);
  lab.software.signing = 'hold';
  const started = Date.now();
  const answer = await client.post(order.finalize, { csr: csrFor() });
  assert.ok(Date.now() - started >= 1_900);
  assert.equal(answer.status, 200);
  assert.equal(answer.json.status, 'processing');
  assert.equal('certificate' in answer.json, false);
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
  const poll = await client.post(orderUrl);
  assert.equal(poll.json.status, 'processing');
  assert.match(poll.headers['retry-after'] ?? '', /^\d+$/);
  refused(await client.post(order.finalize, { csr: csrFor() }), 403, 'orderNotReady', /processing/);
  lab.software.release();
  for (let i = 0; i < 100 && (await client.post(orderUrl)).json.status !== 'valid'; i++) await sleep(20);
  const done = await client.post(orderUrl);
  assert.equal(done.json.status, 'valid');
  assert.equal(done.headers['retry-after'], undefined);
  assert.equal((await client.post(done.json.certificate)).status, 200);
});

test('S-03: an unavailable signer is processing, not a failure', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, orderUrl } = await readyOrder(client);
  lab.software.signing = 'unavailable';
  assert.equal((await client.post(order.finalize, { csr: csrFor() })).json.status, 'processing');
  assert.equal((await client.post(orderUrl)).json.status, 'processing');
});

test('F-14: what the signer refuses leaves the order ready', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, orderUrl } = await readyOrder(client);
  lab.software.signing = 'refuse';
  refused(await client.post(order.finalize, { csr: csrFor() }), 500, 'serverInternal');
  assert.equal((await client.post(orderUrl)).json.status, 'ready');
  lab.software.signing = 'ok';
  assert.equal((await client.post(order.finalize, { csr: csrFor() })).json.status, 'valid');
});

test('F-13, Q-07: what the policy no longer allows is refused at finalize, and a name that it denies now', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order } = await readyOrder(client);
  const directory = lab.generation.directories.get('default');
  assert.ok(directory);
  const before = lab.generation;
  lab.generation = { ...before, directories: new Map([['default', { ...directory, policies: [] }]]) };
  refused(await client.post(order.finalize, { csr: csrFor() }), 400, 'invalidProfile');
  const policy = before.policies.get('private-names');
  assert.ok(policy);
  lab.generation = { ...before, policies: new Map(before.policies).set('private-names', { ...policy, deny: { ...policy.deny, names: ['f.internal'] } }) };
  refused(await client.post(order.finalize, { csr: csrFor() }), 403, 'rejectedIdentifier', /f\.internal/);
  assert.equal(lab.software.signatures, 0);
});

test('F-13: an authorization that expired before finalize', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order } = await readyOrder(client);
  lab.skewMs += 2 * 86_400_000;
  client.forgetNonces();
  refused(await client.post(order.finalize, { csr: csrFor() }), 403, 'orderNotReady', /invalid/);
});

test('X-03, X-05, S-08: the certificate comes as PEM whatever is asked for, and stays', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, pem, orderUrl } = await client.issue(['x.internal'], () => {});
  refused(await client.post(order.certificate as string, {}), 400, 'malformed');
  lab.skewMs += 30 * 86_400_000;
  client.forgetNonces();
  const { json } = await client.post(orderUrl);
  assert.equal(json.status, 'valid');
  assert.equal((await client.post(json.certificate)).text, pem);
  refused(await client.post(`${order.certificate?.slice(0, -4)}0000`), 404, 'malformed');
});

test('O-09: a hundred names are issued in one order', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const names = Array.from({ length: 100 }, (_, i) => `host-${i}.many.internal`);
  const { pem } = await client.issue(names, () => {});
  assert.equal(new X509Certificate(pem).subjectAltName?.split(', ').length, 100);
});

test('the evidence holds the request itself and the proofs', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  await client.issue(['evidence.internal'], () => {});
  const { rawStatement } = await import('../../../src/database/statement.ts');
  const row = await lab.database.one<{ body: string }>(rawStatement('select body from evidence'), {});
  const { request, authorizations } = JSON.parse(row?.body ?? '{}');
  assert.deepEqual(JSON.parse(Buffer.from(request.protected, 'base64url').toString()).kid, client.account);
  assert.ok(request.payload && request.signature && request.jwk.kty);
  assert.equal(authorizations[0].challenge, 'http-01');
  assert.deepEqual(authorizations[0].identifier, dns('evidence.internal'));
  assert.deepEqual(authorizations[0].seen, { type: 'http-01', at: 0, ms: 1 });
});
