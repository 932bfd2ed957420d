/** Retention under clocks that jump: what is alive stays, whichever clock is wrong, and in time the right thing is forgotten all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forget } from '../../src/wiring/retention.ts';
import { onBothEngines } from '../support/engines.ts';
import { DAY, HOUR, openRevocationLab, type RevocationLab } from '../support/revocation-lab.ts';

const RETENTION = 30 * DAY;

/** `database`: how far the database's clock is ahead of the front's. */
async function openRetentionLab(url: string) {
  const lab = await openRevocationLab(url);
  const ahead = { database: 0 };
  lab.database.now = async () => lab.clock.time + ahead.database;
  const orders: number[] = [];
  const acme = { forgetOrders: async (before: number) => { orders.push(before); } };
  const run = (): Promise<void> => forget({ database: lab.database, clock: lab.clock, acme, ca: lab.software.ca }, RETENTION);
  return { lab, ahead, orders, run, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() };
}

const rows = async (lab: RevocationLab) => [await lab.count('certificate'), await lab.count('revocation'), await lab.count('evidence')];

onBothEngines((newDatabase) => {
  test('a clock that jumps ahead for hours has nothing forgotten that is younger, and a right one is believed at once', async () => {
    await using retention = await openRetentionLab(await newDatabase());
    const { lab, run, orders } = retention;
    const [good, bad] = [await lab.issue(), await lab.issue()];
    await lab.software.ca.revoke(lab.request(bad));
    await lab.publish();
    await run();
    const all = await rows(lab);
    lab.clock.time += 200 * DAY;
    for (let hour = 0; hour < 24; hour += 1) await run();
    lab.clock.time -= 200 * DAY;
    await run();
    assert.deepEqual(await rows(lab), all);
    assert.equal(orders.at(-1), lab.clock.time - RETENTION);
    assert.ok(orders.every((before) => before <= lab.clock.time - RETENTION + 24 * DAY));
    assert.deepEqual(await lab.software.ca.statusOf(good.issuerKey, good.serial), { kind: 'good' });
    assert.equal((await lab.software.ca.statusOf(bad.issuerKey, bad.serial)).kind, 'revoked');
    lab.clock.time += HOUR;
    assert.equal(await lab.publish(), 0);
    assert.deepEqual(await lab.violations(), []);
  });

  test('of two clocks the earlier is believed, however long the other is wrong', async () => {
    await using retention = await openRetentionLab(await newDatabase());
    const { lab, ahead, run, orders } = retention;
    await run();
    for (const offset of [200 * DAY, -5 * DAY]) {
      ahead.database = offset;
      for (let hour = 0; hour < 50; hour += 1) await run();
      assert.equal(orders.at(-1), lab.clock.time + Math.min(0, offset) - RETENTION);
    }
  });

  test('after months of standstill what is over is forgotten within as many hours as it was days', async () => {
    await using retention = await openRetentionLab(await newDatabase());
    const { lab, run } = retention;
    await lab.issue();
    await run();
    lab.clock.time += 90 * DAY;
    for (let hour = 0; hour < 46; hour += 1) await run();
    assert.equal(await lab.count('certificate'), 1, 'it was good for almost 7 days, and is kept for 40');
    for (let hour = 0; hour < 4; hour += 1) await run();
    assert.equal(await lab.count('certificate'), 0);
    assert.deepEqual(await lab.violations(), []);
  });
});
