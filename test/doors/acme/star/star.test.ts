/** RFC 8739: orders that renew themselves. Rows ST-01 to ST-04 on both engines; what follows a crash or a change of mind as well. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { Directory } from '../../../../src/config/generation.ts';
import { changeAccount } from '../../../../src/doors/acme/accounts/operate.ts';
import { isOfRenewingOrder } from '../../../../src/doors/acme/star/store.ts';
import { rawStatement } from '../../../../src/database/statement.ts';
import type { AcmeClient } from '../../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../../support/acme-engines.ts';
import { refused } from '../../../support/acme-refusal.ts';
import { buildCsr } from '../../../support/csr.ts';
import { newKey } from '../../../support/acme-client.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const star = { minLifetimeMs: HOUR, maxDurationMs: 30 * DAY, certificateGet: true };
withPostgres();

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const at = (lab: DoorLab): number => Date.now() + lab.skewMs;
const wish = (lab: DoorLab, more: object = {}) => ({ 'auto-renewal': { 'end-date': iso(at(lab) + 10 * DAY), lifetime: 86_400, ...more } });
const first = (pem: string): X509Certificate => new X509Certificate(pem);
const span = ({ validFrom, validTo }: X509Certificate): [number, number] => [Date.parse(validFrom), Date.parse(validTo)];

/** An order that is finalized; its URLs. */
async function renewing(lab: DoorLab, client: AcmeClient, more: object = {}, extra: object = {}) {
  const ordered = await client.newOrder(['s.internal'], { ...wish(lab, more), ...extra });
  assert.equal(ordered.status, 201, ordered.text);
  await client.authorize(ordered.json, 'http-01', () => {});
  const key = newKey();
  const csr = buildCsr({ ...key, names: [{ type: 'dns', value: 's.internal' }] }).toString('base64url');
  const { json } = await client.post(ordered.json.finalize, { csr });
  assert.equal(json.status, 'valid', JSON.stringify(json));
  return { url: ordered.headers['location'] as string, order: json, starUrl: json['star-certificate'] as string, key };
}

/** Time passes, and with it the clients' nonces. */
const wait = (lab: DoorLab, client: AcmeClient, ms: number): void => {
  lab.skewMs += ms;
  client.forgetNonces();
};

onBothEngines('ST-01 what the directory offers is said, and what it does not offer is refused', async (lab) => {
  const client = await lab.client();
  assert.deepEqual(client.directory.meta['auto-renewal'], { 'min-lifetime': 3600, 'max-duration': 30 * 86_400, 'allow-certificate-get': true });
  const ask = (given: unknown, more: object = {}) => client.newOrder(['s.internal'], { 'auto-renewal': given, ...more });
  const end = iso(Date.now() + 5 * DAY);
  const cases: [unknown, RegExp, object?][] = [
    ['x', /must be an object/], [[], /must be an object/], [{}, /"end-date".*missing/], [{ 'end-date': end }, /"lifetime".*missing/],
    [{ 'end-date': end, lifetime: 3599 }, /min-lifetime/], [{ 'end-date': iso(Date.now() + 31 * DAY), lifetime: 86_400 }, /max-duration/],
    [{ 'end-date': iso(Date.now() - 1000), lifetime: 86_400 }, /past/], [{ 'end-date': 'tomorrow', lifetime: 86_400 }, /RFC 3339/],
    [{ 'end-date': end, lifetime: '86400' }, /whole number/], [{ 'end-date': end, lifetime: 3600.5 }, /whole number/], [{ 'end-date': end, lifetime: -1 }, /whole number/],
    [{ 'end-date': end, lifetime: 86_400, 'lifetime-adjust': 'x' }, /whole number/], [{ 'end-date': end, lifetime: 86_400, 'allow-certificate-get': 'yes' }, /true or false/],
    [{ 'end-date': end, lifetime: 86_400, 'start-date': iso(Date.now() + DAY) }, /future/],
    [{ 'end-date': end, lifetime: 86_400 }, /no "notBefore"/, { notAfter: end }], [{ 'end-date': end, lifetime: 86_400 }, /no "notBefore"/, { notBefore: end }],
    // as any other order, held to its profile: 10 days at most, an hour back at most
    [{ 'end-date': iso(Date.now() + 20 * DAY), lifetime: 11 * 86_400 }, /exceeds profile/], [{ 'end-date': end, lifetime: 86_400, 'lifetime-adjust': 3600 }, /notBefore/i],
  ];
  for (const [given, detail, more] of cases) refused(await ask(given, more), 400, 'malformed', detail);
  assert.equal((await ask(null)).status, 201);
}, { directory: { star } });

