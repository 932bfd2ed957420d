/** draft-ietf-acme-device-attest at the door: orders of devices, the challenge, and the certificate. Rows DV-01 to DV-11, on both engines. */
import assert from 'node:assert/strict';
import { sign, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { rawStatement } from '../../../../src/database/statement.ts';
import { AcmeClient, type KeyPair, newKey } from '../../../support/acme-client.ts';
import { openDoorLab } from '../../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../../support/acme-engines.ts';
import { refused } from '../../../support/acme-refusal.ts';
import {
  akExtensions, appleExtensions, attestationObject, certifyInfo, commonName, ecKeys, hardwareModule, Maker, permanentIdentifier, publicArea, sha256, spkiOf,
  subjectAltName, yubiKeyAnswer,
} from '../../../support/attestation.ts';
import { bindingOf, handOut } from '../../../support/acme-binding.ts';
import { encodeCbor } from '../../../support/cbor.ts';
import { buildCsr } from '../../../support/csr.ts';

withPostgres();
const maker = new Maker();
const roots = [maker.root.toString('base64')];
const OPTIONS = {
  directory: {
    profiles: ['device', 'server'], defaultProfile: 'device', policies: ['devices', 'private-names'], challenges: ['http-01', 'device-attest-01'] as const,
    attestation: new Map([['apple', roots], ['step', roots], ['tpm', roots]]),
  },
};
const SERIAL = '12345678';
const device = (value: string, type = 'permanent-identifier') => ({ type, value });

async function ordered(client: AcmeClient, identifiers: readonly { type: string; value: string }[]) {
  const answer = await client.post(client.directory.newOrder, { identifiers });
  assert.equal(answer.status, 201, answer.text);
  const { json: authorization } = await client.post(answer.json.authorizations[0]);
  return { order: answer.json, url: answer.headers['location'] as string, authorization, challenge: authorization.challenges[0] };
}

/** What a YubiKey says about its key, in an answer to this challenge. */
const attest = (client: AcmeClient, token: string, key: KeyPair, serial = Number(SERIAL), over = client.keyAuthorization(token)): { attObj: string } =>
  yubiKeyAnswer(maker, key, serial, over);

const csrFor = (key: KeyPair, more: object = {}): string => buildCsr({ ...key, names: [], ...more }).toString('base64url');

onBothEngines('DV-02, DV-04, DV-05, DV-06, ER-4 a device is proven, and gets a certificate for the attested key with its serial number', async (lab) => {
  const client = await lab.client();
  const { order, url, authorization, challenge } = await ordered(client, [device(SERIAL)]);
  assert.deepEqual(order.identifiers, [device(SERIAL)]);
  assert.deepEqual(authorization.identifier, device(SERIAL));
  assert.deepEqual(authorization.challenges.map(({ type }: { type: string }) => type), ['device-attest-01']);
  assert.ok(Buffer.from(challenge.token, 'base64url').length >= 16, 'DV-07: 128 bits');
  const key = newKey();
  const answer = await client.post(challenge.url, { ...attest(client, challenge.token, key), something: 'else' });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.status, 'valid');
  assert.equal((await client.post(url)).json.status, 'ready');
  assert.equal(lab.validations.length, 0, 'nobody is dialled');

  refused(await client.post(order.finalize, { csr: csrFor(newKey()) }), 400, 'badCSR', /not for the key that was attested/);
  refused(await client.post(order.finalize, { csr: csrFor(key, { commonName: 'another' }) }), 400, 'badCSR');
  refused(await client.post(order.finalize, { csr: csrFor(key, { names: [{ type: 'dns', value: 'a.devices.internal' }] }) }), 400, 'badCSR');
  refused(await client.post(order.finalize, { csr: csrFor(key, { extensions: [subjectAltName([permanentIdentifier(SERIAL)])] }) }), 400, 'badCSR');
  const final = await client.post(order.finalize, { csr: csrFor(key, { commonName: SERIAL }) });
  assert.equal(final.json.status, 'valid', final.text);
  const certificate = new X509Certificate((await client.post(final.json.certificate)).text);
  assert.equal(certificate.subject, `serialNumber=${SERIAL}`);
  assert.equal(certificate.subjectAltName, undefined);
  assert.ok(certificate.publicKey.equals(key.publicKey));

  const [kept] = await lab.database.many<{ evidence: string }>(rawStatement("select evidence from acme_attempt where type = 'device-attest-01'"));
  const evidence = JSON.parse(kept?.evidence ?? '');
  assert.equal(evidence.format, 'step');
  assert.deepEqual(evidence.identities, [SERIAL]);
  assert.equal(evidence.chain.length, 2);
  assert.ok(new X509Certificate(Buffer.from(evidence.certificate, 'base64')).subject.includes('YubiKey'));
  const { body = '' } = (await lab.database.one<{ body: string }>(rawStatement('select body from evidence'))) ?? {};
  assert.ok(body.includes(evidence.statement), 'the evidence of the certificate tells of the attestation');
}, OPTIONS);

