/** RFC 8555 §6.2, §6.4: what a signed request must look like. Rows J of the conformance list. */
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64url } from '../../../src/doors/acme/base64url.ts';
import { parseObject } from '../../../src/doors/acme/json.ts';
import { parseJws } from '../../../src/doors/acme/jws.ts';
import { AcmeError } from '../../../src/doors/acme/problem.ts';
import { AcmeClient, type Answer, type Jws, jwkOf, newKey, type PostOptions, signBytes, signJws } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

let lab: DoorLab;
let client: AcmeClient;
before(async () => {
  lab = await openDoorLab();
  client = await lab.client();
});
after(() => lab[Symbol.asyncDispose]());

const order = { identifiers: [{ type: 'dns', value: 'j.internal' }] };
const orderWith = (options: PostOptions): Promise<Answer> => client.post(client.directory.newOrder, order, options);
const tampered = (tamper: (jws: Jws) => unknown): Promise<Answer> => orderWith({ tamper });

test('J-01: general and compact serializations are refused', async () => {
  refused(await tampered(({ payload, ...rest }) => ({ payload, signatures: [rest] })), 400, 'malformed', /flattened/);
  refused(await tampered((jws) => ({ ...jws, signatures: [] })), 400, 'malformed', /flattened/);
  refused(await tampered((jws) => `${jws.protected}.${jws.payload}.${jws.signature}`), 400, 'malformed');
});

test('J-02: an unprotected header is refused', async () => {
  refused(await tampered((jws) => ({ ...jws, header: { alg: 'ES256' } })), 400, 'malformed', /unprotected/);
});

test('J-03: b64 and crit are refused', async () => {
  refused(await orderWith({ header: { b64: false } }), 400, 'malformed', /crit/);
  refused(await orderWith({ header: { b64: true } }), 400, 'malformed', /crit/);
  refused(await orderWith({ header: { crit: ['b64'], b64: false } }), 400, 'malformed', /crit/);
  refused(await orderWith({ header: { crit: [] } }), 400, 'malformed', /crit/);
});

test('J-04: a detached payload is refused', async () => {
  refused(await tampered(({ payload: _, ...rest }) => rest), 400, 'malformed');
});

test('J-05: base64url is held to its alphabet, without padding, in its one spelling', async () => {
  for (const member of ['protected', 'payload', 'signature'] as const) {
    for (const change of [(s: string) => `${s}=`, (s: string) => `${s} `, (s: string) => `+${s.slice(1)}`, (s: string) => `${s.slice(0, -1)}\n`, (s: string) => `${s}A`.padEnd(s.length + (5 - (s.length % 4)), 'A')]) {
      const answer = await tampered((jws) => ({ ...jws, [member]: change(jws[member]) }));
      refused(answer, 400, 'malformed');
    }
  }
  assert.equal(decodeBase64url('AB'), undefined, 'trailing bits that mean nothing');
  assert.deepEqual(decodeBase64url('AA'), Buffer.of(0));
  assert.equal(decodeBase64url('A'), undefined);
});

test('J-06: alg, nonce, url and exactly one of jwk and kid, each once', async () => {
  for (const member of ['alg', 'nonce', 'url']) {
    refused(await orderWith({ header: { [member]: undefined } }), 400, 'malformed', new RegExp(member));
    refused(await orderWith({ header: { [member]: 7 } }), 400, 'malformed', new RegExp(member));
  }
  refused(await orderWith({ header: { jwk: jwkOf(client.key) } }), 400, 'malformed', /one of/);
  refused(await orderWith({ header: { kid: undefined } }), 400, 'malformed', /one of/);
  refused(await orderWith({ header: { kid: 7 } }), 400, 'malformed');
  const url = client.directory.newOrder;
  const head = { alg: 'ES256', nonce: await client.nonce(), url, kid: client.account };
  const twice = JSON.stringify(head).replace('{', '{ "url" : "https://ca.test/elsewhere",');
  refused(await client.postRaw(url, signJws(client.key, twice, order)), 400, 'malformed', /once/);
});

test('J-07: none and MACs are refused', async () => {
  const url = client.directory.newOrder;
  for (const alg of ['none', 'HS256', 'HS384', 'HS512']) {
    const head = Buffer.from(JSON.stringify({ alg, nonce: await client.nonce(), url, kid: client.account })).toString('base64url');
    const body = Buffer.from(JSON.stringify(order)).toString('base64url');
    const mac = createHmac('sha256', client.key.publicKey.export({ type: 'spki', format: 'pem' })).update(`${head}.${body}`).digest('base64url');
    refused(await client.postRaw(url, { protected: head, payload: body, signature: alg === 'none' ? '' : mac }), 400, 'badSignatureAlgorithm');
  }
});

