/** Retention: what expired long ago goes, on both engines; what is alive, open or younger stays, and the audit log says what went. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { forgetExpired } from '../../../src/ca/inventory/forget.ts';
import { systemClock } from '../../../src/clock.ts';
import { openDatabase } from '../../../src/database/database.ts';
import { rawStatement } from '../../../src/database/statement.ts';
import { dayOf } from '../../../src/x509/serial.ts';
import { newKey } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { buildCsr } from '../../support/csr.ts';
import { startHttp01Responder } from '../../support/http-01-responder.ts';
import { checkInvariants } from '../../support/invariants.ts';
import { PersistentClient, transportTo } from '../../support/live-client.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { World } from '../../support/world.ts';

const DAY = 86_400_000;
const TABLES = ['acme_order', 'acme_authorization', 'acme_attempt', 'certificate', 'certificate_name', 'evidence', 'intent'] as const;

async function rowsIn(lab: DoorLab): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of TABLES) counts[table] = Number((await lab.database.one<{ n: number }>(rawStatement(`select count(*) as n from ${table}`)))?.n);
  return counts;
}

let postgres: TestPostgres;
before(async () => { postgres = await startPostgres(); });
after(() => postgres.stop());

for (const engine of ['sqlite', 'postgres'] as const) {
  describe(engine, () => {
    test('records go when they have been over for as long as they are to be kept, and no day sooner', async () => {
      await using lab = await openDoorLab(engine === 'postgres' ? { database: await postgres.createDatabase() } : {});
      const forget = async (): Promise<void> => {
        const before = systemClock.now() + lab.skewMs - 30 * DAY;
        await lab.acme.forgetOrders(before);
        await lab.software.ca.work.forgetExpired(before);
      };
      const client = await lab.client();
      const { order } = await client.issue(['old.internal'], () => {});
      lab.software.signing = 'unavailable';
      const { headers } = await client.newOrder(['open.internal']);
      const { json } = await client.post(headers['location'] as string);
      await client.authorize(json, 'http-01', () => {});
      const csr = buildCsr({ ...newKey(), names: [{ type: 'dns', value: 'open.internal' }] }).toString('base64url');
      const unsettled = await client.post(json.finalize, { csr });
      assert.equal(unsettled.json.status, 'processing');
      const all = await rowsIn(lab);
      assert.deepEqual([all['intent'], all['acme_order'], all['certificate']], [2, 2, 1]);

      lab.skewMs = 30 * DAY; // the order is over for 29 days, the certificate for 23
      await forget();
      assert.deepEqual(await rowsIn(lab), all);
      lab.skewMs = 33 * DAY;
      await forget();
      assert.deepEqual(await rowsIn(lab), { ...all, acme_order: 0, acme_authorization: 0, acme_attempt: 0 });
      lab.skewMs = 39 * DAY;
      lab.software.signing = 'ok';
      client.forgetNonces();
      await client.issue(['young.internal'], () => {});
      await forget();
      const left = await rowsIn(lab);
      assert.deepEqual([left['intent'], left['acme_order'], left['certificate'], left['certificate_name']], [2, 1, 1, 1], 'the open intent, and all that is young');
      client.forgetNonces();
      assert.equal((await client.post(order.certificate as string)).status, 404);

      const said = await lab.database.many<{ body: string }>(rawStatement("select body from audit_entry where type = 'records.forgotten'"));
      const moment = systemClock.now() + lab.skewMs;
      assert.deepEqual(said.map(({ body }) => (JSON.parse(body) as { before: number }).before), [dayOf(moment - 30 * DAY)]);
      await forget();
      assert.equal((await lab.database.many(rawStatement("select id from audit_entry where type = 'records.forgotten'"))).length, 1, 'said once');
    });
  });
}

test('the invariants hold for what is left, and for what journal and log still tell of the rest', async () => {
  await using world = await World.open();
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  await new PersistentClient(transport, world.directoryUrl, responder).certificate(['gone.localhost']);
  await world.stop();
  await using database = await openDatabase(world.database);
  // Certificates of 160 hours are over by then, CRLs are not.
  const clock = { now: () => systemClock.now() + 8 * DAY };
  await forgetExpired({ database, clock, random: (octets) => crypto.getRandomValues(new Uint8Array(octets)) }, { realm: 'default', before: clock.now() });
  assert.equal(await database.one(rawStatement("select serial from certificate where profile = 'server'")), undefined);
  assert.notEqual(await database.one(rawStatement('select shard from crl')), undefined);
  await checkInvariants(world);
});
