/** RFC 8555 §7.4.2: chains that a client may choose from. Row X-02 of the conformance list. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { request } from 'node:http';
import { test } from 'node:test';
import { encodePem } from '../../../src/x509/pem.ts';
import { openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

const linksOf = (link: string | undefined): string[] => [...(link ?? '').matchAll(/<([^>]+)>;rel="alternate"/g)].map(([, url]) => url as string);
const certificatesIn = (pem: string): X509Certificate[] => pem.split(/(?<=-----END CERTIFICATE-----\n)/).map((each) => new X509Certificate(each));

test('X-02: each chain names the others, all begin with the same certificate, and each leads to its root', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const before = await client.issue(['before.internal'], () => {});
  const url = before.order.certificate as string;
  assert.deepEqual(linksOf((await client.post(url)).headers['link']), []);
  refused(await client.post(`${url}/1`), 404, 'malformed', /No such chain/);

  const others = [lab.software.crossSign(), lab.software.crossSign()];
  const roots = [lab.software.root, ...others.map(({ root }) => root)].map((der) => new X509Certificate(encodePem('CERTIFICATE', der)));
  const urls = [url, `${url}/1`, `${url}/2`];
  for (const [index, each] of urls.entries()) {
    const answer = await client.post(each);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/pem-certificate-chain');
    assert.deepEqual(linksOf(answer.headers['link']), urls.filter((other) => other !== each));
    const [leaf, intermediate] = certificatesIn(answer.text) as [X509Certificate, X509Certificate];
    assert.equal(leaf.raw.equals(new X509Certificate(before.pem).raw), true);
    assert.equal(leaf.verify(intermediate.publicKey), true);
    assert.equal(leaf.checkIssued(intermediate), true);
    assert.equal(intermediate.verify((roots[index] as X509Certificate).publicKey), true);
  }
  for (const bad of ['0', '3', '01', '-1', 'x', '%00']) refused(await client.post(`${url}/${bad}`), 404, 'malformed');
  refused(await (await lab.client()).post(`${url}/1`), 404, 'malformed', /No such certificate/);
});

test('X-02, T-15: acme.sh reads the alternates line by line', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  lab.software.crossSign();
  lab.software.crossSign();
  const { order } = await client.issue(['lines.internal'], () => {});
  const url = order.certificate as string;
  const jws = JSON.stringify(await client.prepare(url, ''));
  const lines = await new Promise<string[]>((resolve, reject) => {
    const sent = request({ port: lab.port, path: new URL(url).pathname, method: 'POST', headers: { 'Content-Type': 'application/jose+json' } }, (response) => {
      response.resume();
      resolve(response.rawHeaders.filter((_, i) => response.rawHeaders[i - 1]?.toLowerCase() === 'link'));
    });
    sent.on('error', reject).end(jws);
  });
  assert.deepEqual(lines, ['<https://ca.test/acme/directory>;rel="index"', `<${url}/1>;rel="alternate"`, `<${url}/2>;rel="alternate"`]);
});
