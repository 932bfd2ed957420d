/** A database restored from a backup that is older than revocations: what was revoked stays so, in CRL and OCSP, and its key stays blocked. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { openDatabase, rawStatement } from '../../src/database/database.ts';
import { parseCrl } from '../../src/x509/crl.ts';
import { readEntries } from '../../src/x509/crl-entries.ts';
import { encodeCertId } from '../../src/x509/ocsp.ts';
import { encodeOcspRequest } from '../../src/x509/ocsp-request.ts';
import { parseOcspResponse, parseResponseData } from '../../src/x509/ocsp-response.ts';
import { AcmeClient, newKey } from '../support/acme-client.ts';
import { namedCertificate } from '../support/cert-id.ts';
import { type Http01Responder, startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants, sourcesOf } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { run, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

const KEY = newKey();

let postgres: TestPostgres;
before(async () => { postgres = await startPostgres(); });
after(() => postgres.stop());

/** Puts a copy of a database that nobody uses in the place of another, or where there was none. */
async function copyDatabase(from: string, to: string): Promise<void> {
  if (from.startsWith('sqlite:')) {
    for (const more of ['', '-wal', '-shm']) {
      const [source, target] = [from, to].map((url) => `${url.slice('sqlite:'.length)}${more}`) as [string, string];
      rmSync(target, { force: true });
      if (existsSync(source)) cpSync(source, target);
    }
    return;
  }
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  const [source, target] = [from, to].map((url) => new URL(url).pathname.slice(1));
  await client.query(`drop database if exists ${target}`);
  await client.query(`create database ${target} template ${source}`);
  await client.end();
}

/** A world whose database can be put back to what it was, and one client. */
async function openRestoreLab(world: World, responder: Http01Responder, transport: ReturnType<typeof transportTo>) {
  const client = await AcmeClient.registered(transport, world.directoryUrl);
  const backup = world.database.startsWith('sqlite:') ? `sqlite:${join(world.directory, 'backup')}` : `${world.database}_backup`;
  const crls = () => Promise.all(Array.from({ length: 8 }, async (_, index) => parseCrl((await world.fetchFrom('status', `/crl/development-1/${index + 1}.crl`)).body).tbs));
  return {
    async issue(name: string, key = KEY) {
      const { pem } = await client.issue([name], ({ token, keyAuthorization }) => responder.set(token, keyAuthorization), { key });
      return namedCertificate(pem).serial;
    },
    chancery: (args: readonly string[], exit = 0) => run(process.execPath, [join(REPOSITORY, 'src/main.ts'), ...args], { env: world.environment(), exit }),
    async start(wait?: { ready: boolean }) {
      await world.startSigner();
      await world.startFront(0, {}, wait);
      client.forgetNonces();
    },
    async backUp() {
      await world.stop();
      await copyDatabase(world.database, backup);
      await this.start();
    },
    async restore() {
      await world.stop();
      await copyDatabase(backup, world.database);
    },
    numbers: async () => (await crls()).map(({ number }) => number?.value ?? 0n),
    async entry(serial: string) {
      return (await crls()).flatMap(({ entries }) => (entries === undefined ? [] : [...readEntries(entries)])).find((entry) => entry.serial === serial);
    },
    async ocsp(serial: string) {
      const issuer = sourcesOf(world).authority?.issuerKeys.get('development-1')?.shape;
      assert.ok(issuer !== undefined);
      const request = Buffer.from(encodeOcspRequest([encodeCertId('sha1', issuer, serial)])).toString('base64');
      const found = parseOcspResponse((await world.fetchFrom('status', `/ocsp/${request}`)).body);
      assert.ok(typeof found === 'object', String(found));
      return parseResponseData(found.responseData).responses[0]?.status.kind;
    },
    /** All shards are due. */
    async letPeriodPass() {
      await using database = await openDatabase(world.database);
      await database.commit([{ statement: rawStatement('update crl_shard set changed = changed + 1'), values: {}, rows: 'any' }]);
    },
    untilSettled: () => until('all is settled', async () => {
      try {
        await checkInvariants(world, { settled: true, status: true });
        return true;
      } catch (error) {
        if (/still open|no number|has changed and its CRL has not|has a key that is blocked/.test((error as Error).message)) return false;
        throw error;
      }
    }, 90_000),
  };
}

