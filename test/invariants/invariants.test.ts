/**
 * The checker's own test. A small real world is sound; each corruption of a copy of it is found, under the invariant that it breaks. And
 * nothing that the checker can say is left without a corruption that makes it say so.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { auditEntry } from '../../src/ca/audit/entry.ts';
import { sha256 } from '../../src/ca/canonical-json.ts';
import { revoke } from '../../src/ca/revocation/revoke.ts';
import { systemClock } from '../../src/clock.ts';
import { type Intent, recordIntent } from '../../src/ca/issuance/store.ts';
import { openDatabase } from '../../src/database/database.ts';
import { rawStatement } from '../../src/database/statement.ts';
import { parseTbs } from '../../src/x509/certificate.ts';
import { encodeCertId } from '../../src/x509/ocsp.ts';
import { encodeOcspRequest } from '../../src/x509/ocsp-request.ts';
import { parseOcspResponse } from '../../src/x509/ocsp-response.ts';
import { composeSerial, SERIAL_RANDOM } from '../../src/x509/serial.ts';
import { factsOf, renderTbs } from '../../src/x509/tbs.ts';
import { bindingOf, type Handed } from '../support/acme-binding.ts';
import { AcmeClient } from '../support/acme-client.ts';
import { Copy, type Original } from '../support/corruptible.ts';
import { count } from '../support/fleet.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { sourcesOf } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { run, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';
import { CORRUPTIONS } from './corruptions.ts';

const DATABASE = 'sqlite:';

let world: World;
let original: Original;
before(async () => {
  world = await World.open();
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  for (const names of [['one.localhost'], ['two.localhost', 'three.localhost'], ['four.localhost']]) {
    const client = await AcmeClient.registered(transport, world.directoryUrl);
    await client.issue(names, ({ token, keyAuthorization }) => responder.set(token, keyAuthorization));
  }
  const bound = await new AcmeClient(transport, world.directoryUrl).open();
  await bound.newAccount({ externalAccountBinding: bindingOf(bound, await handedOut()) });
  await bound.issue(['five.bound.localhost'], ({ token, keyAuthorization }) => responder.set(token, keyAuthorization));
  await leaveHalfDone();
  await revokeSome();
  const unsettled = "select (select count(*) from intent where state = 'open') + (select count(*) from audit_entry where seq is null) + (select count(*) from crl_shard where changed <> built)";
  const issued = () => count(world.database, 'select count(*) from certificate');
  const before = await issued();
  await until('what was half done is closed and issued anew', async () => (await issued()) > before && (await count(world.database, unsettled)) === 0, 30_000);
  await askOcsp();
  const served = await servedCrls();
  await world.stop();
  original = {
    databaseFile: world.database.slice(DATABASE.length), journal: join(world.state, 'signer/journal'),
    sources: { ...sourcesOf(world), settled: true, fetchStatus: async (path) => ({ status: 200, body: served.get(path) as Buffer }) },
  };
});
after(() => world[Symbol.asyncDispose]());

/** One certificate for its key, which is blocked, and one that was replaced; the first stays good. */
async function revokeSome(): Promise<void> {
  await using database = await openDatabase(world.database);
  const { authority } = sourcesOf(world);
  if (authority === undefined) throw new Error('the world has no configuration');
  const parts = { database, clock: systemClock, random: randomBytes, authority: () => authority };
  const serials = await database.many<{ issuer_key: string; serial: string }>(rawStatement("select issuer_key, serial from certificate where door = 'acme' order by serial"));
  for (const [index, reason] of (['keyCompromise', 'superseded'] as const).entries()) {
    const { issuer_key: issuerKey = '', serial = '' } = serials[index + 1] ?? {};
    const outcome = await revoke(parts, { realm: 'default', issuerKey, serial, reason, authority: 'operator', door: 'test', requester: { kind: 'operator', id: 'test' }, evidence: { asked: reason } });
    assert.equal(outcome.kind, 'revoked');
  }
}

