/** Revocation as operators and relying parties see it: the command line, the CRLs that are served, foreign verifiers, and a front that is killed. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { openDatabase } from '../../src/database/database.ts';
import { rawStatement } from '../../src/database/statement.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { AcmeClient } from '../support/acme-client.ts';
import { count } from '../support/fleet.ts';
import { type Http01Responder, startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { run, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

const MAIN = join(REPOSITORY, 'src/main.ts');
const NO_TRACE = /^ {4}at |node:internal|Error:/m;

let world: World;
let responder: Http01Responder;
let client: AcmeClient;
let transport: ReturnType<typeof transportTo>;
before(async () => {
  world = await World.open();
  responder = await startHttp01Responder({ port: world.http01Port });
  transport = transportTo(world);
  client = await AcmeClient.registered(transport, world.directoryUrl);
});
after(async () => {
  transport?.[Symbol.dispose]();
  await responder?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

const chancery = (args: string[], exit = 0): Promise<string> => run(process.execPath, [MAIN, ...args], { env: world.environment(), exit });

let issued = 0;
/** A new certificate, its issuer, and the path of its CRL on the status listener. */
async function issue(): Promise<{ leaf: X509Certificate; issuer: X509Certificate; serial: string; path: string; chain: string; key: string }> {
  issued += 1;
  const { pem, key } = await client.issue([`revoked-${issued}.localhost`], ({ token, keyAuthorization }) => responder.set(token, keyAuthorization));
  const [leaf = '', issuer = ''] = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
  const { tbs } = parseCertificate(new X509Certificate(leaf).raw);
  const url = String(tbs.crlDistributionPoints?.[0]?.fullName?.[0]?.name?.value);
  return { leaf: new X509Certificate(leaf), issuer: new X509Certificate(issuer), serial: tbs.serial, path: new URL(url).pathname, chain: pem, key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(world.directory, name), content);
  return join(world.directory, name);
};
const crlFile = async (path: string): Promise<string> => {
  const der = file('shard.der', (await world.fetchFrom('status', path)).body);
  await run('openssl', ['crl', '-inform', 'DER', '-in', der, '-out', join(world.directory, 'shard.pem')]);
  return join(world.directory, 'shard.pem');
};
const settled = (): Promise<void> => until('every changed shard has its CRL', async () => (await count(world.database, 'select count(*) from crl_shard where changed <> built')) === 0, 60_000);

test('T-CRL-2, T-CRL-13 what is revoked by the command line is in the CRL that it names within a minute, for OpenSSL and GnuTLS', async () => {
  const [revoked, good] = [await issue(), await issue()];
  const dryRun = await chancery(['revoke', revoked.leaf.serialNumber, '--reason', 'superseded', '--dry-run']);
  assert.match(dryRun, /would revoke .*; nothing was changed/);
  const begun = Date.now();
  assert.match(await chancery(['revoke', revoked.leaf.serialNumber, '--reason', 'superseded']), new RegExp(`^revoked: ${revoked.serial} \\(superseded`));
  assert.match(await chancery(['revoke', revoked.leaf.serialNumber, '--reason', 'unspecified']), /was revoked already/);
  const again = (reason: string): Promise<string> => chancery(['revoke', revoked.leaf.serialNumber, '--reason', reason, '--dry-run']);
  assert.match(await again('unspecified'), /^revoked already \(superseded\): .*; nothing was changed/);
  assert.match(await again('keyCompromise'), /^would change superseded to keyCompromise, block its key, and revoke all that have that key: .*; nothing was changed/);
  assert.match(await again('certificateHold'), /^would refuse, for .*cannot be held: .*; nothing was changed/);
  await settled();
  assert.ok(Date.now() - begun < 60_000);

  const issuer = file('issuer.pem', revoked.issuer.toString());
  const verify = async (leaf: X509Certificate, path: string, exit: number): Promise<string> =>
    run('openssl', ['verify', '-crl_check', '-CAfile', world.rootFile, '-untrusted', issuer, '-CRLfile', await crlFile(path), file('leaf.pem', leaf.toString())], { exit });
  assert.match(await verify(revoked.leaf, revoked.path, 2), /error 23.*certificate revoked/);
  assert.match(await verify(good.leaf, good.path, 0), /OK/);
  const other = revoked.path.replace(/(\d+)\.crl$/, (_, shard) => `${(Number(shard) % 8) + 1}.crl`);
  assert.match(await verify(revoked.leaf, other, 2), /error 44/, 'the CRL of another shard says nothing');
  const text = await run('openssl', ['crl', '-noout', '-text', '-in', await crlFile(revoked.path)]);
  assert.match(text, new RegExp(`Serial Number: ${revoked.serial}`, 'i'));
  assert.match(text, /Superseded/);
  assert.match(await run('certtool', ['--verify-crl', '--load-ca-certificate', issuer, '--infile', await crlFile(revoked.path)]), /Verified/);
});

