/**
 * kill -9 of the front and of the signer's worker at every step of a CRL, and while OCSP responses are signed. CRL numbers never go
 * back, every list is complete soon after, no response says anything wrong, and every invariant holds.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { revoke } from '../../src/ca/revocation/revoke.ts';
import { systemClock } from '../../src/clock.ts';
import { openDatabase } from '../../src/database/database.ts';
import { ALGORITHMS } from '../../src/x509/algorithm.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { parseCrl } from '../../src/x509/crl.ts';
import { readEntries } from '../../src/x509/crl-entries.ts';
import { encodeCertId } from '../../src/x509/ocsp.ts';
import { encodeOcspRequest } from '../../src/x509/ocsp-request.ts';
import { parseOcspResponse, parseResponseData } from '../../src/x509/ocsp-response.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { AcmeClient } from '../support/acme-client.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants, sourcesOf } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { startPostgres } from '../support/postgres.ts';
import { until } from '../support/processes.ts';
import { openIntents } from '../support/settle.ts';
import { World } from '../support/world.ts';

const FRONT_STEPS = ['crl-intended', 'crl-signed', 'crl-published'] as const;
const SIGNER_STEPS = ['before-journal', 'after-journal', 'before-sign', 'after-sign'] as const;
const OCSP_STEPS = ['ocsp-journaled', 'ocsp-signed'] as const;
const ISSUER_KEY = 'development-1';
const SHARDS = 8;
const ASKERS = 16;

interface Certificate {
  readonly serial: string;
  readonly path: string;
}

describe('kill -9 while CRLs and OCSP responses are made', { concurrency: true }, () => {
  test('SQLite, one front', async (t) => {
    await using world = await World.open({ started: false });
    await ordeal(t, world);
  });
  test('PostgreSQL, two fronts', async (t) => {
    const postgres = await startPostgres();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => postgres.stop());
    const world = stack.use(await World.open({ started: false, fronts: 2, database: await postgres.createDatabase() }));
    await ordeal(t, world);
  });
});

async function ordeal(t: TestContext, world: World): Promise<void> {
  const armory = join(world.directory, 'halt');
  mkdirSync(armory);
  const armed = { CHANCERY_HALT_AT: armory };
  await world.startSigner(armed);
  await Promise.all(world.ports.map((_, front) => world.startFront(front, armed)));
  const [good, ...others] = await issueSome(world, 1 + FRONT_STEPS.length + SIGNER_STEPS.length);
  assert.ok(good !== undefined);

  /** Arms the step, has something done that comes by there, and brings back whoever died of it. */
  const dieAt = async (step: string, work: () => Promise<void>): Promise<void> => {
    const file = join(armory, `halt-at-${step}`);
    writeFileSync(file, '');
    await work();
    await until(`somebody dies at ${step}`, () => !existsSync(file), 30_000);
    await revive(world, armed);
  };
  const revoked: Certificate[] = [];
  let numbers = await served(world, revoked);
  for (const step of [...FRONT_STEPS, ...SIGNER_STEPS]) {
    const certificate = others.pop() as Certificate;
    await dieAt(step, () => revokeIn(world, certificate));
    revoked.push(certificate);
    await until(`all that is revoked is listed after a death at ${step}`, async () => {
      const now = await served(world, revoked);
      if (now.size < SHARDS) return false;
      for (const [shard, number] of numbers) assert.ok((now.get(shard) ?? 0n) >= number, `shard ${shard} went from ${number} to ${now.get(shard)}`);
      return true;
    }, 40_000);
    numbers = await served(world, []);
  }

  const stop = new AbortController();
  const answers = { good: 0, revoked: 0 };
  const asking = Array.from({ length: ASKERS }, (_, index) =>
    keepAsking(world, index % world.ports.length, index % 2 === 0 ? [good, 'good'] : [revoked[0] as Certificate, 'revoked'], answers, stop.signal));
  const answered = async (): Promise<void> => {
    const before = { ...answers };
    await until('OCSP answers', () => answers.good > before.good && answers.revoked > before.revoked, 40_000);
  };
  try {
    await answered();
    for (const step of OCSP_STEPS) {
      await dieAt(step, async () => {});
      await answered();
    }
    for (let kill = 0; kill < 3; kill += 1) {
      world.fronts[0]?.kill('SIGKILL');
      await world.fronts[0]?.ended;
      await revive(world, armed);
      await answered();
    }
  } finally {
    stop.abort();
    await Promise.all(asking);
  }
  t.diagnostic(`OCSP responses: ${answers.good} good, ${answers.revoked} revoked`);
  await until('all intents are settled', async () => (await openIntents(world.database)) === 0, 75_000);
  await served(world, revoked);
  await checkInvariants(world, { status: true });
}

