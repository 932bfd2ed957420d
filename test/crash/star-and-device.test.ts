/**
 * R13 for orders that renew themselves and orders of devices: kill -9 of the front that issues, between intent, signature and record, on both engines. The
 * client finds its certificate all the same, each period has one, and every invariant holds. On PostgreSQL another front goes on at once.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, type TestContext, test } from 'node:test';
import { openDatabase } from '../../src/database/database.ts';
import { rawStatement } from '../../src/database/statement.ts';
import { AcmeClient, type Answer, type KeyPair, newKey, type OrderBody, type Transport } from '../support/acme-client.ts';
import { Maker, yubiKeyAnswer } from '../support/attestation.ts';
import { buildCsr } from '../support/csr.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { startPostgres } from '../support/postgres.ts';
import { until } from '../support/processes.ts';
import { openIntents } from '../support/settle.ts';
import { type CaYaml, World } from '../support/world.ts';

/** Where the issuing front dies; what was half done there is settled when its deadline has passed by 30 s. */
const STEPS = ['intent-recorded', 'signed', 'certificate-recorded'] as const;
const PATIENCE_MS = 100_000;
const maker = new Maker();

function configure(ca: CaYaml): void {
  ca.directories.default.star = { minLifetime: '1h', maxDuration: '30d', certificateGet: true };
  const root = `-----BEGIN CERTIFICATE-----\n${maker.root.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  ca.directories.devices = {
    externalUrl: ca.directories.default.externalUrl, profiles: ['device'], policies: ['devices'], challenges: ['device-attest-01'], attestation: { step: [root] },
  };
}

/** The world, and whoever may die in it. */
class Scene {
  readonly world: World;
  readonly #armory: string;
  readonly #over = new AbortController();
  readonly #reviving: Promise<unknown>;

  private constructor(world: World, armory: string) {
    this.world = world;
    this.#armory = armory;
    this.#reviving = Promise.all(world.ports.map((_, index) => this.#revive(index)));
  }

  static async open(database?: string): Promise<Scene> {
    const world = await World.open({ started: false, configure, fronts: database === undefined ? 1 : 2, ...(database === undefined ? {} : { database }) });
    const armory = join(world.directory, 'halt');
    mkdirSync(armory);
    await world.startSigner();
    await Promise.all(world.ports.map((_, index) => world.startFront(index, { CHANCERY_HALT_AT: armory })));
    return new Scene(world, armory);
  }

  /** Does `work` until a front dies in it at `step`: a connection to one that died before may be lost as well. */
  async dying(step: string, work: () => Promise<unknown>): Promise<void> {
    const armed = join(this.#armory, `halt-at-${step}`);
    writeFileSync(armed, '');
    await until(`a front dies at ${step}`, async () => {
      await work();
      return !existsSync(armed);
    }, 60_000);
  }

  async #revive(index: number): Promise<void> {
    while (!this.#over.signal.aborted) {
      const how = await Promise.race([this.world.fronts[index]?.ended, sleep(100, 'alive')]);
      if (how === 'SIGKILL') await this.world.startFront(index, { CHANCERY_HALT_AT: this.#armory });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#reviving;
    await this.world[Symbol.asyncDispose]();
  }
}

/** Asks at each front in turn until one gives an answer for which `holds`; what was lost with a front is asked again. */
async function persistent(what: string, ask: () => Promise<Answer>, holds: (answer: Answer) => boolean): Promise<Answer> {
  let found: Answer | undefined;
  let last = '';
  await until(what, async () => {
    const answer = await ask().catch((error: Error) => { last = error.message; return undefined; });
    if (answer !== undefined) last = answer.text;
    if (answer !== undefined && holds(answer)) found = answer;
    else await sleep(200);
    return found !== undefined;
  }, PATIENCE_MS).catch((error: Error) => { throw new Error(`${error.message}; last: ${last}`); });
  return found as Answer;
}

const csrFor = (key: KeyPair, names: readonly string[] = []): string =>
  buildCsr({ ...key, names: names.map((value) => ({ type: 'dns' as const, value })) }).toString('base64url');

/** A ready order: what finalizes it, and where it is. */
interface Ready { readonly client: AcmeClient; readonly url: string; finalize(): Promise<unknown>; readonly key: KeyPair }

async function readyStar(client: AcmeClient, name: string, prove: (proof: { token: string; keyAuthorization: string }) => void): Promise<Ready> {
  const end = `${new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 19)}Z`;
  const wish = { 'auto-renewal': { 'end-date': end, lifetime: 86_400, 'allow-certificate-get': true } };
  const ordered = await client.newOrder([name], wish);
  assert.equal(ordered.status, 201, ordered.text);
  await client.authorize(ordered.json as OrderBody, 'http-01', prove);
  const key = newKey();
  return { client, key, url: ordered.headers['location'] as string, finalize: () => client.post(ordered.json.finalize, { csr: csrFor(key, [name]) }).catch(() => {}) };
}

async function readyDevice(client: AcmeClient, serial: number): Promise<Ready> {
  const ordered = await client.post(client.directory.newOrder, { identifiers: [{ type: 'permanent-identifier', value: String(serial) }] });
  assert.equal(ordered.status, 201, ordered.text);
  const { json: authorization } = await client.post(ordered.json.authorizations[0]);
  const [challenge] = authorization.challenges;
  const key = newKey();
  const answer = await client.post(challenge.url, yubiKeyAnswer(maker, key, serial, client.keyAuthorization(challenge.token)));
  assert.equal(answer.json.status, 'valid', answer.text);
  return { client, key, url: ordered.headers['location'] as string, finalize: () => client.post(ordered.json.finalize, { csr: csrFor(key) }).catch(() => {}) };
}

async function play(t: TestContext, database?: string): Promise<void> {
  await using scene = await Scene.open(database);
  const { world } = scene;
  await using responder = await startHttp01Responder({ port: world.http01Port });
  let requests = 0;
  using send: Transport & Disposable = transportTo(world, () => requests++ % world.ports.length);
  const prove = ({ token, keyAuthorization }: { token: string; keyAuthorization: string }): void => responder.set(token, keyAuthorization);
  const devicesUrl = world.directoryUrl.replace('/acme/', '/acme/d/devices/');
  const ready: { star: Ready; device: Ready; renewing: Ready }[] = [];
  for (const [index] of STEPS.entries()) {
    ready.push({
      star: await readyStar(await AcmeClient.registered(send, world.directoryUrl), `star-${index}.localhost`, prove),
      device: await readyDevice(await AcmeClient.registered(send, devicesUrl), 1000 + index),
      renewing: await readyStar(await AcmeClient.registered(send, world.directoryUrl), `renewing-${index}.localhost`, prove),
    });
  }
  const allReady = () => until('the fronts are ready', async () =>
    (await Promise.all(world.ports.map((_, index) => world.statusOf('/readyz', index)))).every((status) => status === 200), 60_000);

  const settled = (each: Ready) => persistent(`${each.url} is valid`, () => each.client.post(each.url), ({ json }) => {
    assert.notEqual(json.status, 'invalid');
    if (json.status === 'ready') void each.finalize(); // nothing was signed: the client asks once more
    return json.status === 'valid';
  });
  const current = async (url: string): Promise<string> => (await persistent('a chain', () => send({ method: 'GET', url }), ({ status }) => status === 200)).text;
  const begun = async (order: Ready) => {
    const url = (await settled(order)).json['star-certificate'] as string;
    return { url, first: await current(url), key: order.key };
  };
  const renewing = await Promise.all(ready.map((each) => begun(each.renewing)));

  // First and next certificates die one after the other, and their deadlines run out together.
  for (const [index, step] of STEPS.entries()) {
    const { star, device } = ready[index] as (typeof ready)[number];
    const { url } = renewing[index] as (typeof renewing)[number];
    for (const work of [star.finalize, device.finalize, () => makeDue(world.database, [url])]) {
      await scene.dying(step, work);
      await allReady();
    }
  }
  const followed = (orders: typeof renewing) => Promise.all(orders.map(async ({ url, first, key }) => {
    await until(`${url} has its next certificate`, async () => (await current(url)) !== first, PATIENCE_MS);
    assert.ok(new X509Certificate(await current(url)).publicKey.equals(key.publicKey));
  }));
  const following = followed(renewing);
  const orders = await Promise.all(ready.map(async ({ star, device }) => ({ star: await begun(star), device: await settled(device) })));
  await following;
  for (const [index, { device }] of orders.entries()) {
    const { client, key } = (ready[index] as (typeof ready)[number]).device;
    const certificate = new X509Certificate((await persistent('a chain', () => client.post(device.json.certificate), ({ status }) => status === 200)).text);
    assert.equal(certificate.subject, `serialNumber=${1000 + index}`);
    assert.ok(certificate.publicKey.equals(key.publicKey));
  }

  // Those whose first certificate was half done for a while have a next one as well.
  await makeDue(world.database, orders.map(({ star }) => star.url));
  await followed(orders.map(({ star }) => star));
  await until('all is settled', async () => (await openIntents(world.database)) === 0, PATIENCE_MS);
  t.diagnostic(`${STEPS.length * 3} fronts killed`);
  const perReference = 'select request_ref, count(*) as n from certificate group by request_ref having count(*) > 1';
  await using opened = await openDatabase(world.database);
  assert.deepEqual(await opened.many(rawStatement(perReference)), []);
  await checkInvariants(world, { status: true });
}

/** As if the time for the next certificate of these URLs had come. */
async function makeDue(url: string, certificates: readonly string[]): Promise<void> {
  await using database = await openDatabase(url);
  const statement = rawStatement('update acme_star set due = 1 where order_id = :order');
  await database.commit(certificates.map((certificate) => ({ statement, values: { order: certificate.split('/').at(-1) as string }, rows: 1 })));
}

// Most of it is waiting for deadlines, so both engines wait at once.
describe('on both engines', { concurrency: 2 }, () => {
  test('R13, ST-04, DV-05 (SQLite): the only front dies while it issues to a renewing order and to a device', { timeout: 400_000 }, (t) => play(t));

  test('R13, ST-04, DV-05 (PostgreSQL): one of two fronts dies while it issues to a renewing order and to a device', { timeout: 400_000 }, async (t) => {
    const postgres = await startPostgres();
    try {
      await play(t, await postgres.createDatabase());
    } finally {
      await postgres.stop();
    }
  });
});
