/**
 * Every resource × every operation × every kind of stranger: what is another's is answered as what never was, and nothing changes.
 * List 6.8 and rows L-03, S-07, U-03, X-04, Z-12, D-05, I-04 and Q-08 of the conformance list. A route that is not in the matrix fails it.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { routes } from '../../../src/doors/acme/routes.ts';
import { AcmeClient, type Answer, jwkOf, newKey, type OrderBody } from '../../support/acme-client.ts';
import { type DoorLab, openDoorLab } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { buildCsr } from '../../support/csr.ts';

let lab: DoorLab;
let owner: AcmeClient;
/** What the owner has, by the route that leads there; `waiting` is a second order, still pending. */
let resources: ReadonlyMap<string, string>;

before(async () => {
  lab = await openDoorLab({ directories: [{ name: 'other' }] });
  owner = await lab.client();
  const { order, orderUrl } = await owner.issue(['mine.internal'], () => {});
  const waiting = await owner.newOrder(['waiting.internal']);
  const authorization = (waiting.json as OrderBody).authorizations[0] as string;
  const { json } = await owner.post(authorization);
  resources = new Map([
    ['/account/:account', owner.account as string],
    ['/orders/:account{/:after}', (await owner.post(owner.account as string)).json.orders],
    ['/order/:order', orderUrl],
    ['/order/:order/finalize', (waiting.json as OrderBody).finalize],
    ['/certificate/:issuer/:serial{/:chain}', order.certificate as string],
    ['/star-certificate/:order', orderUrl.replace('/order/', '/star-certificate/')],
    ['/authorization/:authorization', authorization],
    ['/challenge/:authorization/:type', json.challenges[0].url],
  ]);
});
after(() => lab[Symbol.asyncDispose]());

const csr = buildCsr({ ...newKey(), names: [{ type: 'dns', value: 'waiting.internal' }] }).toString('base64url');
/** Every payload that means something to some row. */
const PAYLOADS = ['', {}, { status: 'deactivated' }, { status: 'canceled' }, { contact: ['mailto:thief@example.com'] }, { csr }, { termsOfServiceAgreed: true }] as const;

/** The same URL with an id that nobody has: the id's last digits are its random part. */
const nobodys = (url: string): string => url.replace(/[0-9a-f]{8}(?=$|\/)/, (digits) => (digits === '00000000' ? '11111111' : '00000000'));

const seen = ({ status, json }: Answer): unknown => [status, json.type, json.detail];

async function ownersView(): Promise<string> {
  const answers = [];
  for (const [route, url] of resources) if (!route.endsWith('/finalize')) answers.push((await owner.post(url)).text);
  return JSON.stringify(answers);
}

test('the matrix has every route that leads to something of an account', () => {
  const leading = routes.filter(({ proof, path }) => proof === 'kid' && path.includes(':')).map(({ path }) => path);
  assert.deepEqual([...resources.keys()].sort(), leading.sort());
});

test('6.8, S-07, X-04, Z-12, L-03, U-03, Q-08: to another account, what is somebody\'s is as what is nobody\'s', async () => {
  const stranger = await lab.client();
  const before = await ownersView();
  for (const [route, url] of resources) {
    for (const payload of PAYLOADS) {
      const foreign = await stranger.post(url, payload);
      if (route.startsWith('/account')) refused(foreign, 403, 'unauthorized');
      else refused(foreign, 404, 'malformed', /^No such /);
      assert.deepEqual(seen(await stranger.post(nobodys(url), payload)), seen(foreign), `${route} ${JSON.stringify(payload)}`);
    }
  }
  assert.equal(await ownersView(), before);
});

test('6.8, D-05, I-04: an account of another directory, even with the same key, reaches nothing here, nor there', async () => {
  const there = await AcmeClient.registered(lab.send, lab.directoryUrl.replace('/acme/', '/acme/d/other/'), owner.key);
  const before = await ownersView();
  for (const [route, url] of resources) {
    for (const payload of PAYLOADS) {
      refused(await there.post(url, payload), 400, 'malformed', /"kid" is not the URL of an account here/);
      const moved = url.replace('/acme/', '/acme/d/other/');
      const foreign = await there.post(moved, payload);
      if (route.startsWith('/account')) refused(foreign, 403, 'unauthorized');
      else refused(foreign, 404, 'malformed', /^No such /);
      // the owner's account, named as one of the other directory
      refused(await there.post(moved, payload, { header: { kid: (owner.account as string).replace('/acme/', '/acme/d/other/') } }), 400, 'accountDoesNotExist');
    }
  }
  assert.equal(await ownersView(), before);
});

test('6.8: another\'s name on a request that another key signed opens nothing', async () => {
  const thief = await lab.client();
  const before = await ownersView();
  const everywhere = [...resources.values(), owner.directory.newOrder, owner.directory.newAuthz, owner.directory.keyChange, owner.directory.revokeCert];
  for (const url of everywhere) {
    for (const payload of PAYLOADS) {
      refused(await thief.post(url, payload, { header: { kid: owner.account } }), 400, 'malformed', /signature/);
      if (url !== owner.directory.revokeCert) refused(await thief.post(url, payload, { header: { kid: undefined, jwk: jwkOf(owner.key) } }), 400, 'malformed');
    }
  }
  assert.equal(await ownersView(), before);
});

test('6.8, U-04, O#20744: a deactivated account reaches nothing, its own things included', async () => {
  const gone = await lab.client();
  const { orderUrl, order } = await gone.issue(['gone.internal'], () => {});
  const { json: authorization } = await gone.post(order.authorizations[0] as string);
  const { orders } = (await gone.post(gone.account as string)).json;
  await gone.post(gone.account as string, { status: 'deactivated' });
  const { newOrder, newAuthz, keyChange, revokeCert } = gone.directory;
  const own = [gone.account, orders, orderUrl, order.finalize, order.certificate, order.authorizations[0], authorization.challenges[0].url];
  for (const url of [...own, ...resources.values(), newOrder, newAuthz, keyChange, revokeCert]) {
    for (const payload of PAYLOADS) refused(await gone.post(url as string, payload), 401, 'unauthorized');
  }
});
