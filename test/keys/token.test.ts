/** What is accepted as a key, against SoftHSM: by public value, unextractable, exactly one; and that every kind signs. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { KeyFault } from '../../src/keys/errors.ts';
import { MECHANISMS } from '../../src/keys/mechanisms.ts';
import { KeyModule } from '../../src/keys/module.ts';
import { RefusedPins } from '../../src/keys/pin.ts';
import { type KeyKind, makeToken, Workbench } from '../../src/keys/provision.ts';
import { byToken, Token, type WantedKey } from '../../src/keys/token.ts';
import { parseKeyUri } from '../../src/keys/uri.ts';
import { ALGORITHMS, type SignatureAlgorithm } from '../../src/x509/algorithm.ts';
import { freshSpki, PIN, SOFTHSM, useTokens } from '../support/signer.ts';

const directory = mkdtempSync(join(tmpdir(), 'chancery-keys-'));
const module = new KeyModule(SOFTHSM);
const spkis = new Map<string, Uint8Array>();

const KINDS: readonly [KeyKind, readonly SignatureAlgorithm[]][] = [
  ['p-256', ['ecdsa-sha256-p256']],
  ['p-384', ['ecdsa-sha384-p384']],
  ['rsa-2048', ['rsa-pkcs1-sha256', 'rsa-pss-sha256']],
  ['rsa-3072', ['rsa-pkcs1-sha256', 'rsa-pss-sha256']],
  ['rsa-4096', ['rsa-pkcs1-sha256', 'rsa-pss-sha256']],
  ['ed25519', ['ed25519']],
];

before(() => {
  useTokens(directory);
  writeFileSync(join(directory, 'pin'), PIN, { mode: 0o600 });
  module.initialise();
  makeToken(module, 'keys', '12345678', PIN);
  module.initialise();
  using bench = new Workbench(module, 'keys', PIN);
  for (const [index, [kind]] of KINDS.entries()) spkis.set(kind, bench.generate(kind, Buffer.of(index + 1), kind));
  spkis.set('twin', bench.generate('p-256', Buffer.of(0x20), 'p-256'));
  spkis.set('loose', bench.generate('loose', Buffer.of(0x21), 'p-256', { extractable: true }));
  spkis.set('shown', bench.generate('shown', Buffer.of(0x22), 'p-256', { sensitive: false }));
  spkis.set('mute', bench.generate('mute', Buffer.of(0x23), 'p-256', { sign: false }));
  spkis.set('same-id', bench.generate('same-id', Buffer.of(0x24), 'p-256'));
  bench.generate('same-id-too', Buffer.of(0x25), 'p-256', { id: Buffer.of(0x24) });
});
after(() => {
  module.finalise();
  rmSync(directory, { recursive: true });
});

const open = (
  path: string,
  spki: Uint8Array | undefined,
  algorithm: SignatureAlgorithm = 'ecdsa-sha256-p256',
): Token => {
  const uri = parseKeyUri(`pkcs11:token=keys;${path}?pin-source=${directory}/pin`);
  const wanted: WantedKey = { id: 'issuer-1', uri, spki: spki as Uint8Array, algorithm };
  module.initialise();
  return new Token(module, [wanted], 1, new RefusedPins(join(directory, 'refused')));
};

for (const [kind, algorithms] of KINDS) {
  for (const algorithm of algorithms) {
    test(`${kind} signs with ${algorithm}, and the signature verifies`, async () => {
      const token = open(`object=${kind}`, spkis.get(kind), algorithm);
      // Many, so that leading zeros and high bits of r and s all occur.
      for (let round = 0; round < (kind.startsWith('p-') ? 300 : 3); round++) {
        const tbs = Buffer.from(`round ${round}`);
        const signature = await (token.lanes[0] as (typeof token.lanes)[0]).sign(
          token.handle('issuer-1'),
          MECHANISMS[algorithm],
          tbs,
        );
        assert.ok(ALGORITHMS[algorithm].verify(spkis.get(kind) as Uint8Array, tbs, signature));
      }
    });
  }
}

test('the key is found by its public value: another key under the same label does no harm', async () => {
  for (const name of ['p-256', 'twin']) {
    const token = open('object=p-256', spkis.get(name));
    const tbs = Buffer.from(name);
    const lane = token.lanes[0] as (typeof token.lanes)[0];
    const signature = await lane.sign(token.handle('issuer-1'), MECHANISMS['ecdsa-sha256-p256'], tbs);
    assert.ok(ALGORITHMS['ecdsa-sha256-p256'].verify(spkis.get(name) as Uint8Array, tbs, signature));
  }
});

const REFUSED: readonly [what: string, path: string, key: string, why: RegExp][] = [
  [
    'a key under another label than the URI says',
    'object=p-384',
    'p-256',
    /labelled "p-256", its URI says object=p-384/,
  ],
  ['a key under another id than the URI says', 'id=%63', 'p-256', /has the id 01, its URI says 63/],
  ['an extractable key', 'object=loose', 'loose', /is extractable/],
  ['a key that is not sensitive', 'object=shown', 'shown', /is not sensitive/],
  ['a key that may not sign', 'object=mute', 'mute', /may not sign/],
  [
    'two private keys under the id of the public key',
    'object=same-id',
    'same-id',
    /holds 2 private keys with the id 24/,
  ],
];
for (const [what, path, key, why] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => open(path, spkis.get(key)),
      (error) => error instanceof KeyFault && error.remedy === 'never' && why.test(error.message),
    );
  });
}

test('refused: the right label over another public key than the certificate has', () => {
  assert.throws(() => open('object=p-256', freshSpki()), /holds no key with the public key of issuer-1's certificate/);
});

test('a token that is not there is waited for; keys of one token share it', () => {
  const uri = (token: string) => parseKeyUri(`pkcs11:token=${token};object=a?pin-source=/p`);
  const wanted = (id: string, token: string): WantedKey => ({
    id,
    uri: uri(token),
    spki: new Uint8Array(),
    algorithm: 'ed25519',
  });
  assert.deepEqual(
    byToken([wanted('1', 'a'), wanted('2', 'b'), wanted('3', 'a')]).map((group) => group.map(({ id }) => id)),
    [['1', '3'], ['2']],
  );
  module.initialise();
  assert.throws(
    () => new Token(module, [wanted('1', 'nowhere')], 1, new RefusedPins(join(directory, 'refused'))),
    (error) =>
      error instanceof KeyFault && error.remedy === 'initialise' && /there is no token nowhere/.test(error.message),
  );
});

test('a module that is missing or is none is named in one sentence', () => {
  assert.throws(() => new KeyModule('/nowhere/module.so'), /there is no PKCS#11 module at \/nowhere\/module.so/);
  assert.throws(() => new KeyModule(join(directory, 'pin')), /is no PKCS#11 module/);
});

test('ECDSA: only signatures of the right length, without zeros, become Ecdsa-Sig-Value', () => {
  const { output } = MECHANISMS['ecdsa-sha256-p256'];
  const half = (first: number) => Buffer.concat([Buffer.of(first), Buffer.alloc(30), Buffer.of(1)]);
  assert.equal(
    Buffer.from(output(Buffer.concat([half(0x80), half(0)])))
      .toString('hex')
      .slice(0, 10),
    '3026022100',
  );
  assert.throws(() => output(Buffer.alloc(63)), /of 63 bytes/);
  assert.throws(() => output(Buffer.concat([Buffer.alloc(32), half(1)])), /zero/);
});

test('a public half alone, as a generation that was killed leaves it, is no key, and another can be made', () => {
  module.initialise();
  using bench = new Workbench(module, 'keys', PIN);
  const half = bench.generate('half', Buffer.of(0x30), 'p-256', { id: Buffer.of(0x31), label: 'the other half' });
  assert.equal(bench.publicKey('half', 'p-256'), undefined);
  const whole = bench.generate('half', Buffer.of(0x30), 'p-256');
  assert.notDeepEqual(whole, half);
  assert.deepEqual(bench.publicKey('half', 'p-256'), whole);
});
