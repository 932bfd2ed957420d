/** The runner: one front at a time, never over itself, a failure is not the end. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDatabase } from '../../src/database/database.ts';
import { openLeases } from '../../src/database/lease.ts';
import { migrate } from '../../src/database/migrate.ts';
import { startJobs } from '../../src/jobs/runner.ts';
import type { Job } from '../../src/jobs/table.ts';
import { until } from '../support/processes.ts';
import { startSqlite } from '../support/sqlite.ts';

const sqlite = startSqlite();
after(() => sqlite.stop());
const elapsed = () => performance.now();

test('a leased job runs on one of two fronts, and on the other one when the first has gone', async () => {
  await using database = await openDatabase(await sqlite.createDatabase());
  await migrate(database);
  const runs: string[] = [];
  const start = (holder: string) => startJobs({
    holder, elapsed, leases: openLeases(database),
    jobs: [{ name: 'tick', schedule: '* * * * * *', on: 'lease', run: async () => { runs.push(holder); } }],
  });
  const one = start('one');
  await until('one has run', () => runs.includes('one'));
  await using _two = start('two');
  await until('one has run again', () => runs.length >= 3);
  assert.ok(!runs.includes('two'));
  await one[Symbol.asyncDispose]();
  await until('two has run', () => runs.includes('two'));
});

test('a lease is asked for again at half of its life, whatever the wall clock was set to', async (t) => {
  let [time, asked, runs, wall] = [1000, 0, 0, 200 * 86_400_000];
  const now = Date.now.bind(Date);
  t.mock.method(Date, 'now', () => now() + wall);
  const leases = { acquire: async () => { asked += 1; return asked === 1 ? { token: 1 } : undefined; }, release: async () => {} };
  await using _runner = startJobs({
    holder: 'x', elapsed: () => time, leases, jobs: [{ name: 'tick', schedule: '* * * * * *', on: 'lease', run: async () => { runs += 1; } }],
  });
  await until('it has run twice on one lease', () => runs === 2);
  assert.equal(asked, 1);
  wall = 0;
  time += 5_000;
  await until('it has asked again', () => asked > 1);
  assert.equal(runs, 2, 'another front has the lease now');
});

test('a job that fails runs again, and one that is slow does not overlap itself', async () => {
  await using database = await openDatabase(await sqlite.createDatabase());
  await migrate(database);
  let failures = 0;
  let running = 0;
  let most = 0;
  const jobs: Job[] = [
    { name: 'fails', schedule: '* * * * * *', on: 'each', run: async () => { failures += 1; throw new Error('planted'); } },
    {
      name: 'slow', schedule: '* * * * * *', on: 'each',
      run: async () => {
        running += 1;
        most = Math.max(most, running);
        await until('two seconds of work', () => failures >= 2);
        running -= 1;
      },
    },
  ];
  await using _runner = startJobs({ holder: 'x', elapsed, leases: openLeases(database), jobs });
  await until('it failed three times', () => failures >= 3);
  assert.equal(most, 1);
});
