/**
 * What an operator sees of a whole running server: `chancery status`, /readyz and the metrics, while all is well, after a revocation, and when
 * relying parties get something else at our URLs than we serve. The front runs in this process, so that its jobs can be run at once.
 */
import assert from 'node:assert/strict';
import { createServer, request as ask } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { logEventsTo } from '../../src/telemetry/events.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { type Front, openFront } from '../../src/wiring/front.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { parseCrl } from '../../src/x509/crl.ts';
import { readEntries } from '../../src/x509/crl-entries.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { AcmeClient } from '../support/acme-client.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { run, until } from '../support/processes.ts';
import { REPOSITORY, World } from '../support/world.ts';

const MAIN = join(REPOSITORY, 'src/main.ts');
const opened = new AsyncDisposableStack();
let world: World;
let front: Front;
/** What stands between relying parties and us, by path: a CDN, that has been told to serve something else. */
const instead = new Map<string, Buffer>();
let cdn: string;

before(async () => {
  const proxy = createServer((request, response) => {
    const other = instead.get(request.url ?? '');
    if (other !== undefined) return void response.writeHead(200, { 'Content-Type': 'application/pkix-crl' }).end(other);
    request.pipe(ask({ host: '127.0.0.1', port: world.ports[0]?.status, path: request.url, method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    }).on('error', () => response.destroy()));
  });
  await new Promise<void>((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  opened.defer(async () => {
    proxy.closeAllConnections();
    await new Promise<void>((resolve) => { proxy.close(() => resolve()); });
  });
  cdn = `http://localhost:${(proxy.address() as AddressInfo).port}`;
  world = opened.use(await World.open({ started: false, configureIssuer: (issuer) => Object.assign(issuer, { crlUrl: `${cdn}/crl` }) }));
  await world.startSigner();
  logEventsTo(await openLog({ name: 'front', level: 'silent' }));
  const environment = world.environment();
  const loaded = loadConfig(world.configuration(), world.state, environment);
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  front = opened.use(await openFront({ generation: loaded.generation, configDirectory: world.configuration(), environment }));
});
after(() => opened.disposeAsync());

const status = (args: string[], exit: number): Promise<string> => run(process.execPath, [MAIN, 'status', ...args], { env: world.environment(), exit });
const json = async (exit: number): Promise<Found> => JSON.parse(await status(['--json'], exit));
const development = ({ issuers }: Found): Issuer => issuers.find(({ issuerKey }) => issuerKey === 'development-1') as Issuer;
/** Twice: the first may have begun, on its schedule, before what is to be seen. */
async function look(): Promise<void> {
  for (const job of ['probe', 'probe', 'measure-freshness', 'measure-freshness']) await front.jobs.runNow(job);
}

/** The value of one figure, named as Prometheus sees it. */
async function figure(name: string): Promise<string | undefined> {
  const lines = (await world.fetchFrom('metrics', '/metrics')).body.toString().split('\n');
  return lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
}

interface Found {
  readonly ready: boolean;
  readonly ocspKept: number;
  readonly issuers: readonly Issuer[];
}
interface Issuer {
  readonly issuerKey: string;
  readonly crls: { readonly published: number; readonly each: readonly { readonly shard: number; readonly thisUpdate: number }[] };
  readonly probes: readonly { readonly url: string; readonly what: string; readonly fault?: string }[];
  readonly concerns: readonly unknown[];
}

test('T-CRL-10, T-CRL-11 one screen says that all is well: certificate, CRLs, root CRL, responder, and the URLs as they are found', async () => {
  await look();
  const text = await status([], 0);
  assert.match(text, /^server {9}ready\nsigner {9}1, ready\nconfiguration {2}[0-9a-f]{16}\nOCSP cache {5}\d+ responses\n\ndevelopment-1\n/);
  const [, paragraph = ''] = text.split('development-1\n');
  assert.match(paragraph, new RegExp([
    '^ {2}certificate {2}good for 1095 d', ' {2}CRLs {9}8 of 8 published, the oldest \\d min old, good for 9 d', ' {2}root CRL {5}good for \\d+ d',
    ' {2}OCSP {9}responder good for 30 d', ' {2}URLs {9}11 of 11 as they should be, all looked at in the last \\d min', '\\n',
  ].join('\n')));
  assert.ok(text.split('\n').length <= 24, 'one screen');
  const found = await json(0);
  assert.equal(found.ready, true);
  assert.deepEqual(development(found).crls.each.map(({ shard }) => shard), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(development(found).probes.map(({ what }) => what).sort(), [...Array(8).fill('crl'), 'issuer-certificate', 'ocsp', 'root-crl']);
  for (const what of ['crl', 'root-crl', 'ocsp', 'issuer-certificate']) {
    assert.equal(await figure(`chancery_probe_faults{issuer_key="development-1",what="${what}"}`), '0');
  }
  assert.ok(Number(await figure('chancery_crl_shard_age_seconds{issuer_key="development-1",shard="8"}')) < 60);
});

test('T-CRL-2, T-CRL-11 after a revocation its shard is new, and the prober agrees', async () => {
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const client = await AcmeClient.registered(transport, world.directoryUrl);
  const { pem } = await client.issue(['status.localhost'], ({ token, keyAuthorization }) => responder.set(token, keyAuthorization));
  const { tbs } = parseCertificate(decodePem('CERTIFICATE', pem)[0] as Uint8Array);
  const url = new URL(String(tbs.crlDistributionPoints?.[0]?.fullName?.[0]?.name?.value));
  assert.equal(url.origin, cdn);
  await run(process.execPath, [MAIN, 'revoke', tbs.serial, '--reason', 'superseded'], { env: world.environment() });
  for (const job of ['publish-crls', 'publish-crls']) await front.jobs.runNow(job);
  await look();
  const { entries } = parseCrl(Buffer.from(await (await fetch(url)).arrayBuffer())).tbs;
  assert.deepEqual([...readEntries(entries as Uint8Array)].map(({ serial }) => serial), [tbs.serial]);
  const found = development(await json(0));
  const shard = Number(/(\d+)\.crl$/.exec(url.pathname)?.[1]);
  const times = found.crls.each.map(({ thisUpdate }) => thisUpdate);
  assert.equal(found.crls.each.find((each) => each.shard === shard)?.thisUpdate, Math.max(...times));
  assert.deepEqual(found.probes.filter(({ fault }) => fault !== undefined), []);
});

test('T-CRL-11, T-INC-12 what a CDN serves wrongly is on the screen, in /readyz and in the metrics, and takes no front out of service', async () => {
  const [one, two] = await Promise.all([1, 2].map(async (shard) => Buffer.from((await front.ca.latestCrl('development-1', shard))?.der ?? [])));
  instead.set('/crl/development-1/1.crl', two as Buffer);
  await look();
  const fault = `${cdn}/crl/development-1/1.crl: the issuing distribution point is not the shard's URL`;
  const text = await status([], 1);
  assert.match(text, / {2}URLs {9}10 of 11 as they should be/);
  assert.ok(text.includes(`\n  critical     ${fault}\n`), text);
  const found = development(await json(1));
  assert.deepEqual(found.concerns, [{ level: 'critical', what: fault }]);
  const { status: code, body } = await world.fetchFrom('status', '/readyz');
  const readyz = JSON.parse(body.toString()) as { status: string; issuers: { issuerKey: string; probes: unknown }[] };
  assert.deepEqual([code, readyz.status], [200, 'ready']);
  assert.deepEqual(readyz.issuers[0]?.probes, { urls: 11, bad: [{ url: `${cdn}/crl/development-1/1.crl`, what: 'crl', fault: "the issuing distribution point is not the shard's URL" }] });
  assert.equal(await figure('chancery_probe_faults{issuer_key="development-1",what="crl"}'), '1');
  assert.ok(Number(await figure('chancery_probes_total{what="crl",outcome="wrong"}')) > 0);

  instead.set('/crl/development-1/1.crl', one as Buffer);
  await look();
  assert.match(await status([], 0), / {2}URLs {9}11 of 11 as they should be/);
  instead.clear();
});

test('T-CRL-12 a change of crlUrl is followed by its CRLs, certificates with the new URL, and a word about those with the old one', async () => {
  const file = join(world.configuration(), 'issuers/development.yaml');
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, before.replace(`${cdn}/crl`, `${cdn.replace('localhost', '127.0.0.1')}/crl`));
  await run(process.execPath, [MAIN, 'config', 'apply'], { env: world.environment() });
  world.signer?.kill('SIGHUP');
  await publishedUnder('127.0.0.1');
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const client = await AcmeClient.registered(transport, world.directoryUrl);
  const { pem } = await client.issue(['moved.localhost'], ({ token, keyAuthorization }) => responder.set(token, keyAuthorization));
  const { tbs } = parseCertificate(decodePem('CERTIFICATE', pem)[0] as Uint8Array);
  assert.match(String(tbs.crlDistributionPoints?.[0]?.fullName?.[0]?.name?.value), /^http:\/\/127\.0\.0\.1:/);
  await look();
  const text = await status([], 1);
  assert.match(text, /critical {5}http:\/\/localhost:\d+\/crl\/development-1\/\d\.crl: certificates name it, and the configuration does not/);
  assert.doesNotMatch(text, /127\.0\.0\.1\S*: /, 'all is well under the new URL');
  writeFileSync(file, before);
  await run(process.execPath, [MAIN, 'config', 'apply'], { env: world.environment() });
  world.signer?.kill('SIGHUP');
  await publishedUnder('localhost');
});

/** As soon as the signer has taken up the configuration, which the job would see within ten seconds. */
async function publishedUnder(host: string): Promise<void> {
  await until(`every CRL says http://${host}`, async () => {
    await front.jobs.runNow('publish-crls');
    const lists = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((shard) => front.ca.latestCrl('development-1', shard)));
    return lists.every((list) => list !== undefined && Buffer.from(list.der).includes(`http://${host}:`));
  });
}

test("T-INC-19 the root's CRL that cannot be served is on the screen, in the metrics, and found missing by the prober", async () => {
  const file = join(world.state, 'public/root.crl');
  const sound = readFileSync(file);
  const broken = Buffer.from(sound);
  broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
  writeFileSync(file, broken);
  await front.jobs.runNow('watch-root-crls');
  await look();
  const text = await status([], 1);
  assert.match(text, / {2}root CRL {5}cannot be served\n/);
  assert.match(text, / {2}critical {5}the root's CRL cannot be served: it is not signed by the root\n/);
  assert.match(text, /critical {5}http:\/\/localhost:\d+\/crl\/development-1\/root\.crl: its answer has status 404/);
  assert.equal(await figure('chancery_root_crl_seconds_left{issuer_key="development-1"}'), '0');
  writeFileSync(file, sound);
  await front.jobs.runNow('watch-root-crls');
  await look();
  assert.match(await status([], 1), / {2}root CRL {5}good for \d+ d\n/, 'only the certificate with another URL is left to be looked at');
  await checkInvariants(world);
});
