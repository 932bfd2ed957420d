/** Those whose hosts hang slow down nobody else: counted, not timed (acme.md §3.5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../../src/database/database.ts';
import { rawStatement, type Statement } from '../../../src/database/statement.ts';
import { dueAttempts } from '../../../src/doors/acme/attempts/store.ts';
import { AcmeClient } from '../../support/acme-client.ts';
import { failure, openDoorLab, resumed, SUCCESS } from '../../support/acme-door.ts';

/** Answers the http-01 challenge of one name each, without waiting for the end. */
async function answerAll(client: AcmeClient, names: readonly string[]): Promise<void> {
  const { json } = await client.newOrder(names);
  for (const url of json.authorizations) {
    const { json: authorization } = await client.post(url);
    await client.post(authorization.challenges[0].url, {});
  }
}

test('what is due is taken up accounts in turn: one with hundreds waits behind one with one', async () => {
  await using lab = await openDoorLab({ directory: { challenges: ['http-01'] } });
  const busy = await lab.client();
  const other = await AcmeClient.registered(lab.send, lab.directoryUrl);
  lab.validate = () => failure('connection', 'refused');
  for (let i = 0; i < 3; i++) await answerAll(busy, Array.from({ length: 100 }, (_, j) => `b${i}-${j}.internal`));
  await answerAll(other, ['other.internal']);
  lab.validations.length = 0;
  lab.skewMs += 6000;
  assert.equal(await resumed(lab.acme), 250, 'as many as one run takes');
  assert.ok(lab.validations.some(({ name }) => name.value === 'other.internal'), 'the one account was left waiting');
  assert.equal(await resumed(lab.acme), 51);
});

test('Infisical#transaction: a try that hangs does not hold up the next run of the job, nor what others commit', async () => {
  await using lab = await openDoorLab({ directory: { challenges: ['http-01'] } });
  const [hanging, healthy] = [await lab.client(), await AcmeClient.registered(lab.send, lab.directoryUrl)];
  lab.validate = () => failure('connection', 'refused');
  await answerAll(hanging, ['hangs.internal']);
  lab.skewMs += 6000;
  const { promise, resolve } = Promise.withResolvers<void>();
  lab.validate = async () => { await promise; return SUCCESS; };
  const first = await lab.acme.resumeAttempts();
  assert.equal(first.taken, 1);
  lab.validate = () => failure('connection', 'refused');
  await answerAll(healthy, ['works.internal']);
  lab.validate = () => SUCCESS;
  lab.skewMs += 6000;
  assert.equal(await resumed(lab.acme), 1);
  resolve();
  await first.over;
});

test('looking for what is due is a search in its index, however many attempts there are', async () => {
  await using lab = await openDoorLab();
  let sql = '';
  const asked = { many: async (statement: Statement) => { sql = statement.compiled('sqlite').sql; return []; } };
  await dueAttempts(asked as unknown as Database, 0);
  const plan = await lab.database.many<{ detail: string }>(rawStatement(`explain query plan ${sql.replaceAll('?', ':now')}`), { now: 0 });
  assert.match(plan.map(({ detail }) => detail).join(), /SEARCH t USING.* acme_attempt_due/);
});