/** What a front leaves that died between its intent and the signer, a minute ago. */
async function leaveHalfDone(): Promise<void> {
  await using database = await openDatabase(world.database);
  const like = (await database.one<Intent>(rawStatement("select * from intent where door = 'acme' order by serial"))) as Intent;
  const { authority } = sourcesOf(world);
  const [profile, issuer] = [authority?.generation.profiles.get(like.profile), authority?.issuerKeys.get(like.issuer_key)];
  if (profile === undefined || issuer === undefined) throw new Error('the world has no configuration');
  const facts = factsOf(parseTbs(like.tbs));
  const serial = composeSerial(like.signer_id, facts.notBefore, facts.notAfter, new Uint8Array(SERIAL_RANDOM).fill(7));
  const tbs = renderTbs(profile.shape, issuer.shape, { ...facts, serial });
  const created = Date.now() - 60_000;
  const intent: Intent = { ...like, id: 'half-done', serial, tbs, request_ref: 'half-done', lineage_id: 'half-done', created, deadline: created + 10_000 };
  const done = await database.commit([recordIntent(intent), auditEntry('half-done', like.realm, 'certificate.intended', created, {
    intent: intent.id, issuerKey: intent.issuer_key, serial, profile: intent.profile, configDigest: intent.config_digest, door: intent.door,
    requesterKind: intent.requester_kind, requesterId: intent.requester_id, requestRef: intent.request_ref, evidence: intent.evidence_digest,
    tbsSha256: sha256(tbs), correlation: intent.correlation,
  })]);
  assert.ok(done);
}

/** A credential with bounds, from the command line. */
async function handedOut(): Promise<Handed> {
  const args = ['eab', 'create', '--json', '--suffix', 'bound.localhost', '--profile', 'server'];
  const made = JSON.parse(await run(process.execPath, [join(REPOSITORY, 'src/main.ts'), ...args], { env: world.environment() })) as { credential: { id: string }; hmacKey: string };
  return { kid: made.credential.id, hmacKey: made.hmacKey };
}

/** One answer that is kept, and two that are not. */
async function askOcsp(): Promise<void> {
  await using database = await openDatabase(world.database);
  const issuer = sourcesOf(world).authority?.issuerKeys.get('development-1');
  const { serial = '' } = (await database.one<{ serial: string }>(rawStatement("select serial from certificate where door = 'acme' order by serial limit 1"))) ?? {};
  if (issuer === undefined) throw new Error('the world has no configuration');
  for (const nonce of [undefined, Buffer.of(1), Buffer.of(2)]) {
    const request = encodeOcspRequest([encodeCertId('sha1', issuer.shape, serial)], nonce);
    const { body } = await world.fetchFrom('status', `/ocsp/${Buffer.from(request).toString('base64')}`);
    assert.equal(typeof parseOcspResponse(body), 'object');
  }
}

async function servedCrls(): Promise<Map<string, Buffer>> {
  const served = new Map<string, Buffer>();
  await using database = await openDatabase(world.database);
  for (const { issuer_key, shard } of await database.many<{ issuer_key: string; shard: number }>(rawStatement('select issuer_key, shard from crl'))) {
    const path = `/crl/${issuer_key}/${shard}.crl`;
    served.set(path, (await world.fetchFrom('status', path)).body);
  }
  return served;
}

test('the world is sound, and so is a copy of it', async () => {
  using copy = new Copy(original);
  assert.deepEqual(await copy.violations(), []);
  assert.ok(copy.row('select count(*) as certificates from certificate')['certificates'] >= 4);
  assert.equal(copy.row("select count(*) as closed from intent where state = 'closed'")['closed'], 1);
});

const said = new Set<string>();
for (const { what, found, make } of CORRUPTIONS) {
  test(what, async () => {
    using copy = new Copy(original);
    make(copy);
    const violations = await copy.violations();
    for (const violation of violations) said.add(violation);
    assert.ok(violations.some((violation) => found.test(violation)), `${found} is not among:\n${violations.join('\n')}`);
  });
}

test('there is a corruption for everything that the checker can say', () => {
  const checks = join(REPOSITORY, 'test/support/invariants');
  const sayings = readdirSync(checks).flatMap((file) => [...readFileSync(join(checks, file), 'utf8').matchAll(/bad\('(I\d)', `([^`]*)`\)/g)]);
  assert.ok(sayings.length > 60, `only ${sayings.length} sayings were found`);
  const never = sayings.map(([, invariant, text = '']) => `${invariant}: ${text}`).filter((saying) => {
    const pattern = new RegExp(`^${saying.split(/\$\{[^}]*\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
    return ![...said].some((violation) => pattern.test(violation));
  });
  assert.deepEqual(never, []);
});