test('J-08: an unknown algorithm is refused with the list of those that are known', async () => {
  for (const alg of ['PS999', 'constructor', '__proto__', '']) {
    const answer = await orderWith({ header: { alg } });
    refused(answer, 400, 'badSignatureAlgorithm');
    assert.deepEqual(answer.json.algorithms, ['ES256', 'ES384', 'ES512', 'RS256', 'EdDSA', 'Ed25519']);
  }
});

test('J-09: P-521 and the name Ed25519 work as well', async () => {
  assert.ok((await lab.client(newKey('ES512'))).account);
  const other = new AcmeClient(lab.send, lab.directoryUrl, newKey('EdDSA'));
  await other.open();
  const answer = await other.post(other.directory.newAccount, {}, { byKey: true, header: { alg: 'Ed25519' } });
  assert.equal(answer.status, 201);
});

test('J-10: an algorithm goes with its own kind of key and no other', async () => {
  for (const alg of ['ES384', 'RS256', 'EdDSA']) refused(await orderWith({ header: { alg } }), 400, 'badSignatureAlgorithm', /does not go with/);
  const ask = (given: AcmeClient, header: Readonly<Record<string, unknown>>) => given.post(client.directory.newAccount, {}, { byKey: true, header });
  for (const [keyType, alg] of [['ES384', 'ES256'], ['ES256', 'RS256'], ['ES256', 'EdDSA']] as const) {
    const stranger = new AcmeClient(lab.send, lab.directoryUrl, newKey(keyType));
    await stranger.open();
    refused(await ask(stranger, { alg }), 400, 'badSignatureAlgorithm', /does not go with/);
  }
  const stranger = new AcmeClient(lab.send, lab.directoryUrl, newKey());
  await stranger.open();
  for (const alg of ['ES384', 'none', 7]) refused(await ask(stranger, { jwk: { ...jwkOf(stranger.key), alg } }), 400, 'badSignatureAlgorithm', /"alg" in the "jwk"/);
  assert.equal((await ask(stranger, { jwk: { ...jwkOf(stranger.key), alg: 'ES256' } })).status, 201);
});

test('J-11: keys that are weak, malformed or of no use are refused', async () => {
  const { directory: { newAccount: url } } = await client.open();
  const good = jwkOf(newKey());
  const rsa = (bits: number, exponent = 65537) =>
    generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent }).publicKey.export({ format: 'jwk' });
  const p224 = { kty: 'EC', crv: 'P-224', x: 'AAAA', y: 'AAAA' };
  const cases: [string, object, string][] = [
    ['RSA 1024', rsa(1024), 'badPublicKey'],
    ['RSA 2056', rsa(2056), 'badPublicKey'],
    ['RSA e=3', rsa(2048, 3), 'badPublicKey'],
    ['P-224', p224, 'badPublicKey'],
    ['secp256k1', { ...good, crv: 'secp256k1' }, 'badPublicKey'],
    ['not on the curve', { ...good, y: Buffer.alloc(32, 7).toString('base64url') }, 'badPublicKey'],
    ['infinity', { ...good, x: Buffer.alloc(32).toString('base64url'), y: Buffer.alloc(32).toString('base64url') }, 'badPublicKey'],
    ['long x', { ...good, x: Buffer.concat([Buffer.of(0), Buffer.from(good['x'] ?? '', 'base64url')]).toString('base64url') }, 'badPublicKey'],
    ['oct', { kty: 'oct', k: 'AAAA' }, 'malformed'],
    ['private', newKey().privateKey.export({ format: 'jwk' }), 'malformed'],
    ['empty', {}, 'badPublicKey'],
    ['__proto__', JSON.parse('{"__proto__":{"kty":"EC"}}'), 'badPublicKey'],
    ['kty constructor', { kty: 'EC', crv: 'constructor', x: 'AA', y: 'AA' }, 'badPublicKey'],
  ];
  for (const [what, jwk, type] of cases) {
    const alg = (jwk as { kty?: string }).kty === 'RSA' ? 'RS256' : 'ES256';
    const head = { alg, nonce: await client.nonce(), url, jwk };
    const answer = await client.postRaw(url, signJws(newKey(), head, {}));
    assert.equal(answer.json.type, `urn:ietf:params:acme:error:${type}`, `${what}: ${answer.text}`);
    assert.equal(answer.status, 400, what);
  }
});

test('J-12: jwk opens an account and does nothing else; kid does not open one', async () => {
  refused(await orderWith({ byKey: true }), 400, 'malformed', /kid/);
  refused(await client.post(client.directory.newAccount, {}), 400, 'malformed', /jwk/);
});

