/** What the banner says beside the commands, which test/clients/documented.test.ts runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elsewhere } from '../../src/cli/banner.ts';
import { loadConfig } from '../../src/config/load.ts';

const loaded = loadConfig('ca-config', '/nowhere');
if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
const { generation } = loaded;

test('a port that was moved in one place only is told, with the key that still has the old one', () => {
  assert.deepEqual(elsewhere(generation, generation.listeners.acme.port), []);
  const { listeners } = generation;
  const moved = { ...generation, listeners: { ...listeners, status: { ...listeners.status, port: 18_080 } } };
  const told = elsewhere(moved, 18_443);
  assert.ok(told.includes('directories.default.externalUrl in ca.yaml says port 8443, and the listener has 18443'), told.join('\n'));
  for (const key of ['crlUrl', 'caIssuersUrl', 'ocsp.url']) {
    assert.ok(told.some((text) => text === `${key} in issuers/ (development-1) says port 8080, and the listener has 18080`), key);
  }
});

test('a name that leads elsewhere is nobody’s mistake', () => {
  const directory = generation.directories.get('default');
  assert.ok(directory !== undefined);
  const outside = { ...generation, issuers: new Map(), directories: new Map([['default', { ...directory, externalUrl: 'https://ca.example.internal' }]]) };
  assert.deepEqual(elsewhere(outside, 18_443), []);
});
