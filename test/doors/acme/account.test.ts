/** RFC 8555 §7.3: accounts. Rows A and U of the conformance list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Directory } from '../../../src/config/generation.ts';
import { AcmeClient, newKey } from '../../support/acme-client.ts';
import { openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

test('A-01, A-04, A-08: a new key gets 201, its URL, and nothing back that it made up', async () => {
  await using lab = await openDoorLab();
  const client = new AcmeClient(lab.send, lab.directoryUrl);
  const answer = await client.newAccount({
    contact: ['mailto:a@example.com'], termsOfServiceAgreed: true, onlyReturnExisting: false, orders: 'https://evil/', status: 'revoked', x: 1,
  });
  assert.equal(answer.status, 201);
  assert.match(answer.headers['location'] ?? '', /^https:\/\/ca\.test\/acme\/account\/[0-9a-f]{36}$/);
  const orders = answer.headers['location']?.replace('/account/', '/orders/');
  assert.deepEqual(answer.json, { status: 'valid', contact: ['mailto:a@example.com'], orders });
});

test('A-02: a key that has an account gets it back as it is', async () => {
  await using lab = await openDoorLab();
  const key = newKey();
  const client = new AcmeClient(lab.send, lab.directoryUrl, key);
  const first = await client.newAccount({ contact: ['mailto:a@example.com'] });
  const second = await client.newAccount({ contact: ['nonsense', 7], termsOfServiceAgreed: 'no' });
  assert.equal(second.status, 200);
  assert.equal(second.headers['location'], first.headers['location']);
  assert.deepEqual(second.json, first.json);
});

test('A-03: onlyReturnExisting makes nothing', async () => {
  await using lab = await openDoorLab();
  const client = new AcmeClient(lab.send, lab.directoryUrl);
  for (const more of [{}, { termsOfServiceAgreed: true }]) {
    refused(await client.newAccount({ onlyReturnExisting: true, ...more }), 400, 'accountDoesNotExist');
  }
  const made = await client.newAccount();
  assert.equal(made.status, 201);
  const found = await client.newAccount({ onlyReturnExisting: true });
  assert.equal(found.status, 200);
  assert.equal(found.headers['location'], made.headers['location']);
});

test('A-05: terms of service are agreed to where there are any', async () => {
  await using lab = await openDoorLab({ directory: { termsOfService: 'https://ca.test/terms' } });
  const client = new AcmeClient(lab.send, lab.directoryUrl);
  await client.open();
  assert.equal(client.directory.meta.termsOfService, 'https://ca.test/terms');
  for (const agreed of [undefined, false, 'true', 1]) {
    const answer = await client.newAccount({ termsOfServiceAgreed: agreed });
    refused(answer, 403, 'userActionRequired');
    assert.match(answer.headers['link'] ?? '', /<https:\/\/ca\.test\/terms>;rel="terms-of-service"/);
  }
  assert.equal((await client.newAccount({ termsOfServiceAgreed: true })).status, 201);
});

test('A-06, A-07: contacts are mail addresses, one each, ten at most', async () => {
  await using lab = await openDoorLab();
  const attempt = (contact: unknown) => new AcmeClient(lab.send, lab.directoryUrl).newAccount({ contact });
  for (const contact of [undefined, null, [], ['mailto:admin@localhost', 'MAILTO:x+y@example.com']]) assert.equal((await attempt(contact)).status, 201);
  for (const url of ['tel:+1', 'https://x', 'a@b.c', '']) refused(await attempt([url]), 400, 'unsupportedContact');
  for (const url of ['mailto:', 'mailto:x', 'mailto:a@b?subject=x', 'mailto:a@b,c@d', 'mailto:ä@b.c', 'mailto:a@b c', 'mailto:a@b%2cc']) {
    refused(await attempt([url]), 400, 'invalidContact');
  }
  for (const contact of ['mailto:a@b', { 0: 'mailto:a@b' }, [7], Array(11).fill('mailto:a@b.c')]) refused(await attempt(contact), 400, 'malformed');
});

test('A-09: a deactivated account is not made again', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  assert.equal((await client.post(client.account as string, { status: 'deactivated' })).json.status, 'deactivated');
  refused(await client.newAccount(), 401, 'unauthorized');
  refused(await client.newAccount({ onlyReturnExisting: true }), 401, 'unauthorized');
});

test('A-10, A-11, R2: of 20 newAccount with one key at once, one is 201, all have one URL', async () => {
  await using lab = await openDoorLab();
  const key = newKey();
  const answers = await Promise.all(Array.from({ length: 20 }, () => new AcmeClient(lab.send, lab.directoryUrl, key).newAccount()));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array<number>(19).fill(200), 201]);
  assert.equal(new Set(answers.map(({ headers }) => headers['location'])).size, 1);
});

test('U-01, U-02: contacts change, and nothing else does', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const url = client.account as string;
  const changed = await client.post(url, { contact: ['mailto:b@example.com'], orders: 'x', termsOfServiceAgreed: false, y: 1 });
  assert.equal(changed.status, 200);
  const orders = url.replace('/account/', '/orders/');
  assert.deepEqual(changed.json, { status: 'valid', contact: ['mailto:b@example.com'], orders });
  for (const payload of ['', {}] as const) assert.deepEqual((await client.post(url, payload)).json, changed.json);
  refused(await client.post(url, { contact: ['tel:1'] }), 400, 'unsupportedContact');
  refused(await client.post(url, { status: 'revoked' }), 400, 'malformed');
  assert.deepEqual((await client.post(url)).json, changed.json);
  assert.deepEqual((await client.post(url, { contact: [] })).json, { status: 'valid', orders });
});

test('U-03: nobody reaches another account', async () => {
  await using lab = await openDoorLab();
  const [client, other] = [await lab.client(), await lab.client()];
  refused(await client.post(other.account as string), 403, 'unauthorized');
  refused(await client.post(other.account as string, { status: 'deactivated' }), 403, 'unauthorized');
  assert.equal((await other.post(other.account as string)).json.status, 'valid');
});

test('U-04, U-06, B#8060: deactivation is final, and ends everything', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { pem, order, orderUrl } = await client.issue(['u.internal'], () => {});
  assert.ok(pem);
  const answer = await client.post(client.account as string, { contact: ['mailto:x@y.z'], status: 'deactivated' });
  assert.equal(answer.status, 200);
  assert.equal(answer.json.status, 'deactivated');
  for (const url of [client.account, orderUrl, order.authorizations[0], order.certificate, order.finalize]) {
    refused(await client.post(url as string), 401, 'unauthorized');
  }
  refused(await client.newOrder(['u.internal']), 401, 'unauthorized');
  refused(await client.post(client.account as string, { status: 'valid' }), 401, 'unauthorized');
});

test('U-07: where changed terms must be agreed to, nothing is ordered before; an update agrees', async () => {
  await using lab = await openDoorLab({ directory: { termsOfService: 'https://ca.test/terms/1' } });
  const [client, late] = [await lab.client(), await lab.client()];
  const setTerms = (termsOfService: string, agreeAgain: boolean) => {
    const directory = lab.generation.directories.get('default') as Directory;
    lab.generation = { ...lab.generation, directories: new Map([['default', { ...directory, termsOfService, agreeAgain }]]) };
  };
  setTerms('https://ca.test/terms/2', false);
  assert.equal((await client.newOrder(['u7.internal'])).status, 201, 'by default, nobody is stopped');
  setTerms('https://ca.test/terms/2', true);
  const { newAuthz } = client.directory;
  for (const answer of [await client.newOrder(['u7.internal']), await client.post(newAuthz, { identifier: { type: 'dns', value: 'u7.internal' } })]) {
    refused(answer, 403, 'userActionRequired', /terms\/2/);
    assert.equal(answer.json.instance, 'https://ca.test/terms/2');
    assert.match(answer.headers['link'] ?? '', /<https:\/\/ca\.test\/terms\/2>;rel="terms-of-service"/);
  }
  assert.equal((await client.post(client.account as string)).status, 200);
  for (const agreed of [false, 'true', 1]) await client.post(client.account as string, { termsOfServiceAgreed: agreed });
  refused(await client.newOrder(['u7.internal']), 403, 'userActionRequired');
  assert.equal((await client.post(client.account as string, { termsOfServiceAgreed: true })).status, 200);
  assert.equal((await client.newOrder(['u7.internal'])).status, 201);
  refused(await late.newOrder(['u7.internal']), 403, 'userActionRequired');
  assert.equal((await (await lab.client()).newOrder(['u7.internal'])).status, 201, 'a new account has agreed to these');
});

test('§11.1: the key of a certificate makes no account, and no account changes to it', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { key } = await client.issue(['k.internal'], () => {});
  refused(await new AcmeClient(lab.send, lab.directoryUrl, key).newAccount(), 400, 'badPublicKey', /certificate/);
});