test('J-13: a kid is the URL of an account here', async () => {
  const id = client.account?.split('/').at(-1) ?? '';
  for (const kid of [`https://elsewhere/acme/account/${id}`, `http://ca.test/acme/account/${id}`, id, '', `${client.account}/`, `${client.account}?`, 'https://ca.test/acme/account/1', client.account?.replace('/account/', '/order/')]) {
    refused(await orderWith({ header: { kid } }), 400, 'malformed');
  }
  refused(await orderWith({ header: { kid: `https://ca.test/acme/account/ffff${'0'.repeat(32)}` } }), 400, 'accountDoesNotExist');
});

test('J-14: a deactivated account is unauthorized, with 401', async () => {
  const leaving = await lab.client();
  const account = leaving.account as string;
  assert.equal((await leaving.post(account, { status: 'deactivated' })).status, 200);
  refused(await leaving.post(account), 401, 'unauthorized', /deactivated/);
  refused(await leaving.post(leaving.directory.newOrder, order), 401, 'unauthorized');
});

test('J-15: a signature that does not verify is malformed, and nothing is done', async () => {
  const other = newKey();
  refused(await tampered((jws) => ({ ...jws, signature: signBytes(other, `${jws.protected}.${jws.payload}`).toString('base64url') })), 400, 'malformed', /does not verify/);
  refused(await tampered((jws) => ({ ...jws, payload: Buffer.from('{}').toString('base64url') })), 400, 'malformed', /does not verify/);
  const account = client.account as string;
  const answer = await client.post(account, { status: 'deactivated' }, { tamper: (jws) => ({ ...jws, signature: Buffer.alloc(64, 1).toString('base64url') }) });
  refused(answer, 400, 'malformed');
  assert.equal((await client.post(account)).json.status, 'valid');
});

test('J-16, O#20357: the url is compared as text', async () => {
  const { newOrder: url } = client.directory;
  for (const wrong of [`${url}/`, `${url}?`, `${url}?a=1`, url.replace('https', 'http'), url.replace('ca.test', 'CA.test'), url.replace('ca.test', 'ca.test:443'), url.replace('new-order', 'new%2Dorder'), client.directory.newAccount, '']) {
    const answer = await client.post(url, order, { header: { url: wrong } });
    refused(answer, 403, 'unauthorized', /url/);
  }
});

test('J-17: a url outside the protected header does not count', async () => {
  refused(await orderWith({ header: { url: undefined }, tamper: (jws) => ({ ...jws, url: client.directory.newOrder }) }), 400, 'malformed');
});

test('J-18, G-14, DV-09: ES256 signatures without leading zeros, as Apple sends them, are accepted', async () => {
  const account = client.account as string;
  for (const wanted of [(r: Buffer, s: Buffer) => r[0] === 0 && s[0] !== 0, (r: Buffer, s: Buffer) => r[0] !== 0 && s[0] === 0]) {
    const head = { alg: 'ES256', nonce: await client.nonce(), url: account, kid: client.account };
    const { protected: encoded } = signJws(client.key, head, '');
    let short: Buffer | undefined;
    for (let i = 0; i < 5000 && short === undefined; i++) {
      const signature = signBytes(client.key, `${encoded}.`);
      const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
      if (wanted(r, s)) short = Buffer.concat([r[0] === 0 ? r.subarray(1) : r, s[0] === 0 ? s.subarray(1) : s]);
    }
    assert.equal(short?.length, 63);
    const answer = await client.postRaw(account, { protected: encoded, payload: '', signature: short?.toString('base64url') });
    assert.equal(answer.status, 200, answer.text);
  }
  refused(await client.post(account, '', { tamper: (jws) => ({ ...jws, signature: Buffer.from(jws.signature, 'base64url').subarray(0, 61).toString('base64url') }) }), 400, 'malformed');
});

test('J-19: DER signatures and zeros are refused', async () => {
  const account = client.account as string;
  refused(await client.post(account, '', {
    tamper: (jws) => ({ ...jws, signature: sign('sha256', Buffer.from(`${jws.protected}.${jws.payload}`), client.key.privateKey).toString('base64url') }),
  }), 400, 'malformed');
  refused(await client.post(account, '', { tamper: (jws) => ({ ...jws, signature: Buffer.alloc(64).toString('base64url') }) }), 400, 'malformed');
  refused(await client.post(account, '', { tamper: (jws) => ({ ...jws, signature: '' }) }), 400, 'malformed');
});

test('J-20: a key has one thumbprint: short coordinates are refused', async () => {
  const { newAccount: url } = client.directory;
  let key = newKey();
  for (let i = 0; i < 2000 && Buffer.from(jwkOf(key)['x'] ?? '', 'base64url')[0] !== 0; i++) key = newKey();
  const jwk = jwkOf(key);
  const short = { ...jwk, x: Buffer.from(jwk['x'] ?? '', 'base64url').subarray(1).toString('base64url') };
  const head = { alg: 'ES256', nonce: await client.nonce(), url, jwk: short };
  refused(await client.postRaw(url, signJws(key, head, {})), 400, 'badPublicKey', /32 octets/);
});