onBothEngines('DV-03, DV-06, DV-10 Apple devices by UDID, TPMs by permanent identifier and hardware module, with a DNS name beside', async (lab) => {
  const client = await lab.client();
  const apple = await ordered(client, [device('00008110-001A')]);
  const appleKey = newKey('ES384');
  const leaf = maker.leaf(commonName('d'), spkiOf(appleKey), appleExtensions(apple.challenge.token));
  const attObj = attestationObject('apple', new Map([['x5c', [leaf, maker.middle]]])).toString('base64url');
  assert.equal((await client.post(apple.challenge.url, { attObj })).json.status, 'valid');
  const issued = await client.post(apple.order.finalize, { csr: csrFor(appleKey) });
  assert.equal(new X509Certificate((await client.post(issued.json.certificate)).text).subject, 'serialNumber=00008110-001A');

  const ak = ecKeys();
  const names = [permanentIdentifier('machine-7', '1.2.3'), hardwareModule('1.3.6.1.4.1.9', 'hw-7')];
  for (const [identifier, subject] of [[device('machine-7/1.2.3'), 'machine-7/1.2.3'], [device('hw-7/1.3.6.1.4.1.9', 'hardware-module'), 'hw-7/1.3.6.1.4.1.9']] as const) {
    const { order, challenge } = await ordered(client, [identifier, { type: 'dns', value: 'host-7.devices.internal' }]);
    const key = newKey();
    const pubArea = publicArea(key);
    const certInfo = certifyInfo(pubArea, sha256(client.keyAuthorization(challenge.token)));
    const members = new Map(Object.entries({
      ver: '2.0', alg: -7, x5c: [maker.leaf(Buffer.from('3000', 'hex'), spkiOf(ak), akExtensions(names)), maker.middle], sig: sign('sha256', certInfo, ak.privateKey), certInfo, pubArea,
    }));
    const answer = await client.post(challenge.url, { attObj: attestationObject('tpm', members).toString('base64url') });
    assert.equal(answer.json.status, 'valid', answer.text);
    const { json: host } = await client.post(order.authorizations[1]);
    assert.deepEqual(host.challenges.map(({ type }: { type: string }) => type), ['http-01']);
    await client.post(host.challenges[0].url, {});
    const final = await client.post(order.finalize, { csr: csrFor(key, { names: [{ type: 'dns', value: 'host-7.devices.internal' }] }) });
    assert.equal(final.json.status, 'valid', final.text);
    const certificate = new X509Certificate((await client.post(final.json.certificate)).text);
    assert.equal(certificate.subject, `serialNumber=${subject}`);
    assert.equal(certificate.subjectAltName, 'DNS:host-7.devices.internal');
  }
}, OPTIONS);

onBothEngines('DV-04, DV-09 a statement that proves nothing ends the challenge, and the order with it; what cannot be read at all does not', async (lab) => {
  const client = await lab.client();
  const wrong: [string, (token: string, key: KeyPair) => { attObj: string }, RegExp][] = [
    ['another device', (token, key) => attest(client, token, key, 87_654_321), /not of 12345678/],
    ['another token', (token, key) => attest(client, token, key, Number(SERIAL), client.keyAuthorization(`${token}x`)), /not one of the attested key/],
    ['no attestation', () => ({ attObj: encodeCbor(new Map<string, never>([['fmt', 'none'], ['attStmt', new Map()]] as never)).toString('base64url') }), /format "none"/],
    ['rubbish', () => ({ attObj: 'AAAA' }), /CBOR/],
  ];
  for (const [what, answerOf, detail] of wrong) {
    const { order, url, challenge } = await ordered(client, [device(SERIAL)]);
    for (const payload of [{}, { attObj: 7 }, { attObj: '' }, { attObj: 'A=' }, { attObj: 'A'.repeat(36_000) }]) refused(await client.post(challenge.url, payload), 400, 'malformed', /attObj/);
    assert.equal((await client.post(challenge.url)).json.status, 'pending', 'POST-as-GET only looks');
    const key = newKey();
    refused(await client.post(challenge.url, answerOf(challenge.token, key)), 400, 'badAttestationStatement', detail);
    const { json } = await client.post(challenge.url);
    assert.equal(json.status, 'invalid', what);
    assert.equal(json.error.type, 'urn:ietf:params:acme:error:badAttestationStatement');
    assert.equal((await client.post(url)).json.status, 'invalid');
    refused(await client.post(challenge.url, attest(client, challenge.token, key)), 400, 'malformed', /invalid/);
    refused(await client.post(order.finalize, { csr: csrFor(key) }), 403, 'orderNotReady');
  }
}, OPTIONS);

onBothEngines('R3 of many answers to one challenge one decides it; a proof is not used for another order', async (lab) => {
  const client = await lab.client();
  const { url, challenge } = await ordered(client, [device(SERIAL)]);
  const [good, bad] = [attest(client, challenge.token, newKey()), attest(client, challenge.token, newKey(), 1)];
  const answers = await Promise.all([good, bad, good, bad, good, bad].map((payload) => client.post(challenge.url, payload)));
  const { status } = (await client.post(url)).json;
  assert.ok(status === 'ready' || status === 'invalid');
  for (const answer of answers) if (answer.status === 200) assert.equal(answer.json.status, status === 'ready' ? 'valid' : 'invalid');
  const { n } = (await lab.database.one<{ n: number }>(rawStatement('select count(*) as n from acme_attempt'))) ?? {};
  assert.equal(Number(n), 1);
  assert.equal((await ordered(client, [device(SERIAL)])).authorization.status, 'pending');
}, OPTIONS);

