// The system's resolvers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResolvConf, systemResolvers } from '../../src/dial/resolv-conf.ts';

test('nameserver lines, at most three, plain addresses only', () => {
  const text = '# comment\nsearch a.test\nnameserver 10.0.0.1\n nameserver\tfd00::53 \nnameserver fe80::1%eth0\nnameserver nonsense\n;nameserver 9.9.9.9\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n';
  assert.deepEqual(parseResolvConf(text), [{ host: '10.0.0.1', port: 53 }, { host: 'fd00::53', port: 53 }, { host: '10.0.0.2', port: 53 }]);
});

test('without a file, what the C library does', () => {
  assert.deepEqual(systemResolvers('/nonexistent/resolv.conf'), [{ host: '127.0.0.1', port: 53 }]);
});
