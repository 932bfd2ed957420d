/** What is a name and what only looks like one: RFC 8555 §7.1.4, RFC 8738, RFC 5952, SPIFFE-ID §2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalIp, ipOctets, ipText } from '../../src/x509/ip.ts';
import { nameFault, nameKey, parseDnsName, parseIpName, parseSpiffeId, reverse } from '../../src/x509/name.ts';

const GOOD_DNS: [text: string, value?: string][] = [
  ['www.example.com'], ['WWW.Example.COM', 'www.example.com'], ['localhost'], ['nas'], ['*.example.com'], ['a'.repeat(63)], ['1.example'],
  ['xn--bcher-kva.example'], ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'], ['a-b.example'], ['0x.example'],
  [`${'a.'.repeat(126)}a`],
];
for (const [text, value = text] of GOOD_DNS) {
  test(`dns name: ${text.slice(0, 40)}`, () => assert.deepEqual(parseDnsName(text), { value }));
}

const BAD_DNS = [
  '', '.', 'a..b', '.a', 'a.', 'example.com.', '-a.example', 'a-.example', 'a_b.example', 'a b.example', ' a.example', 'a.example\n', 'a:80',
  'user@a.example', 'http://a.example', 'a.example/', '127.0.0.1', '0x7f.1', '2130706433', '0x7f000001', '0x', '1.2.3', 'a.1', '[::1]', '::1',
  '*', 'a.*', '*.*.a', '*x.a', 'x*.a', '*.', 'ab--cd.example', 'xn--a.example', 'xn--.example', 'xn--a-.example', 'bücher.example',
  'xn--ls8h.example', 'xn--bcher-kva8445foa.example.\u0000', `${'a'.repeat(64)}.example`, `${'a.'.repeat(127)}a`, '*.127.0.0.1', 'ａ.example',
  'xn--www-hoa.example.', 'xn--abc.example',
];
for (const text of BAD_DNS) {
  test(`no dns name: ${JSON.stringify(text.slice(0, 40))}`, () => assert.ok(parseDnsName(text).fault));
}

const IPS: [text: string, canonical: string | undefined][] = [ // RFC 5952 §4
  ['127.0.0.1', '127.0.0.1'], ['2001:DB8::1', '2001:db8::1'], ['2001:0db8::0001', '2001:db8::1'], ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'], ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['::', '::'], ['::1', '::1'], ['1::', '1::'], ['::1.2.3.4', '::102:304'], ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['010.0.0.1', undefined], ['1.2.3', undefined], ['1.2.3.256', undefined], ['1.2.3.4.5', undefined], ['0x7f.0.0.1', undefined], ['', undefined],
  [':::', undefined], ['1::2::3', undefined], ['1:2:3:4:5:6:7', undefined], ['1:2:3:4:5:6:7:8:9', undefined], ['1:2:3:4:5:6:7::8', undefined],
  ['12345::', undefined], ['fe80::1%eth0', undefined], ['[::1]', undefined], ['10.0.0.0/8', undefined], ['1.2.3.4::', undefined], ['::g', undefined],
  [':1', undefined], ['1:', undefined],
];
for (const [text, canonical] of IPS) {
  test(`address ${JSON.stringify(text)} is ${canonical}`, () => assert.equal(canonicalIp(text), canonical));
}

test('every address is written in one way, and that is read back', () => {
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })), (octets) => {
    const text = ipText(octets);
    assert.deepEqual(Buffer.from(ipOctets(text ?? '') ?? []), Buffer.from(octets));
    assert.equal(canonicalIp(text ?? ''), text);
  }));
  fc.assert(fc.property(fc.ipV6(), (text) => assert.ok(ipOctets(text))));
});

test('an address is an identifier only in canonical form, and never IPv4 in disguise: RFC 8738 §3', () => {
  assert.deepEqual(parseIpName('fd00::1'), { value: 'fd00::1' });
  assert.match(parseIpName('FD00::1').fault ?? '', /fd00::1/);
  assert.match(parseIpName('::ffff:10.0.0.1').fault ?? '', /IPv4/);
  assert.ok(parseIpName('::ffff:a00:1').fault);
});

test('SPIFFE IDs of workloads', () => {
  for (const good of ['spiffe://example.org/ns/default/sa/web', 'spiffe://a_b-c.1/X', `spiffe://t/${'a'.repeat(2037)}`])
    assert.deepEqual(parseSpiffeId(good), { value: good });
  const bad = [
    'spiffe://', 'spiffe://td', 'spiffe://td/', 'spiffe://Td/a', 'spiffe://td/a/', 'spiffe://td//a', 'spiffe://td/./a', 'spiffe://td/../a',
    'spiffe://td/%2e', 'spiffe://td:80/a', 'spiffe://u@td/a', 'spiffe://td/a?b', 'spiffe://td/a#b', 'SPIFFE://td/a', 'https://td/a', 'spiffe:///a',
    `spiffe://${'a'.repeat(256)}/a`, `spiffe://t/${'a'.repeat(2038)}`, 'spiffe://td/ä',
  ];
  for (const text of bad) assert.ok(parseSpiffeId(text).fault, text);
});

test('keys and suffix forms', () => {
  assert.equal(nameKey({ type: 'dns', value: 'a.b' }), 'dns:a.b');
  assert.equal(reverse({ type: 'dns', value: '*.www.example.com' }), 'com.example.www.*');
  assert.equal(reverse({ type: 'ip', value: '10.0.0.1' }), '10.0.0.1');
});

test('names in other than canonical form are told', () => {
  assert.equal(nameFault({ type: 'dns', value: 'a.example' }), undefined);
  assert.ok(nameFault({ type: 'dns', value: 'A.example' }));
  assert.ok(nameFault({ type: 'uri', value: 'relative' }));
  assert.equal(nameFault({ type: 'uri', value: 'urn:uuid:0' }), undefined);
  assert.equal(nameFault({ type: 'email', value: 'a@b.example' }), undefined);
  assert.ok(nameFault({ type: 'email', value: 'a b@c' }));
});

test('property: a DNS name that is taken is in one spelling, ends in no number, and is what a URL makes of it', () => {
  const label = fc.oneof(fc.stringMatching(/^[a-zA-Z0-9-]{0,12}$/), fc.constantFrom('xn--bcher-kva', '*', '0x7f', '127', '2130706433', 'a_b', '\u00fc', 'a'.repeat(64), ''));
  const text = fc.oneof(fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.')), fc.domain(), fc.string());
  fc.assert(fc.property(text, (given) => {
    const { value } = parseDnsName(given);
    if (value === undefined) return;
    assert.equal(value, given.toLowerCase());
    assert.deepEqual(parseDnsName(value), { value });
    assert.match(value, /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    assert.equal(ipOctets(value), undefined);
    // WHATWG URL mends what it is given: a name that we take must need no mending, above all not into an address.
    if (!value.startsWith('*.')) assert.equal(new URL(`http://${value}/`).hostname, value);
  }), { numRuns: 10_000 });
});
