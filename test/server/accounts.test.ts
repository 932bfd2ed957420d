/** `chancery accounts pause|unpause` against a running server: what an account that is stopped may still do, and that it goes on when it is let. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AcmeClient, type Answer, newKey, type OrderBody, type Transport } from '../support/acme-client.ts';
import { buildCsr } from '../support/csr.ts';
import { count } from '../support/fleet.ts';
import { type Http01Responder, startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { run } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

let world: World;
let responder: Http01Responder;
let send: Transport & Disposable;
before(async () => {
  world = await World.open({ configure: (ca) => { ca.directories.default.rateLimits = { pauseAfter: 2 }; } });
  responder = await startHttp01Responder({ port: world.http01Port });
  send = transportTo(world);
});
after(async () => {
  send?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
  await responder?.close();
});

const accounts = (...args: string[]): Promise<string> => run(process.execPath, [join(REPOSITORY, 'src/main.ts'), 'accounts', ...args], { env: world.environment() });
const prove = ({ token, keyAuthorization }: { token: string; keyAuthorization: string }): void => responder.set(token, keyAuthorization);
const idOf = ({ account }: AcmeClient): string => account?.split('/').at(-1) as string;
const entries = (type: string, client: AcmeClient): Promise<number> =>
  count(world.database, `select count(*) from audit_entry where type = '${type}' and body like '%"account":"${idOf(client)}"%'`);

function paused(answer: Answer, detail: RegExp): void {
  assert.deepEqual([answer.status, answer.json.type], [429, 'urn:ietf:params:acme:error:rateLimited'], answer.text);
  assert.match(answer.json.detail, detail);
}

async function readyOrder(client: AcmeClient, name: string): Promise<() => Promise<Answer>> {
  const order = (await client.newOrder([name])).json as OrderBody;
  await client.authorize(order, 'http-01', prove);
  const csr = buildCsr({ ...newKey(), names: [{ type: 'dns', value: name }] }).toString('base64url');
  return () => client.post(order.finalize, { csr });
}

test('an account that only ever failed is shown as paused, and is unpaused by the command line', async () => {
  const client = await AcmeClient.registered(send, world.directoryUrl);
  const fails = () => assert.rejects(client.issue(['never.localhost'], () => {}), /challenge/);
  for (let i = 0; i < 2; i++) await fails();
  paused(await client.newOrder(['never.localhost']), /paused for never\.localhost.*\/unpause\//);
  assert.equal(await entries('account.paused-for-name', client), 1);
  assert.match(await accounts('show', idOf(client)), /^failed +dns:never\.localhost, 2 times in a row; paused since 20/m);

  assert.match(await accounts('unpause', idOf(client), '--dry-run'), /^would be unpaused: .*; nothing was changed$/m);
  paused(await client.newOrder(['never.localhost']), /paused for/);
  assert.deepEqual(JSON.parse(await accounts('unpause', client.account as string, '--json')).applied, true);
  assert.equal(await entries('account.unpaused', client), 1);
  assert.match(await accounts('unpause', idOf(client)), /^nothing to unpause: the account is valid$/m);
  await client.issue(['never.localhost'], prove);
  assert.doesNotMatch(await accounts('show', idOf(client)), /failed/);
});

test('an account that the operator paused orders nothing, and finalizes what is ready', async () => {
  const client = await AcmeClient.registered(send, world.directoryUrl);
  const finalize = await readyOrder(client, 'ready.localhost');
  const waiting = (await client.newOrder(['waiting.localhost'])).json as OrderBody;
  assert.match(await accounts('pause', idOf(client)), /^paused: /);
  assert.equal(await entries('account.paused', client), 1);
  assert.match(await accounts('list'), new RegExp(`${idOf(client)} {2}default {2}paused`));
  assert.match(await accounts('pause', idOf(client)), /^nothing to pause: the account is paused$/m);
  paused(await client.newOrder(['more.localhost']), /operator of this server has paused this account/);
  paused(await client.post(client.directory.newAuthz, { identifier: { type: 'dns', value: 'more.localhost' } }), /operator/);
  assert.equal((await finalize()).json.status, 'valid');
  await client.authorize(waiting, 'http-01', prove);
  assert.match(await accounts('unpause', idOf(client)), /^unpaused: /);
  await client.issue(['more.localhost'], prove);
  await checkInvariants(world, { status: true });
});
