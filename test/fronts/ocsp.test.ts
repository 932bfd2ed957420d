/** OCSP on two fronts over one PostgreSQL: a revocation that came in on neither shows on both, although both had kept the answer. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { revoke } from '../../src/ca/revocation/revoke.ts';
import { systemClock } from '../../src/clock.ts';
import { openDatabase, rawStatement } from '../../src/database/database.ts';
import { encodeCertId } from '../../src/x509/ocsp.ts';
import { encodeOcspRequest } from '../../src/x509/ocsp-request.ts';
import { parseOcspResponse, parseResponseData } from '../../src/x509/ocsp-response.ts';
import { type Fleet, FRONTS, openFleet } from '../support/fleet.ts';
import { checkInvariants, sourcesOf } from '../support/invariants.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { until } from '../support/processes.ts';

let fleet: Fleet;
before(async () => { fleet = await openFleet(); });
after(() => fleet?.[Symbol.asyncDispose]());

test('T-OCS-9 two fronts: revoked on both within seconds, one responder for both, and everything in the journal', async () => {
  const { world, responder } = fleet;
  using transport = transportTo(world);
  await new PersistentClient(transport, world.directoryUrl, responder).certificate(['fleet.localhost']);
  await using database = await openDatabase(world.database);
  const { serial = '' } = (await database.one<{ serial: string }>(rawStatement("select serial from certificate where door = 'acme'"))) ?? {};
  const { authority } = sourcesOf(world);
  const issuer = authority?.issuerKeys.get('development-1');
  assert.ok(authority !== undefined && issuer !== undefined);
  const path = `/ocsp/${Buffer.from(encodeOcspRequest([encodeCertId('sha1', issuer.shape, serial)])).toString('base64')}`;
  const said = async (front: number): Promise<string> => {
    const found = parseOcspResponse((await world.fetchFrom('status', path, front)).body);
    assert.ok(typeof found === 'object', String(found));
    return parseResponseData(found.responseData).responses[0]?.status.kind ?? '';
  };
  for (let front = 0; front < FRONTS; front += 1) assert.equal(await said(front), 'good');

  const parts = { database, clock: systemClock, random: (n: number) => randomBytes(n), authority: () => authority };
  const outcome = await revoke(parts, { realm: 'default', issuerKey: 'development-1', serial, reason: 'superseded', authority: 'operator', door: 'test', requester: { kind: 'operator', id: 'test' } });
  assert.equal(outcome.kind, 'revoked');
  for (let front = 0; front < FRONTS; front += 1) await until(`front ${front} says revoked`, async () => (await said(front)) === 'revoked', 3000);

  const responders = await database.one<{ n: number }>(rawStatement("select count(*) as n from certificate where profile = 'ocsp-responder' and issuer_key = 'development-1'"));
  assert.equal(Number(responders?.n), 1, 'fronts that start together make one');
  await checkInvariants(world);
});
