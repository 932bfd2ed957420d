/**
 * RFC 8555 §7.6 across directories: each directory × each kind of certificate × each kind of stranger who asks for its end. What no stranger may is answered
 * in one way, whatever the certificate, and changes nothing. List 6.8 and rows, D-05 and R-09 of the conformance list.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { AcmeClient, type Answer, type KeyPair, newKey } from '../../support/acme-client.ts';
import type { DoorLab } from '../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../support/acme-engines.ts';
import { refused } from '../../support/acme-refusal.ts';
import { namedCertificate } from '../../support/cert-id.ts';
import { buildCsr } from '../../support/csr.ts';

withPostgres();

const DIRECTORIES = ['default', 'other'] as const;
type DirectoryName = (typeof DIRECTORIES)[number];
const urlOf = (lab: DoorLab, name: DirectoryName): string => (name === 'default' ? lab.directoryUrl : lab.directoryUrl.replace('/acme/', '/acme/d/other/'));
const otherThan = (name: DirectoryName): DirectoryName => (name === 'default' ? 'other' : 'default');
const star = { minLifetimeMs: 3_600_000, maxDurationMs: 30 * 86_400_000, certificateGet: true };
const OPTIONS = { directory: { star }, directories: [{ name: 'other', star }] };

interface Had { readonly what: string; readonly issuedAt: DirectoryName; readonly name: string; readonly certificate: string; readonly serial: string; readonly key: KeyPair }

/** One that lives as others do, and one that renews itself. */
async function hadAt(owner: AcmeClient, issuedAt: DirectoryName): Promise<Had[]> {
  const names = [`plain.${issuedAt}.internal`, `star.${issuedAt}.internal`] as const;
  const plain = await owner.issue([names[0]], () => {});
  const end = `${new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 19)}Z`;
  const ordered = await owner.newOrder([names[1]], { 'auto-renewal': { 'end-date': end, lifetime: 86_400 } });
  await owner.authorize(ordered.json, 'http-01', () => {});
  const key = newKey();
  const { json } = await owner.post(ordered.json.finalize, { csr: buildCsr({ ...key, names: [{ type: 'dns', value: names[1] }] }).toString('base64url') });
  const pem = (await owner.post(json['star-certificate'])).text;
  const told = (what: string, name: string, chain: string, itsKey: KeyPair): Had =>
    ({ what, issuedAt, name, certificate: new X509Certificate(chain).raw.toString('base64url'), serial: namedCertificate(chain).serial, key: itsKey });
  return [told('plain', names[0], plain.pem, plain.key), told('renewing', names[1], pem, key)];
}

const ask = (client: AcmeClient, payload: object, more?: Parameters<AcmeClient['post']>[2]): Promise<Answer> => client.post(client.directory.revokeCert, payload, more);

onBothEngines('6.8, R-02, R-03, D-05: no stranger of any directory ends a certificate of another’s', async (lab) => {
  const at = (name: DirectoryName, key = newKey()): Promise<AcmeClient> => AcmeClient.registered(lab.send, urlOf(lab, name), key);
  const owners = { default: await at('default'), other: await at('other') };
  const all = [...(await hadAt(owners.default, 'default')), ...(await hadAt(owners.other, 'other'))];

  for (const asked of DIRECTORIES) {
    const stranger = await at(asked);
    const [gone, prover] = [await at(asked), await at(asked)];
    await gone.post(gone.account as string, { status: 'deactivated' });
    const owner = await at(asked, owners[otherThan(asked)].key); // the same key, and yet another account
    const { json: proofs } = await prover.newOrder(all.filter(({ issuedAt }) => issuedAt !== asked).map(({ name }) => name));
    await prover.authorize(proofs, 'http-01', () => {});
    const keyless = await new AcmeClient(lab.send, urlOf(lab, asked), newKey()).open();

    for (const { certificate, issuedAt, what } of all) {
      const where = `${what} of ${issuedAt}, asked for at ${asked}`;
      for (const payload of [{ certificate }, { certificate, reason: 1 }, { certificate, reason: 4 }, { certificate, reason: 10 }]) {
        const refusals = [await ask(stranger, payload), await ask(prover, payload)];
        if (issuedAt !== asked) refusals.push(await ask(owner, payload));
        for (const answer of refusals) refused(answer, 403, 'unauthorized', /issued to another account/);
        if (issuedAt !== asked) refused(await ask(stranger, payload, { header: { kid: owners[issuedAt].account } }), 400, 'malformed', /not the URL of an account here/);
        else refused(await ask(stranger, payload, { header: { kid: owners[issuedAt].account } }), 400, 'malformed', /signature/);
        refused(await ask(gone, payload), 401, 'unauthorized');
        refused(await ask(keyless, payload, { byKey: true }), 403, 'unauthorized', /not the key of the certificate/);
      }
      assert.equal((await ask(stranger, { certificate: Buffer.from(certificate, 'base64url').subarray(0, -1).toString('base64url') })).status, 400, where);
    }
  }
  for (const { serial } of all) assert.equal((await lab.software.ca.statusOf('development-1', serial)).kind, 'good');
}, OPTIONS);

onBothEngines('R-03, R-09: who has the key may say so at any directory, as it is nobody’s account; what renews itself is canceled instead', async (lab) => {
  const at = (name: DirectoryName): Promise<AcmeClient> => AcmeClient.registered(lab.send, urlOf(lab, name), newKey());
  const all = [...(await hadAt(await at('default'), 'default')), ...(await hadAt(await at('other'), 'other'))];
  for (const { what, issuedAt, certificate, key } of all) {
    const holder = await new AcmeClient(lab.send, urlOf(lab, otherThan(issuedAt)), key).open();
    const answer = await ask(holder, { certificate }, { byKey: true });
    if (what === 'plain') assert.equal(answer.status, 200, answer.text);
    else refused(answer, 403, 'autoRenewalRevocationNotSupported');
  }
}, OPTIONS);
