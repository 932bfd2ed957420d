// Which addresses may be dialled: acme.md §3.3, SF-1, SF-2, SF-5.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ipOctets, ipText } from '../../src/x509/ip.ts';
import { addressPolicy, isPublic } from '../../src/dial/address-policy.ts';

const everything = { allow: ['0.0.0.0/0', '::/0'], deny: [], loopback: false };
const private_ = { allow: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'], deny: [], loopback: false };

const NEVER = [
  '0.0.0.0', '0.1.2.3', '127.0.0.1', '127.255.255.254', '169.254.169.254', '169.254.0.1', '100.100.100.200', '168.63.129.16',
  '192.0.0.192', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
  '::', '::1', '::7f00:1', 'fe80::1', 'febf::1', 'fec0::1', 'ff02::1', '100::1', 'fd00:ec2::254', 'fd20:ce::254', '64:ff9b:1::1',
];

// 127.0.0.1, 169.254.169.254 and 0.0.0.0 inside IPv6
const WRAPPED = [
  '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '::ffff:0:7f00:1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe',
  '2002:7f00:1::1', '2002:a9fe:a9fe::', '2001:0:7f00:1::', '2001:0:808:808:8000:63bf:80ff:fffe',
];

const NO_ADDRESS = [
  '', 'localhost', '0x7f.1', '127.1', '0177.0.0.1', '017700000001', '2130706433', '127.0.0.01', '127.0.0.1.', ' 127.0.0.1', '127.0.0.1/32',
  '[::1]', 'fe80::1%eth0', '::1%lo', '10.0.0.1%eth0', '1.2.3', '1::2::3', '10.0.0.256',
];

test('SF-1: some addresses are never dialled, even where everything is allowed', () => {
  const policy = addressPolicy(everything);
  for (const address of NEVER) assert.equal(policy.permits(address), false, address);
});

test('SF-2: IPv4-mapped, NAT64, 6to4 and Teredo addresses are judged by the IPv4 address inside', () => {
  const policy = addressPolicy(everything);
  for (const address of WRAPPED) assert.equal(policy.permits(address), false, address);
  for (const address of ['::ffff:8.8.8.8', '64:ff9b::808:808', '2002:808:808::1', '2001:0:808:808:8000:63bf:f7f7:f7f7']) {
    assert.equal(policy.permits(address), true, address);
  }
});

test('a range in mapped form is the range of its IPv4 addresses', () => {
  const policy = addressPolicy({ allow: ['172.16.0.0/12'], deny: ['::ffff:172.16.0.0/108'], loopback: false });
  assert.equal(policy.permits('172.16.1.1'), false);
  assert.equal(addressPolicy({ allow: ['::ffff:10.0.0.0/104'], deny: [], loopback: false }).permits('10.1.2.3'), true);
});

test('a mapped address needs its IPv4 address allowed, and nothing more', () => {
  assert.equal(addressPolicy(private_).permits('::ffff:10.1.2.3'), true);
  assert.equal(addressPolicy(private_).permits('::ffff:8.8.8.8'), false);
});

test('SF-2: a tunnel into a private network needs both of its addresses allowed', () => {
  const policy = addressPolicy({ ...private_, allow: ['2002::/16'] });
  assert.equal(policy.permits('2002:a00:1::1'), false);
  assert.equal(addressPolicy({ ...private_, allow: ['2002::/16', '10.0.0.0/8'] }).permits('2002:a00:1::1'), true);
});

test('SF-2: what is not one canonical kind of address text is not an address', () => {
  const policy = addressPolicy({ ...everything, loopback: true });
  for (const text of NO_ADDRESS) assert.equal(policy.permits(text), false, text);
});

test('SF-1: only what is in allow and not in deny', () => {
  const policy = addressPolicy({ ...private_, deny: ['10.9.0.0/16', 'fd99::/16'] });
  for (const address of ['10.0.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12::1']) assert.ok(policy.permits(address), address);
  for (const address of ['8.8.8.8', '172.32.0.1', '100.64.0.1', '2001:db8::1', '10.9.1.1', 'fd99::1', '::ffff:10.9.1.1']) {
    assert.equal(policy.permits(address), false, address);
  }
});

const v4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const range = fc.oneof(fc.tuple(v4, fc.nat(32)), fc.tuple(v6, fc.nat(128))).map(([octets, bits]) => `${ipText(octets)}/${bits}`);
const rules = fc.record({ allow: fc.array(range, { maxLength: 4 }), deny: fc.array(range, { maxLength: 4 }), loopback: fc.boolean() });
const WRAP: readonly ((octets: Uint8Array) => number[])[] = [
  (o) => [...Array<number>(10).fill(0), 0xff, 0xff, ...o], // mapped
  (o) => [0, 0x64, 0xff, 0x9b, ...Array<number>(8).fill(0), ...o], // NAT64
  (o) => [0x20, 0x02, ...o, ...Array<number>(10).fill(0)], // 6to4
];

test('property: what is denied, or never dialled, is not permitted by any rules, in whatever wrapping', () => {
  const never = fc.constantFrom(...NEVER.filter((text) => !['127.0.0.1', '127.255.255.254', '::1'].includes(text)));
  fc.assert(fc.property(rules, never, (given, address) => { assert.equal(addressPolicy(given).permits(address), false); }), { numRuns: 2000 });
  fc.assert(fc.property(rules, v4, fc.constantFrom(...WRAP), (given, octets, wrap) => {
    const everywhere = { ...given, allow: ['0.0.0.0/0', '::/0'], deny: [...given.deny, `${ipText(octets)}/32`] };
    assert.equal(addressPolicy(everywhere).permits(ipText(Uint8Array.from(wrap(octets))) as string), false);
  }), { numRuns: 2000 });
});

test('property: a wrapped address is permitted only where the IPv4 address inside is', () => {
  fc.assert(fc.property(rules, v4, fc.constantFrom(...WRAP), (given, octets, wrap) => {
    const policy = addressPolicy(given);
    const wrapped = ipText(Uint8Array.from(wrap(octets))) as string;
    if (policy.permits(wrapped)) assert.ok(policy.permits(ipText(octets) as string), wrapped);
  }), { numRuns: 5000 });
});

test('property: more in deny never permits more, more in allow never less', () => {
  fc.assert(fc.property(rules, range, fc.oneof(v4, v6), (given, more, octets) => {
    const address = ipText(octets) as string;
    const permitted = addressPolicy(given).permits(address);
    if (addressPolicy({ ...given, deny: [...given.deny, more] }).permits(address)) assert.ok(permitted);
    if (permitted) assert.ok(addressPolicy({ ...given, allow: [...given.allow, more] }).permits(address));
  }), { numRuns: 3000 });
});

test('property: text that is not an address in its plain form is never permitted, and nothing throws', () => {
  const policy = addressPolicy({ ...everything, loopback: true });
  const odd = fc.array(fc.constantFrom('127', '0x7f', '0177', '.', ':', '::', '1', 'ffff', '%eth0', '[', ']', '/', ' ', '\0'), { maxLength: 10 }).map((parts) => parts.join(''));
  fc.assert(fc.property(fc.oneof(fc.string(), odd), (text) => {
    if (policy.permits(text)) assert.notEqual(ipOctets(text), undefined, text);
  }), { numRuns: 5000 });
});

test('an empty allow list allows nothing', () => {
  assert.equal(addressPolicy({ allow: [], deny: [], loopback: false }).permits('10.0.0.1'), false);
});

test('SF-5: loopback only where configured, and deny is stronger', () => {
  const policy = addressPolicy({ ...private_, deny: ['127.0.0.2/32'], loopback: true });
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) assert.ok(policy.permits(address), address);
  for (const address of ['127.0.0.2', '::ffff:127.0.0.2', '0.0.0.0', '::', '169.254.169.254']) assert.equal(policy.permits(address), false, address);
});

test('the low end of an IPv6 address is not taken for an IPv4 address (ipaddr.js reads ::8.8.8.8 as mapped)', () => {
  assert.equal(addressPolicy({ allow: ['8.8.8.8/32'], deny: [], loopback: false }).permits('::8.8.8.8'), false);
});

test('a range that is not one is refused', () => {
  for (const range of ['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0/8', '0x0a.0.0.0/8', '10.0.0.0/8/8', 'all']) {
    assert.throws(() => addressPolicy({ allow: [range], deny: [], loopback: false }), /is not a range/, range);
  }
});

test('public addresses are told from all others', () => {
  for (const address of ['8.8.8.8', '2606:4700::1']) assert.ok(isPublic(address), address);
  for (const address of [...NEVER, ...WRAPPED, '10.0.0.1', '192.168.1.1', '100.64.0.1', 'fd00::1', 'x']) assert.equal(isPublic(address), false, address);
});