onBothEngines('ST-01 an issuer in the first seconds of its life renews orders too, dated back to its own beginning', async (lab) => {
  const { notBefore } = lab.software.issuer;
  lab.skewMs = notBefore + 3000 - Date.now();
  const client = await lab.client();
  const { starUrl } = await renewing(lab, client, { 'lifetime-adjust': 600 });
  const [from] = span(first((await client.post(starUrl)).text));
  assert.equal(from, notBefore);
}, { directory: { star } });

test('ST-01 by default orders do not renew themselves, and the directory does not say so', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  assert.equal('auto-renewal' in client.directory.meta, false);
  refused(await client.newOrder(['s.internal'], wish(lab)), 400, 'malformed', /do not renew themselves here/);
});

onBothEngines('ST-02, ST-04 the order echoes its terms and stays valid, and its URL always leads to a certificate with half of its life before it', async (lab) => {
  const client = await lab.client();
  const { order, url, starUrl, key } = await renewing(lab, client, { 'lifetime-adjust': 600, 'allow-certificate-get': true });
  const { 'auto-renewal': terms, expires } = order;
  assert.deepEqual(terms, { 'end-date': terms['end-date'], lifetime: 86_400, 'lifetime-adjust': 600, 'allow-certificate-get': true });
  assert.equal(expires, terms['end-date']);
  assert.equal('certificate' in order, false);
  const end = Date.parse(terms['end-date']);
  const serials = new Set<string>();
  for (let hours = 0; hours < 240; hours += 4) {
    await lab.acme.renewOrders();
    const answer = await lab.send({ method: 'GET', url: starUrl });
    assert.equal(answer.status, 200, `after ${hours} h: ${answer.text}`);
    const certificate = first(answer.text);
    const [from, to] = span(certificate);
    assert.ok(certificate.publicKey.equals(key.publicKey));
    assert.equal(Date.parse(answer.headers['cert-not-before'] ?? ''), from);
    assert.equal(Date.parse(answer.headers['cert-not-after'] ?? ''), to);
    assert.ok(to <= end, 'valid beyond the end');
    assert.ok(to - from <= (86_400 + 600) * 1000);
    if (to < end - 1000) assert.ok(to - at(lab) >= 12 * HOUR - 1000, `after ${hours} h only ${(to - at(lab)) / HOUR} h are left`);
    serials.add(certificate.serialNumber);
    wait(lab, client, 4 * HOUR);
  }
  assert.ok(serials.size >= 18 && serials.size <= 26, `${serials.size} certificates in ten days`);
  assert.equal(lab.software.signatures, serials.size);

  wait(lab, client, 2 * HOUR);
  refused(await lab.send({ method: 'GET', url: starUrl }), 403, 'autoRenewalExpired');
  refused(await client.post(starUrl), 403, 'autoRenewalExpired');
  assert.equal((await client.post(url)).json.status, 'valid');
  refused(await client.post(url, { status: 'canceled' }), 400, 'autoRenewalCancellationInvalid', /end-date/);
  assert.equal(await lab.acme.renewOrders(), 0);
  const { lineages, heads } = (await lab.database.one<{ lineages: number; heads: number }>(rawStatement(
    'select count(distinct lineage_id) as lineages, count(*) - count(replaces) as heads from certificate'))) ?? {};
  assert.deepEqual([Number(lineages), Number(heads)], [1, 1]);
}, { directory: { star } });

onBothEngines('ST-04 anybody may fetch the certificate only where that was agreed; the account always may', async (lab) => {
  const client = await lab.client();
  const mine = await renewing(lab, client);
  assert.equal('allow-certificate-get' in mine.order['auto-renewal'], false);
  refused(await lab.send({ method: 'GET', url: mine.starUrl }), 404, 'malformed');
  assert.equal((await client.post(mine.starUrl)).headers['content-type'], 'application/pem-certificate-chain');
  refused(await client.post(mine.starUrl, {}), 400, 'malformed');
  refused(await (await lab.client()).post(mine.starUrl), 404, 'malformed', /^No such/);
  const open = await renewing(lab, client, { 'allow-certificate-get': true });
  assert.equal((await lab.send({ method: 'HEAD', url: open.starUrl })).status, 200);
  refused(await lab.send({ method: 'GET', url: open.starUrl.replace('/acme/', '/acme/d/other/') }), 404, 'malformed');
  for (const path of ['%00', 'x', '0'.repeat(36)]) refused(await lab.send({ method: 'GET', url: `https://ca.test/acme/star-certificate/${path}` }), 404, 'malformed');
  const { orderUrl } = await client.issue(['p.internal'], () => {});
  refused(await lab.send({ method: 'GET', url: orderUrl.replace('/order/', '/star-certificate/') }), 404, 'malformed');
  refused(await client.post(orderUrl.replace('/order/', '/star-certificate/')), 404, 'malformed');
}, { directory: { star }, directories: [{ name: 'other' }] });

