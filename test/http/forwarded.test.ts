/** Who asks, behind reverse proxies: the rightmost address of X-Forwarded-For that is not a trusted proxy's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientAddressBehind } from '../../src/http/forwarded.ts';

const PROXY = '10.0.0.1';
const behind = clientAddressBehind(['10.0.0.0/24', 'fd00:1::/64', '192.0.2.9/32']);

test('without proxies the header is nothing', () => {
  const direct = clientAddressBehind([]);
  assert.equal(direct('203.0.113.1', '192.0.2.1'), '203.0.113.1');
  assert.equal(direct('', '192.0.2.1'), '');
});

test('only a trusted peer is believed, and only about who asked it', () => {
  const cases: [string, string | undefined, string][] = [
    ['203.0.113.1', '192.0.2.1', '203.0.113.1'], [PROXY, undefined, PROXY], [PROXY, '', PROXY], [PROXY, '192.0.2.1', '192.0.2.1'],
    [PROXY, '1.1.1.1, 192.0.2.1', '192.0.2.1'], [PROXY, '192.0.2.1,10.0.0.7', '192.0.2.1'], [PROXY, '192.0.2.1, 192.0.2.9 ,10.0.0.7', '192.0.2.1'],
    [PROXY, '10.0.0.5, 10.0.0.6', '10.0.0.5'], ['fd00:1::2', '2001:DB8::1', '2001:db8::1'], ['::ffff:10.0.0.1', '192.0.2.1', '192.0.2.1'],
    [PROXY, '192.0.2.1:4711', '192.0.2.1'], [PROXY, '[2001:db8::1]:4711', '2001:db8::1'], [PROXY, '[2001:db8::1]', '2001:db8::1'],
  ];
  for (const [socket, header, expected] of cases) assert.equal(behind(socket, header), expected, `${socket} ${header}`);
});

test('what is no address ends the list: then the proxy itself asks', () => {
  for (const hop of ['unknown', '_hidden', '0x7f.1', '127.1', '010.0.0.1', 'fe80::1%eth0', '10.0.0.0/8', '192.0.2.1 192.0.2.2', '[::1', ';', '192.0.2.1:x']) {
    assert.equal(behind(PROXY, hop), PROXY, hop);
    assert.equal(behind(PROXY, `192.0.2.1, ${hop}, 10.0.0.8`), '10.0.0.8', hop);
  }
});

test('a list of any length and content costs little and ends in an address', () => {
  const long = Array<string>(2000).fill('10.0.0.2').join();
  assert.equal(behind(PROXY, `192.0.2.1,${long}`), '10.0.0.2');
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (header) => assert.match(behind(PROXY, header), /^[\da-f.:]+$/)), { numRuns: 5000 });
  // Whoever writes the left of the list cannot change what comes of its right.
  fc.assert(fc.property(fc.string({ maxLength: 80 }), (invented) => assert.equal(behind(PROXY, `${invented},198.51.100.4`), '198.51.100.4')), { numRuns: 2000 });
});
