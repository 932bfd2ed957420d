/** What leases must do on every engine. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { type Leases, openLeases, stillHeld } from '../../src/database/lease.ts';
import { migrate } from '../../src/database/migrate.ts';
import type { NewDatabase } from './database.ts';

const long = 60_000;
/** Long enough to be held for a moment on a busy machine, short enough to wait for. */
const short = 400;

export function leaseContract(newDatabase: NewDatabase): void {
  describe('leases', () => {
    let one: Database;
    let other: Database;
    let first: Leases;
    let second: Leases;
    before(async () => {
      const url = await newDatabase();
      one = await openDatabase(url);
      await migrate(one);
      other = await openDatabase(url);
      [first, second] = [openLeases(one), openLeases(other)];
    });
    after(async () => {
      await one[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
    });

    /** Until the database's clock, which judges, has passed the end of a short lease. */
    async function runOut(): Promise<void> {
      const end = (await one.now()) + short;
      while ((await one.now()) <= end) await sleep(5);
    }

    it('has one holder, and a token that grows with each new one', async () => {
      assert.deepEqual(await first.acquire('job', 'first', long), { token: 1 });
      assert.equal(await second.acquire('job', 'second', long), undefined);
      await first.release('job', 'first');
      assert.deepEqual(await second.acquire('job', 'second', long), { token: 2 });
      assert.equal(await first.acquire('job', 'first', long), undefined);
    });

    it('goes to one of many', async () => {
      const tries = Array.from({ length: 20 }, (_, i) => (i % 2 ? first : second).acquire('rush', `holder-${i}`, long));
      assert.equal((await Promise.all(tries)).filter((lease) => lease !== undefined).length, 1);
    });

    it('is prolonged by its holder under the same token', async () => {
      await first.acquire('kept', 'first', short);
      assert.deepEqual(await first.acquire('kept', 'first', long), { token: 1 });
      await runOut();
      assert.equal(await second.acquire('kept', 'second', long), undefined);
    });

    it('runs out by the clock of the database; the late holder gets a new token too', async () => {
      await first.acquire('lost', 'first', short);
      await runOut();
      assert.deepEqual(await second.acquire('lost', 'second', short), { token: 2 });
      assert.equal(await first.acquire('lost', 'first', long), undefined);
      await runOut();
      assert.deepEqual(await second.acquire('lost', 'second', long), { token: 3 });
    });

    it('lets a commit happen only under the current token', async () => {
      const held = await first.acquire('fenced', 'first', short);
      assert.equal(await one.commit([stillHeld('fenced', held?.token ?? 0)]), true);
      await runOut();
      assert.equal(await one.commit([stillHeld('fenced', held?.token ?? 0)]), false, 'run out');
      const next = await second.acquire('fenced', 'second', long);
      assert.equal(await one.commit([stillHeld('fenced', held?.token ?? 0)]), false, 'taken over');
      assert.equal(await other.commit([stillHeld('fenced', next?.token ?? 0)]), true);
    });

    it('is not released by one who has lost it', async () => {
      await first.acquire('mine', 'first', long);
      await second.release('mine', 'second');
      assert.equal(await second.acquire('mine', 'second', long), undefined);
    });
  });
}
