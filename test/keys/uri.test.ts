/** Key URIs (RFC 7512): what is read, and what is refused with a sentence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyUriFault, parseKeyUri } from '../../src/keys/uri.ts';

test('a key URI (RFC 7512) is read with its percent escapes', () => {
  assert.deepEqual(
    parseKeyUri(
      'pkcs11:token=The%20Root;serial=0a1b;object=k%3B1;id=%01%FF;type=private' +
        '?pin-source=file:/etc/pin&module-path=/usr/lib/x.so',
    ),
    {
      token: 'The Root',
      serial: '0a1b',
      object: 'k;1',
      id: '01ff',
      pinFile: '/etc/pin',
      modulePath: '/usr/lib/x.so',
    },
  );
  for (const source of ['/run/pin', 'file:/run/pin', 'file:///run/pin', 'file://localhost/run/pin']) {
    assert.equal(parseKeyUri(`pkcs11:token=a;object=b?pin-source=${source}`).pinFile, '/run/pin');
  }
});

const REFUSED: readonly [uri: string, why: RegExp][] = [
  ['file:/etc/key', /starts with pkcs11:/],
  ['pkcs11:token=a;object=b#c', /fragment/],
  ['pkcs11:object=b', /no token/],
  ['pkcs11:token=a', /no key/],
  ['pkcs11:token=a;object=b;colour=red', /unknown attribute .* colour/],
  ['pkcs11:token=a;token=b;object=c', /token stands twice/],
  ['pkcs11:token=a;object=b;type=public', /cannot sign/],
  ['pkcs11:token=a;object=%zz', /bad % escape/],
  ['pkcs11:token=a;object=b?pin-source=|cat%20pin', /absolute path/],
  ['pkcs11:token=a;object=b?pin-source=pins/a', /absolute path/],
  ['pkcs11:token=a;object=b;slot-id=x', /no number/],
];

for (const [uri, why] of REFUSED) {
  test(`refused: ${uri}`, () => assert.throws(() => parseKeyUri(uri), { name: 'KeyUriFault', message: why }));
}

test('a PIN in the URI is refused, and not repeated', () => {
  assert.throws(
    () => parseKeyUri('pkcs11:token=a;object=b?pin-value=314159'),
    (error) => error instanceof KeyUriFault && /pin-source/.test(error.message) && !error.message.includes('314159'),
  );
});