for (const engine of ['sqlite', 'postgres'] as const) test(`${engine}: what was revoked after the backup stays revoked`, async () => {
  await using world = await World.open(engine === 'postgres' ? { database: await postgres.createDatabase() } : {});
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const lab = await openRestoreLab(world, responder, transport);
  const [superseded, compromised] = [await lab.issue('superseded.localhost', newKey()), await lab.issue('compromised.localhost')];
  await lab.backUp();
  const lost = await lab.issue('lost.localhost');
  await lab.chancery(['revoke', superseded, '--reason', 'superseded']);
  await lab.chancery(['revoke', compromised, '--reason', 'keyCompromise']);
  const revoked = { [superseded]: 4, [compromised]: 1, [lost]: 1 };
  const reasons = async () => Object.fromEntries(await Promise.all(Object.keys(revoked).map(async (serial) => [serial, (await lab.entry(serial))?.reason])));
  await until('all are listed', async () => isDeepStrictEqual(await reasons(), revoked), 60_000);
  const [before, listed] = [await lab.numbers(), await lab.entry(compromised)];

  await lab.restore();
  assert.match(await lab.chancery(['restore', 'acknowledge', '--signer-id', '1', '--dry-run'], 2), /^[^\n]*signer id 1 was used with this journal already[^\n]*\n$/);
  assert.match(await lab.chancery(['restore', 'acknowledge', '--signer-id', '1'], 2), /^[^\n]*signer id 1 was used with this journal already[^\n]*\n$/);
  assert.match(await lab.chancery(['restore', 'acknowledge', '--signer-id', '2', '--dry-run']), /^1 certificates are in the journal .* 3 revocations/m);
  assert.match(await lab.chancery(['restore', 'acknowledge', '--signer-id', '2']), /^1 certificates completed, and 3 revocations/m);
  await checkInvariants(world);
  await lab.start();
  assert.equal((await lab.entry(compromised))?.at, listed?.at, 'before anything else is done');
  assert.ok((await lab.numbers()).every((number, index) => number >= (before[index] ?? 0n)), 'no number goes back');
  for (const serial of Object.keys(revoked)) assert.equal(await lab.ocsp(serial), 'revoked');
  await lab.letPeriodPass();
  await until('the next CRLs', async () => (await lab.numbers()).every((number, index) => number > (before[index] ?? 0n)), 60_000);
  assert.deepEqual(await reasons(), revoked);
  await assert.rejects(lab.issue('again.localhost'), /badCSR.*blocked/);
  await lab.issue('old-id.localhost', newKey());
  await world.stop();
  const file = join(world.configuration(), 'ca.yaml');
  const configured = readFileSync(file, 'utf8');
  const renumbered = configured.replace(/^(signer:\n(?: .*\n)*? +id: )1$/m, '$12');
  assert.notEqual(renumbered, configured);
  writeFileSync(file, renumbered);
  await lab.start();
  await lab.issue('new-id.localhost', newKey());
  await lab.untilSettled();
});

test('a key that was blocked while the signer was fenced does not stand in the way of completing what it has', async () => {
  await using world = await World.open();
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const lab = await openRestoreLab(world, responder, transport);
  const [known, forgotten] = [await lab.issue('known.localhost'), await lab.issue('forgotten.localhost', newKey())];
  await lab.backUp();
  const lost = await lab.issue('lost.localhost');
  await lab.chancery(['revoke', forgotten, '--reason', 'superseded']);
  await until('it is listed', async () => (await lab.entry(forgotten)) !== undefined, 60_000);
  await lab.restore();
  await lab.start({ ready: false });
  await until('the signer is fenced', async () => (await world.fetchFrom('status', '/readyz').catch(() => undefined))?.body.toString().includes('fenced') ?? false);
  await lab.chancery(['revoke', known, '--reason', 'keyCompromise']);
  await lab.letPeriodPass();
  await until('the fenced front publishes what it knows', async () => (await lab.entry(known)) !== undefined && (await lab.entry(forgotten)) === undefined, 60_000);
  await world.stop();
  assert.match(await lab.chancery(['restore', 'acknowledge', '--signer-id', '2']), /^1 certificates completed, and 1 revocations[^\n]*\n$/);
  await checkInvariants(world);
  await lab.start();
  await until('what was forgotten is listed again', async () => (await lab.entry(forgotten))?.reason === 4, 60_000);
  await until('what was completed is revoked', async () => (await lab.entry(lost))?.reason === 1, 60_000);
  await lab.untilSettled();
});