/** Fronts that were killed are started again; the supervisor starts the worker. */
async function revive(world: World, environment: NodeJS.ProcessEnv): Promise<void> {
  for (const [index, front] of world.fronts.entries()) {
    const how = await Promise.race([front?.ended, new Promise<undefined>((resolve) => setTimeout(resolve, 200, undefined))]);
    if (how === undefined) continue;
    assert.equal(how, 'SIGKILL');
    await world.startFront(index, environment);
  }
}

async function issueSome(world: World, count: number): Promise<Certificate[]> {
  await using responder = await startHttp01Responder({ port: world.http01Port, forget: true });
  using transport = transportTo(world);
  const client = await AcmeClient.registered(transport, world.directoryUrl);
  const names = Array.from({ length: count }, (_, index) => `status-${index}.localhost`);
  const issued = await Promise.all(names.map((name) => client.issue([name], ({ token, keyAuthorization }) => responder.set(token, keyAuthorization))));
  return issued.map(({ pem }) => {
    const { tbs } = parseCertificate(decodePem('CERTIFICATE', pem)[0] as Uint8Array);
    return { serial: tbs.serial, path: new URL(String(tbs.crlDistributionPoints?.[0]?.fullName?.[0]?.name?.value)).pathname };
  });
}

async function revokeIn(world: World, { serial }: Certificate): Promise<void> {
  const { authority } = sourcesOf(world);
  if (authority === undefined) throw new Error('there is no authority');
  await using database = await openDatabase(world.database);
  const parts = { database, clock: systemClock, random: (octets: number) => randomBytes(octets), authority: () => authority };
  const outcome = await revoke(parts, {
    realm: 'default', issuerKey: ISSUER_KEY, serial, reason: 'superseded', authority: 'operator', door: 'test', requester: { kind: 'operator', id: 'test' },
  });
  assert.equal(outcome.kind, 'revoked');
}

/** The number of each shard that the first front serves; fewer than there are while it is away, or while one of `listed` is not in its list. */
async function served(world: World, listed: readonly Certificate[]): Promise<ReadonlyMap<number, bigint>> {
  const numbers = new Map<number, bigint>();
  for (let shard = 1; shard <= SHARDS; shard += 1) {
    const path = `/crl/${ISSUER_KEY}/${shard}.crl`;
    const answer = await world.fetchFrom('status', path).catch(() => undefined);
    if (answer?.status !== 200) continue;
    const { tbs } = parseCrl(answer.body);
    const serials = new Set(tbs.entries === undefined ? [] : [...readEntries(tbs.entries)].map(({ serial }) => serial));
    if (listed.every((one) => one.path !== path || serials.has(one.serial))) numbers.set(shard, tbs.number?.value ?? 0n);
  }
  return numbers;
}

/** Asks with nonces, so that each answer is signed. What is signed must be right; that nothing is, for a while, is no fault. */
async function keepAsking(world: World, front: number, [{ serial }, expected]: readonly [Certificate, 'good' | 'revoked'], answers: Record<'good' | 'revoked', number>, stop: AbortSignal): Promise<void> {
  const issuer = sourcesOf(world).authority?.issuerKeys.get(ISSUER_KEY)?.shape;
  assert.ok(issuer !== undefined);
  while (!stop.aborted) {
    const nonce = randomBytes(32);
    const request = Buffer.from(encodeOcspRequest([encodeCertId('sha256', issuer, serial)], nonce)).toString('base64');
    const answer = await world.fetchFrom('status', `/ocsp/${encodeURIComponent(request)}`, front).catch(() => undefined);
    const response = answer?.status === 200 ? parseOcspResponse(answer.body) : undefined;
    if (typeof response !== 'object') {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    const responder = parseCertificate(response.certificates[0] as Uint8Array).tbs;
    assert.ok(ALGORITHMS['ecdsa-sha256-p256'].verify(responder.spki, response.responseData, response.signature), 'the signature verifies');
    const data = parseResponseData(response.responseData);
    assert.deepEqual([data.responses.map(({ status, named }) => `${status.kind} ${named.serial}`), Buffer.from(data.nonce ?? []).toString('hex')], [[`${expected} ${serial}`], nonce.toString('hex')]);
    answers[expected] += 1;
  }
}