onBothEngines('ST-04 where the directory does not allow GET, it is not agreed to', async (lab) => {
  const { order, starUrl } = await renewing(lab, await lab.client(), { 'allow-certificate-get': true });
  assert.equal('allow-certificate-get' in order['auto-renewal'], false);
  refused(await lab.send({ method: 'GET', url: starUrl }), 404, 'malformed');
}, { directory: { star: { ...star, certificateGet: false } } });

onBothEngines('ST-03 cancellation ends it for good, whoever asks and whatever was under way', async (lab) => {
  const client = await lab.client();
  const { url, starUrl } = await renewing(lab, client, { 'allow-certificate-get': true });
  for (const payload of [{}, { status: 'valid' }, { status: 'deactivated' }]) refused(await client.post(url, payload), 400, 'malformed');
  refused(await (await lab.client()).post(url, { status: 'canceled' }), 404, 'malformed');
  // The next certificate is being signed while the account cancels: it is made, and not published.
  wait(lab, client, 11 * HOUR);
  lab.software.signing = 'hold';
  const running = lab.acme.renewOrders();
  const open = rawStatement("select count(*) as open from intent where state = 'open'");
  while (Number((await lab.database.one<{ open: number }>(open))?.open) === 0) await new Promise(setImmediate);
  const answer = await client.post(url, { status: 'canceled' });
  assert.equal(answer.status, 200);
  assert.equal(answer.json.status, 'canceled');
  lab.software.release();
  lab.software.signing = 'ok';
  assert.equal(await running, 0);
  refused(await lab.send({ method: 'GET', url: starUrl }), 403, 'autoRenewalCanceled');
  refused(await client.post(starUrl), 403, 'autoRenewalCanceled');
  assert.equal((await client.post(url)).json.status, 'canceled');
  refused(await client.post(url, { status: 'canceled' }), 400, 'autoRenewalCancellationInvalid');
  wait(lab, client, DAY);
  assert.equal(await lab.acme.renewOrders(), 0);
  assert.equal(lab.software.signatures, 2);
}, { directory: { star } });

onBothEngines('ST-03 only what renews itself and is valid can be canceled', async (lab) => {
  const client = await lab.client();
  const { orderUrl } = await client.issue(['p.internal'], () => {});
  refused(await client.post(orderUrl, { status: 'canceled' }), 400, 'autoRenewalCancellationInvalid', /does not renew/);
  const pending = await client.newOrder(['s.internal'], wish(lab));
  refused(await client.post(pending.headers['location'] as string, { status: 'canceled' }), 400, 'autoRenewalCancellationInvalid', /pending/);
  assert.equal((await client.post(pending.headers['location'] as string)).json.status, 'pending');
}, { directory: { star } });

onBothEngines('I6, I8 a period has one certificate, whatever dies and however many fronts try', async (lab) => {
  const client = await lab.client();
  const { starUrl } = await renewing(lab, client);
  const fronts = [lab.acme, ...(await Promise.all(['front-2', 'front-3'].map((name) => lab.front(name)))).map(({ acme }) => acme)];
  const renewAll = async () => (await Promise.all(fronts.map((each) => each.renewOrders()))).reduce((sum, n) => sum + n, 0);
  wait(lab, client, 11 * HOUR);
  assert.equal(await renewAll(), 1);
  assert.equal(lab.software.signatures, 2);

  // The signer cannot now: put off, not given up.
  wait(lab, client, 11 * HOUR);
  lab.software.signing = 'lose-answer';
  assert.equal(await lab.acme.renewOrders(), 0);
  lab.software.signing = 'ok';
  // Its front is gone. Another settles the intent, and the job of yet another finds the certificate.
  wait(lab, client, 60_000);
  lab.software.recovering = 'truth';
  await lab.software.ca.work.recoverIntents();
  assert.equal(await renewAll(), 1);
  assert.equal(lab.software.signatures, 3);
  const [, to] = span(first((await client.post(starUrl)).text));
  assert.ok(to - at(lab) > 23 * HOUR);
  const refs = await lab.database.many<{ request_ref: string }>(rawStatement('select request_ref from certificate order by created'));
  const id = starUrl.split('/').at(-1) as string;
  for (const { request_ref } of refs) assert.ok(await isOfRenewingOrder(lab.database, request_ref), 'RFC 8739 §3.1.3: not to be revoked');
  assert.equal(await isOfRenewingOrder(lab.database, '0'.repeat(36)), false);
  assert.deepEqual(refs.map(({ request_ref }) => request_ref), [id, `${id}/1`, `${id}/2`]);
}, { directory: { star } });

