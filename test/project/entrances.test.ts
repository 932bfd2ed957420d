// Who may ask the CA for a certificate, read off the source: one that is not listed here fails. Acme.md I-04 (CVE-2025-44005).
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { routes } from '../../src/doors/acme/routes.ts';
import { REPOSITORY } from '../support/world.ts';

/** File → what was proven before it asks. */
const ENTRANCES: Readonly<Record<string, string>> = {
  'src/doors/acme/finalize.ts': 'the order is ready: every authorization is valid',
  'src/doors/acme/star/renew.ts': 'the order was finalized, and still renews itself',
  'src/wiring/own-certificate.ts': 'nothing: it is the server itself, at start, for the name of its own listener',
};

test('I-04: certificates are asked for where names were proven, and nowhere else', () => {
  const found = globSync('src/**/*.ts', { cwd: REPOSITORY }).filter((file) => /\bca\??\.issue\(/.test(readFileSync(join(REPOSITORY, file), 'utf8')));
  assert.deepEqual(found.sort(), Object.keys(ENTRANCES).sort());
  assert.deepEqual(routes.filter(({ path }) => path.includes('finalize')).map(({ proof }) => proof), ['kid']);
});