test('J-21: the same key in other words is the same account', async () => {
  const key = newKey('RS256');
  const first = await lab.client(key);
  const { newAccount: url } = first.directory;
  const { n = '', e = '' } = jwkOf(key);
  const padded = Buffer.concat([Buffer.alloc(3), Buffer.from(n, 'base64url')]).toString('base64url');
  for (const jwk of [{ use: 'sig', alg: 'RS256', kid: 'mine', n, e, kty: 'RSA' }, { n: padded, e, kty: 'RSA' }]) {
    const answer = await first.postRaw(url, signJws(key, { alg: 'RS256', nonce: await first.nonce(), url, jwk }, {}));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['location'], first.account);
  }
});

test('J-22: bodies that are no JSON are malformed, large ones are 413', async () => {
  const { newOrder: url } = client.directory;
  for (const body of ['', '{', 'null', '[]', '"x"', '{}x']) refused(await client.postRaw(url, body), 400, 'malformed');
  refused(await client.postRaw(url, Buffer.from([0x7b, 0xff, 0x7d])), 400, 'malformed');
  refused(await client.postRaw(url, `{"protected":"${'A'.repeat(70_000)}"}`), 413, 'malformed');
});

test('J-23: a payload is an object, and nothing in it touches a prototype', async () => {
  const { newOrder: url } = client.directory;
  for (const payload of ['[]', '"x"', 'null', '7', '{}x', '{"a":1,"a":2}', '\ufeff{}']) {
    const head = { alg: 'ES256', nonce: await client.nonce(), url, kid: client.account };
    refused(await client.postRaw(url, signJws(client.key, head, payload)), 400, 'malformed');
  }
  const deep = `{"identifiers":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
  const head = { alg: 'ES256', nonce: await client.nonce(), url, kid: client.account };
  refused(await client.postRaw(url, signJws(client.key, head, deep)), 400, 'malformed');
  const polluted = JSON.stringify(order).replace('{', '{"__proto__":{"profile":"nope"},"constructor":{"prototype":{"x":1}},');
  const more = { alg: 'ES256', nonce: await client.nonce(), url, kid: client.account };
  assert.equal((await client.postRaw(url, signJws(client.key, more, polluted))).status, 201);
  assert.equal(({} as Record<string, unknown>)['profile'], undefined);
});

test('J-24: members that we do not know are ignored', async () => {
  assert.equal((await client.post(client.directory.newOrder, { ...order, resource: 'new-order', x: [1] })).status, 201);
});

test('parsing a JWS never throws anything but a refusal', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => onlyRefusals(bytes)), { numRuns: 2000 });
  const text = fc.oneof(fc.string(), fc.base64String(), fc.constantFrom('', '=', '__proto__', '\u0000', '\ud800'));
  const header = fc.record({ alg: text, url: text, nonce: text, kid: text, jwk: fc.dictionary(text, text), crit: fc.array(text) }, { requiredKeys: [] });
  const jws = fc.record({ protected: header.map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')), payload: text, signature: text }, { requiredKeys: [] });
  fc.assert(fc.property(jws, (value) => onlyRefusals(Buffer.from(JSON.stringify(value)))), { numRuns: 2000 });
});

function onlyRefusals(bytes: Uint8Array): void {
  try {
    parseJws(bytes);
  } catch (error) {
    if (!(error instanceof AcmeError)) throw error;
  }
}

test('base64url: what decodes is what encodes, and nothing else', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const text = Buffer.from(bytes).toString('base64url');
    assert.deepEqual(decodeBase64url(text), Buffer.from(bytes));
    assert.equal(decodeBase64url(`${text}=`), undefined);
  }), { numRuns: 500 });
  fc.assert(fc.property(fc.string({ maxLength: 50 }), (text) => {
    const octets = decodeBase64url(text);
    if (octets !== undefined) assert.equal(octets.toString('base64url'), text);
  }), { numRuns: 2000 });
});

test('JSON: an object parses exactly when it names its members once', () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (value, spaced) => {
    const text = JSON.stringify(value, undefined, spaced ? 1 : undefined);
    assert.deepEqual(parseObject(Buffer.from(text)), JSON.parse(text));
    const [name] = Object.keys(value);
    if (name === undefined) return;
    assert.equal(parseObject(Buffer.from(text.replace('{', () => `{${JSON.stringify(name)}: 0,`))), undefined);
  }), { numRuns: 1000 });
  assert.equal(parseObject(Buffer.from('{"a":1,"\\u0061":2}')), undefined);
  assert.deepEqual(parseObject(Buffer.from('{"a":{"b":1,"c":"}\\""} ,"b":[{"a":1},{"a":1}]}')), { a: { b: 1, c: '}"' }, b: [{ a: 1 }, { a: 1 }] });
});
