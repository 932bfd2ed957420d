// One spelling per host: acme.md HV-4, SF-2.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostText, parseHost } from '../../src/dial/host.ts';

test('HV-4: names are lower-cased and lose one trailing dot', () => {
  for (const [text, name] of [
    ['Example.COM', 'example.com'], ['example.com.', 'example.com'], ['localhost.', 'localhost'], ['intranet', 'intranet'],
    ['_acme.example', '_acme.example'], ['xn--bcher-kva.example', 'xn--bcher-kva.example'], ['1.example', '1.example'], ['a--b.c', 'a--b.c'],
  ] as const) {
    assert.deepEqual(parseHost(text), { kind: 'name', name }, text);
  }
});

test('addresses: dotted decimal, and IPv6 in brackets, in canonical form', () => {
  for (const [text, address, shown] of [
    ['192.168.1.1', '192.168.1.1', '192.168.1.1'], ['[2001:DB8::0:1]', '2001:db8::1', '[2001:db8::1]'], ['[::1]', '::1', '[::1]'],
  ] as const) {
    const host = parseHost(text);
    assert.deepEqual(host, { kind: 'ip', address }, text);
    assert.equal(host && hostText(host), shown);
  }
});

test('SF-2: odd spellings of IPv4 and everything else are no host', () => {
  for (const text of [
    '0x7f.1', '0x7f000001', '127.1', '2130706433', '017700000001', '0177.0.0.1', '127.0.0.1.5', '127.0.0.256', 'example.123', 'a.0x', '0x',
    '[127.0.0.1]', '[fe80::1%eth0]', '[::1', '::1', '[]', '', '.', '..', 'a..b', '.a', 'a..', '-a.b', 'a-.b', 'a b', 'a/b', 'a@b', 'a:80', 'bücher.de',
    `${'a'.repeat(64)}.b`, `${'a.'.repeat(127)}abc`, '*.a', 'a\u0000b', '%61',
  ]) {
    assert.equal(parseHost(text), undefined, text);
  }
});
