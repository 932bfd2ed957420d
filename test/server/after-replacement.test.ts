/** `chancery revoke --after-replacement` from end to end: seen by a client that asks when to renew, stopped by kill -9 in between, and begun again. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AcmeClient } from '../support/acme-client.ts';
import { type NamedCertificate, namedCertificate } from '../support/cert-id.ts';
import { count } from '../support/fleet.ts';
import { type Http01Responder, startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { run, type Started, start, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

const MAIN = join(REPOSITORY, 'src/main.ts');
const REVOKE = ['revoke', '--profile', 'server', '--reason', 'superseded', '--after-replacement'];

let world: World;
let responder: Http01Responder;
before(async () => {
  world = await World.open();
  responder = await startHttp01Responder({ port: world.http01Port });
});
after(async () => {
  await responder?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

const chancery = (...args: string[]): Started => start(process.execPath, [MAIN, ...args], { env: world.environment() });
const said = (args: string[], exit = 0): Promise<string> => run(process.execPath, [MAIN, ...args], { env: world.environment(), exit });
const inSeconds = (seconds: number): string => `${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)}Z`;
const isRevoked = async ({ serial }: NamedCertificate): Promise<boolean> => (await count(world.database, `select count(*) from revocation where serial = '${serial}'`)) === 1;

test('T-INC-22 windows are pulled forward, what is replaced is revoked, the rest at the deadline, and what replaced them never', async () => {
  using transport = transportTo(world);
  const client = await AcmeClient.registered(transport, world.directoryUrl);
  const issue = async (name: string, order: object = {}): Promise<NamedCertificate> =>
    namedCertificate((await client.issue([name], ({ token, keyAuthorization }) => responder.set(token, keyAuthorization), { order })).pem);
  const windowEnd = async ({ certId }: NamedCertificate): Promise<number> =>
    Date.parse((await transport({ method: 'GET', url: `${world.directoryUrl.replace(/directory$/, 'renewal-info')}/${certId}` })).json.suggestedWindow.end);
  const [renewed, neglected] = [await issue('renewed.localhost'), await issue('neglected.localhost')];
  assert.ok((await windowEnd(renewed)) > Date.now());
  assert.match(await said([...REVOKE, '--deadline', inSeconds(3600)]), /^2 good certificates fit[\s\S]*issued before 20[\s\S]*nothing was changed/);
  assert.match(await said([...REVOKE, '--deadline', inSeconds(-3600), '--yes'], 2), /--deadline is past/);
  assert.ok((await windowEnd(renewed)) > Date.now(), 'looking pulls nothing');

  await using first = chancery(...REVOKE, '--deadline', inSeconds(3600), '--yes');
  await until('it waits', () => /0 of 2 revoked, 2 wait/.test(first.output()));
  for (const one of [renewed, neglected]) assert.ok((await windowEnd(one)) < Date.now(), 'a client that asks is told to renew now');
  const replacement = await issue('renewed.localhost', { replaces: renewed.certId });
  assert.ok((await windowEnd(replacement)) > Date.now(), 'what replaces it is not due');

  first.kill('SIGKILL');
  world.fronts[0]?.kill('SIGKILL');
  await Promise.all([first.ended, world.fronts[0]?.ended]);
  await world.startFront();
  await using second = chancery(...REVOKE, '--deadline', inSeconds(12), '--yes');
  await until('the one with a replacement is revoked', () => isRevoked(renewed));
  assert.match(second.output(), /^2 good certificates fit[\s\S]*, when this began/);
  await until('the other waits', () => /1 of 2 revoked, 1 wait/.test(second.output()));
  assert.equal(await isRevoked(neglected), false);
  assert.equal(await second.ended, 0);
  assert.match(second.output(), /revoked: 2\n$/);
  assert.equal(await isRevoked(neglected), true, 'at the deadline');
  assert.equal(await isRevoked(replacement), false);

  assert.deepEqual(JSON.parse(await said(['renewals', 'list', '--json'])).pulls, [], 'the windows are as they were');
  assert.match(await said([...REVOKE, '--deadline', inSeconds(3600)]), /^1 good certificates fit, 2 are revoked already/, 'another run would begin anew');
  await checkInvariants(world, { status: true });
});
