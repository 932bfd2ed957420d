/** RFC 8555 §7.1.2.1: the list of an account's orders. Rows L of the conformance list. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AcmeClient } from '../../support/acme-client.ts';
import { type DoorLab, failure, openDoorLab, SUCCESS } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';

let lab: DoorLab;
before(async () => { lab = await openDoorLab(); });
after(() => lab[Symbol.asyncDispose]());

const listOf = async (client: AcmeClient): Promise<string> => (await client.post(client.account as string)).json.orders;

/** The next page's URL, where there is one. */
const nextOf = (link: string | undefined): string | undefined => /<([^>]+)>;rel="next"/.exec(link ?? '')?.[1];

/** All pages, as a client follows them; `between` runs before each but the first. */
async function walk(client: AcmeClient, between: () => Promise<unknown> = async () => {}): Promise<string[]> {
  const seen: string[] = [];
  for (let url: string | undefined = await listOf(client), pages = 0; url !== undefined; pages++) {
    assert.ok(pages < 20, 'the pages have no end');
    if (pages > 0) await between();
    const answer = await client.post(url);
    assert.equal(answer.status, 200, answer.text);
    seen.push(...answer.json.orders);
    url = nextOf(answer.headers['link']);
  }
  return seen;
}

test('L-04: an account without orders has an empty list', async () => {
  const client = await lab.client();
  const answer = await client.post(await listOf(client));
  assert.deepEqual(answer.json, { orders: [] });
  assert.equal(nextOf(answer.headers['link']), undefined);
  refused(await client.post(await listOf(client), {}), 400, 'malformed');
});

test('L-01: pending, ready and valid orders are listed, invalid ones are not, as each says of itself', async () => {
  const client = await lab.client();
  const orders: string[] = [];
  for (const name of ['pending', 'deactivated', 'invalid', 'ready']) {
    const { json, headers } = await client.newOrder([`${name}-l.internal`, `${name}-m.internal`]);
    orders.push(headers['location'] as string);
    const { json: authorization } = await client.post(json.authorizations[0]);
    lab.validate = () => (name === 'invalid' ? failure('unauthorized', 'no') : SUCCESS);
    if (name === 'deactivated') await client.post(json.authorizations[1], { status: 'deactivated' });
    if (name === 'invalid') await client.post(authorization.challenges[0].url, {});
    if (name === 'ready') await client.authorize(json, 'http-01', () => {});
  }
  const { orderUrl, order } = await client.issue(['valid-l.internal'], () => {});
  orders.push(orderUrl);
  await client.post(order.authorizations[0] as string, { status: 'deactivated' }); // the order stays valid
  const agree = async () => {
    client.forgetNonces();
    const listed = new Set(await walk(client));
    const statuses = new Map<string, string>();
    for (const url of orders) {
      const { status } = (await client.post(url)).json;
      statuses.set(url, status);
      assert.equal(listed.has(url), status !== 'invalid', status);
    }
    return [...statuses.values()].sort();
  };
  assert.deepEqual(await agree(), ['invalid', 'invalid', 'pending', 'ready', 'valid']);
  lab.skewMs += 25 * 3_600_000;
  assert.deepEqual(await agree(), ['invalid', 'invalid', 'invalid', 'invalid', 'valid']);
});

test('L-02, R12: pages by cursor: each order once, also while others come', async () => {
  const client = await lab.client();
  const [owned, strangers] = [new Set<string>(), await lab.client()];
  for (let i = 0; i < 60; i++) owned.add((await client.newOrder([`p${i}.internal`])).headers['location'] as string);
  await strangers.newOrder(['other.internal']);
  const quiet = await walk(client);
  assert.equal(quiet.length, 60);
  assert.deepEqual(new Set(quiet), owned);
  let more = 0;
  const busy = await walk(client, () => Promise.all([1, 2, 3].map(() => client.newOrder([`more${more++}.internal`]))));
  assert.equal(new Set(busy).size, busy.length, 'an order came twice');
  for (const url of owned) assert.ok(busy.includes(url), 'an order was passed over');
});

test('L-03, L-05: nobody lists the orders of another; the URL is compared with all that is in it', async () => {
  const [client, other] = [await lab.client(), await lab.client()];
  const list = await listOf(client);
  for (const url of [list, `${list}/${'0'.repeat(36)}`]) refused(await other.post(url), 404, 'malformed', /^No such/);
  for (const url of [`${list}/zz`, `${list}/%00`]) refused(await client.post(url), 404, 'malformed');
  refused(await client.post(`${list}?cursor=1`, '', { header: { url: list } }), 403, 'unauthorized');
  refused(await client.post(list, '', { header: { url: `${list}?cursor=1` } }), 403, 'unauthorized');
});
