/** Commits are the budget (design: "Data"): what one complete issuance may cost the database, and what reading must not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newKey, type OrderBody } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { buildCsr } from '../../support/csr.ts';

const spent = async (lab: DoorLab, work: () => Promise<unknown>) => {
  const before = { ...lab.database.counters };
  await work();
  const { commits, statements } = lab.database.counters;
  return { commits: commits - before.commits, statements: statements - before.statements };
};

test('a complete issuance takes at most 5 commits and 20 statements', async (t) => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { commits, statements } = await spent(lab, () => client.issue(['budget.internal'], () => {}));
  t.diagnostic(`${commits} commits, ${statements} statements`);
  assert.ok(commits <= 5, `${commits} commits`);
  assert.ok(statements <= 20, `${statements} statements`);
});

test('an order with 100 names takes as many commits as one with a single name, and at most a statement for each name more, with its evidence in parts', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const costs = [];
  for (const count of [1, 100]) {
    const names = Array.from({ length: count }, (_, i) => ({ type: 'dns' as const, value: `n${i}.of-${count}.internal` }));
    let order: OrderBody | undefined;
    const made = await spent(lab, async () => { order = (await client.newOrder(names)).json; });
    const { authorizations, finalize } = order as unknown as OrderBody;
    const proven = await spent(lab, () => client.authorize({ authorizations } as OrderBody, 'http-01', () => {}));
    const csr = buildCsr({ ...newKey(), names }).toString('base64url');
    const issued = await spent(lab, () => client.post(finalize, { csr }));
    costs.push({ made, issued, each: { commits: proven.commits / count, statements: proven.statements / count } });
  }
  const [one, hundred] = costs as [(typeof costs)[number], (typeof costs)[number]];
  assert.deepEqual(hundred.each, one.each);
  assert.deepEqual(hundred.made, { commits: one.made.commits, statements: one.made.statements + 99 });
  assert.equal(hundred.issued.commits, one.issued.commits);
  assert.ok(hundred.issued.statements <= one.issued.statements + 99 + 10, `${hundred.issued.statements} statements`);
});

test('POST-as-GET commits nothing, and takes one statement', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { order, orderUrl } = await client.issue(['read.internal'], () => {});
  const { json } = await client.post(order.authorizations[0] as string);
  for (const url of [client.account, orderUrl, order.authorizations[0], json.challenges[0].url, order.certificate, client.directory.newNonce]) {
    assert.deepEqual(await spent(lab, () => client.post(url as string)), { commits: 0, statements: 1 }, url as string);
  }
});

test('what is refused commits nothing', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { newOrder } = client.directory;
  for (const payload of [{}, { identifiers: [{ type: 'dns', value: 'example.com' }] }]) {
    assert.equal((await spent(lab, () => client.post(newOrder, payload))).commits, 0);
  }
  const forged = await spent(lab, () => client.post(newOrder, {}, { tamper: (jws) => ({ ...jws, payload: 'e30' }) }));
  assert.equal(forged.commits, 0);
});