test('DV-01 what is no identifier of a device, or of one too many, is refused', async () => {
  await using lab = await openDoorLab(OPTIONS);
  const client = await lab.client();
  const ask = (identifiers: readonly object[]) => client.post(client.directory.newOrder, { identifiers });
  for (const value of ['', '/', 'a/', '/1.2.3', 'a/b', 'a/1.2/3', 'a/3.1', 'a/1.02', 'a/1', 'a\u0000', 'ä', 'a_b', 'x'.repeat(65), `${'x'.repeat(60)}/1.2.3`, `a/1.${'9'.repeat(30)}`]) refused(await ask([device(value)]), 400, 'malformed');
  for (const value of ['hw', 'hw/', '/1.2.3', 'hw/x', 'a/b/1.2.3']) refused(await ask([device(value, 'hardware-module')]), 400, 'malformed');
  refused(await ask([device('Permanent', 'Permanent-Identifier')]), 400, 'unsupportedIdentifier');
  refused(await ask([device('one'), device('two')]), 400, 'invalidProfile', /2 times/);
  refused(await ask([{ type: 'dns', value: 'h.devices.internal' }]), 400, 'invalidProfile', /requires a serialNumber/);
  for (const value of ['C02XYZ', 'a b', "O'Neil-1.2:3=?,+(x)", 'dev/1.3.6.1.4.1.9']) assert.equal((await ask([device(value)])).json.identifiers[0].value, value);
});

onBothEngines('DV-01, DV-05 a device of another assigner is another device, to the certificate and to the evidence', async (lab) => {
  const client = await lab.client();
  const key = newKey();
  const proven = async (value: string, ...names: readonly Uint8Array[]) => {
    const { order, challenge } = await ordered(client, [device(value)]);
    const leaf = maker.leaf(Buffer.from('3000', 'hex'), spkiOf(key), [subjectAltName(names)]);
    const sig = encodeCbor(sign('sha256', Buffer.from(client.keyAuthorization(challenge.token)), key.privateKey));
    const attObj = attestationObject('step', new Map<string, never>([['alg', -7], ['x5c', [leaf, maker.middle]], ['sig', sig]] as never)).toString('base64url');
    return { order, answer: await client.post(challenge.url, { attObj }) };
  };
  for (const [value, ...names] of [['A/1.2.3', permanentIdentifier('A', '1.2.4')], ['A/1.2.3', permanentIdentifier('A/1.2.3')], ['A', permanentIdentifier('A', '1.2.3')]] as const) {
    refused((await proven(value, ...names)).answer, 400, 'badAttestationStatement', /is not of A/);
  }
  const both = [permanentIdentifier('A', '1.2.3'), permanentIdentifier('A', '1.2.4')];
  for (const value of ['A/1.2.3', 'A/1.2.4']) {
    const { order } = await proven(value, ...both);
    const final = await client.post(order.finalize, { csr: csrFor(key) });
    assert.equal(new X509Certificate((await client.post(final.json.certificate)).text).subject, `serialNumber=${value}`);
  }
  const bodies = await lab.database.many<{ body: string }>(rawStatement('select body from evidence order by created'));
  const said = bodies.map(({ body }) => JSON.parse(body).authorizations[0]);
  assert.deepEqual(said.map(({ identifier }) => identifier.value).sort(), ['A/1.2.3', 'A/1.2.4']);
  for (const { identifier, seen } of said) assert.equal(seen.identities[0], identifier.value);
}, OPTIONS);

test('a directory without the challenge takes no devices', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const answer = await client.post(client.directory.newOrder, { identifiers: [device(SERIAL)] });
  refused(answer, 400, 'unsupportedIdentifier', /not supported in this directory/);
});

test('DV-07 an account whose credential is for one name orders no device', async () => {
  await using lab = await openDoorLab({ directory: { ...OPTIONS.directory, externalAccountRequired: true } });
  const open = async (restriction: object): Promise<AcmeClient> => {
    const handed = await handOut(lab, { restriction });
    const client = await new AcmeClient(lab.send, lab.directoryUrl, newKey()).open();
    assert.equal((await client.newAccount({ termsOfServiceAgreed: true, externalAccountBinding: bindingOf(client, handed) })).status, 201);
    return client;
  };
  const names = { names: ['only.internal'], suffixes: [], wildcards: [], addresses: [], uris: [], subject: {} };
  const bound = await open({ names });
  refused(await bound.post(bound.directory.newOrder, { identifiers: [device(SERIAL)] }), 403, 'rejectedIdentifier', /serialNumber "12345678" is not among the names of external account binding/i);
  assert.equal((await bound.newOrder(['only.internal'], { profile: 'server' })).status, 201);
  await ordered(await open({ profiles: ['device'] }), [device(SERIAL)]);
});