test("T-CRL-13 Node's TLS takes the shard with the root's CRL, and turns the revoked away", async () => {
  const der = (await world.fetchFrom('status', '/crl/development-1/root.crl')).body;
  assert.match(await run('openssl', ['crl', '-inform', 'DER', '-noout', '-text', '-in', file('root.der', der)]), /No Revoked Certificates/);
  assert.match(await run('openssl', ['crl', '-inform', 'DER', '-noout', '-CAfile', world.rootFile, '-in', file('root.der', der)]), /verify OK/);
  const pem = (bytes: Uint8Array): string => `-----BEGIN X509 CRL-----\n${Buffer.from(bytes).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`;
  const [revoked, good] = [await issue(), await issue()];
  await chancery(['revoke', revoked.serial, '--reason', 'keyCompromise']);
  await settled();
  for (const [{ chain, key, path }, expected] of [[good, undefined], [revoked, 'CERT_REVOKED']] as const) {
    const shard = (await world.fetchFrom('status', path)).body;
    const server = createServer({ key, cert: chain }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername: new X509Certificate(chain).subjectAltName?.replace('DNS:', '') ?? '', ca: readFileSync(world.rootFile), crl: [pem(shard), pem(der)] });
    const outcome = await new Promise((resolve) => {
      client.once('secureConnect', () => resolve(undefined));
      client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    client.destroy();
    server.close();
    assert.equal(outcome, expected);
  }
});

test('T-CRL-6, T-CRL-7 the command line refuses in one sentence what may not be, and changes nothing', async () => {
  const { serial } = await issue();
  const before = await count(world.database, 'select count(*) from revocation');
  for (const [args, said] of [
    [[serial], /say why/],
    [[serial, '--reason', 'badTemper'], /"badTemper" is no reason: it is one of unspecified, keyCompromise/],
    [[serial, '--reason', 'certificateHold'], /cannot be held: set hold: true in profiles\/server\.yaml/],
    [['ffff', '--reason', 'superseded'], /there is no certificate with serial ffff here/],
    [['xyz', '--reason', 'superseded'], /is no serial number/],
    [['--reason', 'superseded'], /say which certificates/],
    [[serial, '--profile', 'server', '--reason', 'superseded'], /say which certificates/],
    [['--profile', 'sevrer', '--reason', 'superseded'], /there is no profile "sevrer": it is one of/],
    [['--issued-between', 'then..now', '--reason', 'superseded'], /is not like 2026-11-01/],
    [['--spki', 'ab', '--reason', 'keyCompromise'], /64 hexadecimal digits/],
    [[serial, '--reason', 'superseded', '--issuer-key', 'nobody'], /there is no issuer key "nobody"/],
    [[serial, '--reason', 'superseded', '--compromised-at', '2026-01-01'], /a date goes with keyCompromise only/],
  ] as const) {
    const output = await chancery(['revoke', ...args], 2);
    assert.match(output, said);
    assert.doesNotMatch(output, NO_TRACE);
  }
  assert.match(await chancery(['unhold', serial], 2), /is not held/);
  assert.equal(await count(world.database, 'select count(*) from revocation'), before);
});

test('many at once: counted by owner first, revoked with --yes, and a second run finds nothing left', async () => {
  await Promise.all([issue(), issue(), issue()]);
  const good = await count(world.database, "select count(*) from certificate where profile = 'server' and serial not in (select serial from revocation)");
  const preview = await chancery(['revoke', '--profile', 'server', '--reason', 'cessationOfOperation']);
  assert.match(preview, new RegExp(`^${good} good certificates fit, \\d are revoked already\\n {2}${good} {2}acme-account `));
  assert.match(preview, /nothing was changed: add --yes/);
  assert.match(await chancery(['revoke', '--profile', 'server', '--reason', 'certificateHold']), /nothing was changed$/m, 'what is refused for all is not recommended');
  assert.match(await chancery(['revoke', '--profile', 'server', '--reason', 'cessationOfOperation', '--yes']), new RegExp(`revoked: ${good}`));
  assert.match(await chancery(['revoke', '--profile', 'server', '--reason', 'cessationOfOperation', '--yes']), /^0 good certificates fit/);
  const mine = JSON.parse(await chancery(['revoke', '--issued-between', '2020-01-01..2020-02-01', '--reason', 'superseded', '--json']));
  assert.equal(mine.selected, 0);
});

test("the server's own certificates are not among many, and a responder's goes for its key's compromise only", async () => {
  for (const profile of ['self', 'ocsp-responder']) {
    assert.ok((await count(world.database, `select count(*) from certificate where profile = '${profile}'`)) > 0);
    assert.equal(JSON.parse(await chancery(['revoke', '--profile', profile, '--reason', 'superseded', '--json'])).selected, 0);
  }
  await using database = await openDatabase(world.database);
  const found = await database.one<{ serial: string }>(rawStatement("select serial from certificate where profile = 'ocsp-responder' order by serial limit 1"));
  const refused = await chancery(['revoke', String(found?.serial), '--reason', 'superseded'], 2);
  assert.match(refused, /an OCSP responder's certificate is revoked for keyCompromise only: it is replaced by itself before it expires/);
  assert.equal(await count(world.database, "select count(*) from revocation r join certificate c on c.issuer_key = r.issuer_key and c.serial = r.serial where c.profile <> 'server'"), 0);
});

test('T-CRL-8 the files are what is served; one that is changed or deleted is written again', async () => {
  const directory = join(world.state, 'public/crl');
  const manifest = (): { crls: { issuerKey: string; shard: number; file: string; url: string; sha256: string }[] } => JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8'));
  const sound = async (): Promise<boolean> => {
    const served = await Promise.all(manifest().crls.map(async ({ issuerKey, shard, file: name, url }) => {
      const { body } = await world.fetchFrom('status', new URL(url).pathname);
      const copies = [join(directory, name), join(directory, issuerKey, `${shard}.crl`)];
      return copies.every((path) => existsSync(path) && body.equals(readFileSync(path)));
    }));
    return served.length === (await count(world.database, 'select count(*) from crl')) && served.every(Boolean);
  };
  await settled();
  await until('the files are there', async () => existsSync(join(directory, 'manifest.json')) && (await sound()), 40_000);
  const [first, second] = manifest().crls;
  writeFileSync(join(directory, first?.file ?? ''), 'somebody else');
  rmSync(join(directory, second?.issuerKey ?? '', `${second?.shard}.crl`));
  await until('they are mended', sound, 40_000);
  for (const folder of ['1', '2']) assert.ok(readdirSync(join(directory, 'development-1', folder)).length <= 2);
});

test('keyCompromise by the digest of the key revokes what has it, and blocks it', async () => {
  await issue();
  const [row] = await rowsOf("select spki_sha256 as value from certificate order by created desc limit 1");
  assert.match(await chancery(['revoke', '--spki', String(row), '--reason', 'keyCompromise', '--yes']), /revoked: 1/);
  assert.equal(await count(world.database, `select count(*) from blocked_key where spki_sha256 = '${row}'`), 1);
});

test('a front that is killed while it builds CRLs, again and again, leaves nothing undone', async () => {
  const certificates = await Promise.all(Array.from({ length: 9 }, () => issue()));
  for (const [index, { leaf }] of certificates.entries()) {
    await chancery(['revoke', leaf.serialNumber, '--reason', 'superseded']);
    const intents = await count(world.database, "select count(*) from intent where purpose = 'crl'");
    if (index % 3 !== 2) continue;
    await until('a build has begun', async () => (await count(world.database, "select count(*) from intent where purpose = 'crl'")) > intents, 30_000);
    const front = world.fronts[0];
    front?.kill('SIGKILL');
    await front?.ended;
    await world.startFront(0);
  }
  await settled();
  await until('nothing is open', async () => (await count(world.database, "select (select count(*) from intent where state = 'open') + (select count(*) from audit_entry where seq is null)")) === 0, 75_000);
  await checkInvariants(world, { settled: true, status: true });
});

async function rowsOf(sql: string): Promise<unknown[]> {
  const { openDatabase, rawStatement } = await import('../../src/database/database.ts');
  await using database = await openDatabase(world.database);
  return (await database.many<{ value: unknown }>(rawStatement(sql))).map(({ value }) => value);
}
