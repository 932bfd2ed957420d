// Which addresses may be dialled: acme.md §3.3, SF-1, SF-2, SF-5.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
