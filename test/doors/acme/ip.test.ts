/** RFC 8738: addresses as identifiers. Rows IP of the conformance list that concern the door; the rest is in test/validation/. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { Name } from '../../../src/x509/name.ts';
import { type AcmeClient, newKey, type OrderBody } from '../../support/acme-client.ts';
import { openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';

const ip = (value: string): Name => ({ type: 'ip', value });
const dns = (value: string): Name => ({ type: 'dns', value });

async function ready(client: AcmeClient, names: readonly Name[]): Promise<OrderBody> {
  const { json } = await client.newOrder(names);
  await client.authorize(json, 'http-01', () => {});
  return json as OrderBody;
}
const finalize = (client: AcmeClient, order: OrderBody, names: readonly Name[], commonName?: string) =>
  client.post(order.finalize, { csr: buildCsr({ ...newKey(), names, ...(commonName === undefined ? {} : { commonName }) }).toString('base64url') });

test('IP-01, B#8293, B#8294: zones, brackets, prefixes, mapped and other odd spellings are malformed', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  for (const value of ['fd00::1%eth0', 'fe80::1%25eth0', '[fd00::1]', '10.0.0.0/8', '::ffff:10.0.0.1', '::FFFF:a00:1', 'FD00::1', 'fd00:0:0:0:0:0:0:1', '010.0.0.1', '10.1', '0x0a.0.0.1', '', ' 10.0.0.1']) {
    refused(await client.newOrder([ip(value)]), 400, 'malformed', /is not a valid ip identifier/);
  }
});

test('IP-02, IP-07: an address is proven by connecting to it, and is never a wildcard', async () => {
  await using lab = await openDoorLab({ directory: { challenges: ['http-01', 'dns-01', 'tls-alpn-01', 'dns-account-01'], subdomains: true } });
  const client = await lab.client();
  for (const value of ['10.0.0.1', 'fd00::1']) {
    const { json: order } = await client.newOrder([ip(value)]);
    const { json: authorization } = await client.post(order.authorizations[0]);
    assert.deepEqual(authorization.identifier, ip(value));
    assert.equal('wildcard' in authorization, false);
    assert.equal('subdomainAuthAllowed' in authorization, false);
    assert.deepEqual(authorization.challenges.map(({ type }: { type: string }) => type), ['http-01', 'tls-alpn-01']);
  }
});

test('IP-05, B#8282: in the CSR an address stands as iPAddress, also when it is the common name, and not as a dNSName', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const order = await ready(client, [ip('10.0.0.1')]);
  refused(await finalize(client, order, [dns('10.0.0.1')]), 400, 'badCSR');
  refused(await finalize(client, order, [ip('10.0.0.2')]), 400, 'badCSR', /lacks ip:10\.0\.0\.1; it has ip:10\.0\.0\.2/);
  refused(await finalize(client, order, [ip('10.0.0.1')], '10.0.0.2'), 400, 'badCSR', /ip:10\.0\.0\.2, not in the order/);
  const { json } = await finalize(client, order, [ip('10.0.0.1')], '10.0.0.1');
  assert.equal(json.status, 'valid');
  const { subject, subjectAltName } = new X509Certificate((await client.post(json.certificate)).text);
  assert.deepEqual([subject, subjectAltName], [undefined, 'IP Address:10.0.0.1']);
});

test('IP-08: policy decides about addresses as about names', async () => {
  await using lab = await openDoorLab();
  refused(await (await lab.client()).newOrder([ip('8.8.8.8')]), 403, 'rejectedIdentifier', /8\.8\.8\.8/);
});

test('IP-09: names and addresses in one order, and in its certificate', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const names = [dns('mixed.internal'), ip('10.0.0.1'), ip('fd00::1')];
  const order = await ready(client, names);
  const { json } = await finalize(client, order, names);
  assert.equal(json.status, 'valid');
  const { text } = await client.post(json.certificate);
  assert.equal(new X509Certificate(text).subjectAltName, 'DNS:mixed.internal, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1');
});
