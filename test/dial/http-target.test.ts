// Redirects, read by hand: acme.md H-03, HV-3, SF-2, I-03.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DialFault } from '../../src/dial/dial-fault.ts';
import { authority, followLocation, type HttpTarget, targetText } from '../../src/dial/http-target.ts';

const from: HttpTarget = { scheme: 'http', host: { kind: 'name', name: 'a.test' }, port: 5002, path: '/.well-known/acme-challenge/tok?x' };
const ports = new Set([80, 443, 5002]);

test('H-03: http and https on allowed ports are followed', () => {
  for (const [location, url] of [
    ['http://b.test/x', 'http://b.test/x'],
    ['https://b.test/x?y=z', 'https://b.test/x?y=z'],
    ['HTTPS://B.Test./x', 'https://b.test/x'],
    ['http://b.test', 'http://b.test/'],
    ['http://b.test?q', 'http://b.test/?q'],
    ['http://b.test:5002/x', 'http://b.test:5002/x'],
    ['https://b.test:443/x#frag', 'https://b.test/x'],
    ['https://b.test:80/', 'https://b.test:80/'],
    ['//b.test/x', 'http://b.test/x'],
    ['/elsewhere', 'http://a.test:5002/elsewhere'],
    ['other', 'http://a.test:5002/.well-known/acme-challenge/other'],
    ['?y', 'http://a.test:5002/.well-known/acme-challenge/tok?y'],
    ['http://192.168.1.1/', 'http://192.168.1.1/'],
    ['http://[fd00::1]/x', 'http://[fd00::1]/x'],
  ] as const) {
    assert.equal(targetText(followLocation(from, location, ports)), url, location);
  }
});

test('I-03, HV-3: other schemes, ports, user information and odd hosts are not', () => {
  for (const location of [
    'gopher://a.test/', 'file:///etc/passwd', 'ftp://a.test/', 'javascript:1', 'data:,x', 'http:', 'http:a.test', 'http:/a.test', 'http:///a.test',
    'http://a.test:22/', 'http://a.test:8200/', 'http://127.0.0.1:8200/', 'http://a.test:0/', 'http://a.test:65536/', 'http://a.test:080x/', 'http://a.test:',
    'http://a.test:80:80/', 'http://user@a.test/', 'http://user:password@a.test/', 'http://a.test@169.254.169.254/', 'http://a.test:80@b.test/',
    'http://0x7f.1/', 'http://127.1/', 'http://2130706433/', 'http://[::1%25lo]/', 'http://[fe80::1%eth0]/', 'http://[::1/', 'http://::1/', 'http://a..test/',
    'http://a.test\\@b.test/', '\\\\b.test\\', 'http://b.test/\u0000', 'http://b.test/ x', 'http://b.test/\r\nX: y', ' http://b.test/', 'http://bücher.test/', '',
    `http://b.test/${'x'.repeat(2048)}`, '//user@b.test/', '//b.test:22/',
  ]) {
    assert.throws(() => followLocation(from, location, ports), (error) => error instanceof DialFault && error.kind === 'redirect', location);
  }
});

test('what is quoted from a Location is printable and short', () => {
  const location = `http://a.test:22/${'\u0007é'.repeat(500)}`;
  assert.throws(() => followLocation(from, location, ports), (error: DialFault) => /^[\x20-\x7e…]*$/.test(error.message) && error.message.length < 400);
});

test('H-01: the Host header has a port only where it is not the usual one', () => {
  const target = (scheme: 'http' | 'https', port: number) => authority({ ...from, scheme, port });
  assert.equal(target('http', 80), 'a.test');
  assert.equal(target('https', 443), 'a.test');
  assert.equal(target('http', 5002), 'a.test:5002');
  assert.equal(authority({ ...from, host: { kind: 'ip', address: 'fd00::1' }, port: 80 }), '[fd00::1]');
});
