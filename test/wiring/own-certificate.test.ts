/** The server's own certificate while the signer is away: one request, however often it is asked for. */
import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { openDatabase } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { rawStatement } from '../../src/database/statement.ts';
import { OwnCertificate } from '../../src/wiring/own-certificate.ts';
import { openSoftwareCa } from '../support/software-ca.ts';
import { SHIPPED } from '../config/config-directory.ts';

test('a fenced or absent signer is not asked for a certificate with each look, and the one that recovery gets is used', async () => {
  const state = mkdtempSync(join(tmpdir(), 'chancery-own-'));
  await using database = await openDatabase(`sqlite:${join(state, 'own.db')}`);
  await migrate(database);
  const loaded = loadConfig(SHIPPED, state);
  assert.ok('generation' in loaded);
  let skew = 0;
  const clock = { now: () => Date.now() + skew };
  const software = openSoftwareCa({ database, clock, generation: () => loaded.generation });
  const own = new OwnCertificate({ ca: software.ca, clock, random: (octets) => randomBytes(octets), generation: () => loaded.generation });
  const count = async (table: string) => (await database.one<{ n: number }>(rawStatement(`select count(*) as n from ${table}`)))?.n;

  software.signing = 'unavailable';
  for (let look = 0; look < 5; look += 1) assert.equal(await own.obtain(), undefined);
  assert.equal(await count('intent'), 1);
  skew += 60_000;
  software.signing = 'ok';
  software.recovering = 'truth';
  assert.equal(await software.ca.work.recoverIntents(), 1);
  const identity = await own.obtain();
  assert.ok(identity !== undefined && new X509Certificate(identity.chain).checkHost('localhost') !== undefined);
  assert.equal(await count('certificate'), 1);
  rmSync(state, { recursive: true });
});