onBothEngines('what policy forbids now is not renewed, and is again when it is allowed again; a deactivated account ends it', async (lab) => {
  const client = await lab.client();
  const { starUrl, url } = await renewing(lab, client, { 'allow-certificate-get': true });
  const before = lab.generation;
  const without = before.directories.get('default') as Directory;
  wait(lab, client, 11 * HOUR);
  lab.generation = { ...before, directories: new Map([['default', { ...without, policies: ['workloads'] }]]) };
  assert.equal(await lab.acme.renewOrders(), 0);
  wait(lab, client, 2 * HOUR);
  lab.generation = { ...before, directories: new Map([['default', (({ star: _, ...rest }) => rest)(without)]]) };
  assert.equal(await lab.acme.renewOrders(), 0);
  assert.equal((await client.post(url)).json.status, 'valid');
  lab.generation = before;
  wait(lab, client, 2 * HOUR);
  assert.equal(await lab.acme.renewOrders(), 1);

  await client.post(client.account as string, { status: 'deactivated' });
  wait(lab, client, 11 * HOUR);
  assert.equal(await lab.acme.renewOrders(), 0);
  wait(lab, client, DAY);
  assert.equal(await lab.acme.renewOrders(), 0);
  assert.equal(lab.software.signatures, 2);
  assert.ok(starUrl);
}, { directory: { star } });

onBothEngines('an account that the operator paused orders nothing more; what it has renews itself', async (lab) => {
  const client = await lab.client();
  await renewing(lab, client);
  assert.equal((await changeAccount(lab.operator, client.account?.split('/').at(-1) as string, 'paused', false))?.changed, true);
  refused(await client.newOrder(['t.internal']), 429, 'rateLimited');
  wait(lab, client, 11 * HOUR);
  assert.equal(await lab.acme.renewOrders(), 1);
}, { directory: { star } });

onBothEngines('a finalize request that came to nothing does not begin anything; the next may have another key', async (lab) => {
  const client = await lab.client();
  const ordered = await client.newOrder(['s.internal'], wish(lab));
  await client.authorize(ordered.json, 'http-01', () => {});
  const csr = (key = newKey()) => buildCsr({ ...key, names: [{ type: 'dns', value: 's.internal' }] }).toString('base64url');
  lab.software.signing = 'refuse';
  refused(await client.post(ordered.json.finalize, { csr: csr() }), 500, 'serverInternal');
  lab.software.signing = 'ok';
  const key = newKey();
  const { json } = await client.post(ordered.json.finalize, { csr: csr(key) });
  assert.ok(first((await client.post(json['star-certificate'])).text).publicKey.equals(key.publicKey));
  wait(lab, client, 11 * HOUR);
  assert.equal(await lab.acme.renewOrders(), 1);
  assert.ok(first((await client.post(json['star-certificate'])).text).publicKey.equals(key.publicKey));
}, { directory: { star } });

onBothEngines('what the operator took back for good does not come again by itself', async (lab) => {
  const expected = { privilegeWithdrawn: 0, keyCompromise: 0, superseded: 1 } as const;
  for (const [reason, published] of Object.entries(expected) as [keyof typeof expected, number][]) {
    const client = await lab.client();
    const { starUrl } = await renewing(lab, client);
    const serial = first((await client.post(starUrl)).text).serialNumber.toLowerCase();
    const outcome = await lab.software.ca.revoke({
      realm: 'default', issuerKey: lab.software.issuer.id, serial, door: 'admin', authority: 'operator', reason, requester: { kind: 'operator', id: 'test' },
    });
    assert.equal(outcome.kind, 'revoked');
    wait(lab, client, DAY / 2);
    assert.equal(await lab.acme.renewOrders(), published, reason);
  }
}, { directory: { star } });
