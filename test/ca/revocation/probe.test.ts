/** The prober before a server that serves something else than it should, on both engines: what it finds, records, counts and says. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import type { Generation } from '../../../src/config/generation.ts';
import { ownFetcher } from '../../../src/dial/own-url.ts';
import { createStatusDoor } from '../../../src/doors/status/status.ts';
import { createApp } from '../../../src/http/app.ts';
import { registry } from '../../../src/telemetry/metrics.ts';
import { logEventsTo } from '../../../src/telemetry/events.ts';
import { rawStatement } from '../../../src/database/database.ts';
import { parseCertificate } from '../../../src/x509/certificate.ts';
import { assembleCrl, parseCrl } from '../../../src/x509/crl.ts';
import { encodeCertId } from '../../../src/x509/ocsp.ts';
import { encodeOcspRequest } from '../../../src/x509/ocsp-request.ts';
import { onBothEngines } from '../../support/engines.ts';
import { HOUR, newSpki, openRevocationLab, REALM, type RevocationLab } from '../../support/revocation-lab.ts';
import { openSoftwareCa } from '../../support/software-ca.ts';

type Reply = (response: ServerResponse) => void;

const CRL = 'application/pkix-crl';
const reply = (body: Uint8Array, type = CRL, status = 200): Reply => (response) => void response.writeHead(status, { 'Content-Type': type }).end(body);

onBothEngines((newDatabase) => {
  let lab: RevocationLab;
  let port: number;
  let server: ReturnType<typeof createServer>;
  /** What a path, or a host and path, is answered with instead of the truth. */
  let instead: Map<string, Reply>;
  let logged: { level: string; text: string; url?: string; fault?: string }[];

  beforeEach(async () => {
    [instead, logged] = [new Map(), []];
    server = createServer((request, response) => {
      const path = request.url ?? '';
      const [, other] = [...instead].find(([begin]) => [path, `${request.headers.host}${path}`].some((asked) => asked === begin || asked.startsWith(`${begin}/`))) ?? [];
      if (other !== undefined) other(response);
      else app(request, response);
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    port = (server.address() as AddressInfo).port;
    const base = `http://localhost:${port}`;
    lab = await openRevocationLab(await newDatabase(), (shipped) => elsewhere(shipped, base), {
      probing: { fetch: ownFetcher((url) => url.startsWith(base)), ownBase: () => `http://127.0.0.1:${port}` },
    });
    const { ca } = lab.software;
    const app = createApp({
      doors: [createStatusDoor({ ca, clock: lab.clock, generation: () => lab.generation, readiness: () => ({ ready: true, reasons: [] }) })],
      random: (octets) => new Uint8Array(octets),
    });
    const take = (level: string) => (fields: object, text: string): void => void logged.push({ level, text, ...fields });
    logEventsTo({ info: take('info'), warn: take('warn'), error: take('error') } as unknown as Parameters<typeof logEventsTo>[0]);
    while ((await ca.work.publishCrls()) > 0);
    assert.equal(await ca.work.renewResponders(), 0);
  });
  afterEach(async () => {
    logEventsTo({ info() {}, warn() {}, error() {} } as unknown as Parameters<typeof logEventsTo>[0]);
    server.closeAllConnections();
    await new Promise<void>((resolve) => { server.close(() => resolve()); });
    assert.deepEqual(await lab.violations(), []);
    await lab[Symbol.asyncDispose]();
  });

  const shardUrl = (shard: number): string => `http://localhost:${port}/crl/development-1/${shard}.crl`;
  const shardPath = (shard: number): string => `/crl/development-1/${shard}.crl`;
  const derOf = async (shard: number): Promise<Buffer> => Buffer.from((await lab.lists('development-1'))[shard - 1]?.der ?? []);

  /** Runs the prober; every fault that it left, by URL. */
  async function faults(): Promise<Record<string, string>> {
    await lab.software.ca.work.probe();
    await lab.software.ca.work.measureFreshness();
    const { issuers } = await lab.software.ca.freshness();
    return Object.fromEntries(issuers.flatMap(({ probes }) => probes.flatMap(({ url, fault }) => (fault === undefined ? [] : [[url, fault]]))));
  }
  const concerns = (): string[] => lab.software.ca.measured()?.issuers.flatMap((issuer) => issuer.concerns.map(({ level, what }) => `${level}: ${what}`)) ?? [];
  /** The value of `chancery_NAME{issuer_key,what}`. */
  async function metric(name: string, labels: Record<string, string>): Promise<number | undefined> {
    const all = (await registry.getSingleMetric(`chancery_${name}`)?.get())?.values ?? [];
    return all.find((value) => Object.entries(labels).every(([label, text]) => value.labels[label] === text))?.value;
  }
  const faultsOf = (what: string): Promise<number | undefined> => metric('probe_faults', { issuer_key: 'development-1', what });

  test('T-CRL-11 what is as it should be: every shard, the responder and the issuer certificate are found good, and counted', async () => {
    assert.deepEqual(await faults(), {});
    const [issuer] = lab.software.ca.measured()?.issuers ?? [];
    assert.equal(issuer?.probes.length, 10);
    assert.deepEqual(concerns(), []);
    assert.deepEqual([await faultsOf('crl'), await faultsOf('ocsp'), await faultsOf('issuer-certificate')], [0, 0, 0]);
    assert.equal(await metric('probe_age_seconds', { issuer_key: 'development-1' }), 0);
    assert.deepEqual(logged.filter(({ level }) => level === 'error'), []);
  });

  test('T-CRL-11, T-INC-12 the CRL of another CA, one that was tampered with, and one of another shard are caught, told once and mended', async () => {
    const [own, other] = [await derOf(1), await derOf(2)];
    const { tbsBytes } = parseCrl(own);
    const foreign = assembleCrl(tbsBytes, 'ecdsa-sha256-p256', sign('sha256', tbsBytes, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey));
    const tampered = Buffer.from(own);
    tampered[tampered.indexOf(Buffer.from('development-1')) + 12] = '9'.charCodeAt(0); // the URL in its IDP
    for (const [served, expected] of [
      [foreign, /is not signed by development-1/],
      [tampered, /is not signed by development-1/],
      [own.subarray(0, -1), /is no CRL/],
      [other, /the issuing distribution point is not the shard's URL/],
      [Buffer.from('-----BEGIN X509 CRL-----'), /is no CRL/],
    ] as const) {
      logged = [];
      instead.set(shardPath(1), reply(served));
      const found = await faults();
      assert.deepEqual(Object.keys(found), [shardUrl(1)]);
      assert.match(found[shardUrl(1)] ?? '', expected);
      assert.equal(await faultsOf('crl'), 1);
      assert.ok(concerns().some((concern) => concern.startsWith(`critical: ${shardUrl(1)}: `)), concerns().join());
      await faults();
      const alarms = logged.filter(({ text }) => text === 'what certificates point at is not as it should be');
      assert.equal(alarms.length, 1, 'one line when it turns bad, not one each minute');
      assert.deepEqual([alarms[0]?.level, alarms[0]?.url], ['error', shardUrl(1)]);
      instead.clear();
      assert.deepEqual(await faults(), {});
      assert.deepEqual([await faultsOf('crl'), concerns()], [0, []]);
      assert.equal(logged.filter(({ text }) => text === 'what certificates point at is as it should be again').length, 1);
    }
  });

  test('T-CRL-11 a CRL that is late, one that has run out, and one whose number went back', async () => {
    const old = await derOf(1);
    assert.deepEqual(await faults(), {});
    lab.clock.time += 2 * HOUR;
    while ((await lab.software.ca.work.publishCrls()) > 0);
    assert.deepEqual(await faults(), {});
    instead.set(shardPath(1), reply(old));
    assert.match((await faults())[shardUrl(1)] ?? '', /^its number \d+ is below \d+, which stood there before$/);
    instead.clear();
    assert.deepEqual(await faults(), {});
    await lab.database.commit([{ statement: rawStatement('delete from probed_url'), values: {}, rows: 'any' }]);
    instead.set(shardPath(1), reply(old));
    lab.clock.time += HOUR;
    while ((await lab.software.ca.work.publishCrls()) > 0);
    assert.match((await faults())[shardUrl(1)] ?? '', /^it is of 2026-11-22T12:00:00Z, and should have been replaced$/);
    lab.clock.time = (parseCrl(old).tbs.nextUpdate ?? 0) + 1000;
    while ((await lab.software.ca.work.publishCrls()) > 0);
    assert.match((await faults())[shardUrl(1)] ?? '', /^it ran out at 2026-12-01T11:59:59Z$/);
    assert.equal(await faultsOf('crl'), 1);
    instead.clear();
    assert.deepEqual(await faults(), {});
  });

  test('T-CRL-11 a server that is away, hangs, redirects, answers with another type or with too much', async () => {
    const hanging: ServerResponse[] = [];
    for (const [served, expected, outcome] of [
      [(response: ServerResponse) => void response.socket?.destroy(), /connection (reset|failed)/, 'unreachable'],
      [(response: ServerResponse) => void response.writeHead(301, { Location: 'http://localhost:1/' }).end(), /its answer has status 301/, 'wrong'],
      [reply(Buffer.from('?'), 'text/html', 404), /its answer has status 404/, 'wrong'],
      [reply(await derOf(1), 'text/plain'), /its answer has Content-Type "text\/plain"/, 'wrong'],
      [reply(Buffer.alloc(16 * 1024 * 1024 + 1)), /is longer than 16777216 octets/, 'unreachable'],
      [(response: ServerResponse) => void hanging.push(response), /no whole answer within 5 s/, 'unreachable'],
    ] as const) {
      const before = (await metric('probes_total', { what: 'crl', outcome })) ?? 0;
      instead.set(shardPath(1), served);
      assert.match((await faults())[shardUrl(1)] ?? '', expected);
      assert.equal(await metric('probes_total', { what: 'crl', outcome }), before + 1);
      assert.equal(await faultsOf('crl'), 1);
    }
    for (const response of hanging) response.destroy();
    server.closeAllConnections();
    await new Promise<void>((resolve) => { server.close(() => resolve()); });
    const found = await faults();
    assert.equal(Object.keys(found).length, 10, 'nothing can be reached any more');
    for (const fault of Object.values(found)) assert.match(fault, /connection refused/);
    assert.equal(await faultsOf('ocsp'), 1);
    server.listen(port, '127.0.0.1');
    await new Promise<void>((resolve) => { server.once('listening', resolve); });
    instead.clear();
    assert.deepEqual(await faults(), {});
  });

  test('T-OCS-10, T-INC-7 the responder: signed by another, an error, half as old as it may get, or run out', async () => {
    const url = `http://localhost:${port}/ocsp`;
    const OCSP = 'application/ocsp-response';
    instead.set('/ocsp', (response) => { response.writeHead(200, { 'Content-Type': OCSP }).end(Buffer.from('30030a0103', 'hex')); });
    assert.equal((await faults())[url], 'it says tryLater');
    assert.equal(await faultsOf('ocsp'), 1);
    instead.clear();
    assert.deepEqual(await faults(), {});
    const before = Buffer.from(await (await fetch(`${url}/${await responderRequest()}`)).arrayBuffer());
    const tampered = Buffer.from(before);
    tampered[tampered.length - 1] = (tampered.at(-1) ?? 0) ^ 1;
    const broken = Buffer.from(before);
    broken[broken.indexOf(Buffer.from('2026112'))] = '3'.charCodeAt(0); // producedAt
    for (const [served, expected] of [
      [broken, 'it is not signed by its responder'],
      [tampered, "its responder's certificate is not issued by the issuer of what was asked about"],
      [before.subarray(0, -1), /is no OCSP response/],
    ] as const) {
      instead.set('/ocsp', reply(served, OCSP));
      const fault = (await faults())[url] ?? '';
      if (typeof expected === 'string') assert.equal(fault, expected);
      else assert.match(fault, expected);
    }
    instead.set('/ocsp', reply(before, OCSP));
    lab.clock.time += 48 * HOUR;
    while ((await lab.software.ca.work.publishCrls()) > 0);
    assert.deepEqual(await faults(), {}, 'its refresh point has come just now');
    lab.clock.time += HOUR;
    assert.match((await faults())[url] ?? '', /^it is of 2026-11-22T12:00:00Z, and should have been replaced$/, 'half of its life is over');
    assert.equal(await faultsOf('ocsp'), 1);
    lab.clock.time += 48 * HOUR;
    while ((await lab.software.ca.work.publishCrls()) > 0);
    instead.set('/ocsp', reply(before, OCSP));
    assert.match((await faults())[url] ?? '', /^it ran out at 2026-11-26T/);
  });

  test('T-INC-11 a URL that certificates name and the configuration does not is told, until the last of them has expired', async () => {
    const { crlDistributionPoints } = parseCertificate((await lab.issue()).der).tbs;
    const url = crlDistributionPoints?.[0]?.fullName?.[0]?.name?.value as string;
    assert.deepEqual(await faults(), {});
    const moved = openSoftwareCa({ ...lab, generation: () => elsewhere(lab.generation, `http://127.0.0.1:${port}`), probing: { fetch: ownFetcher(() => true), ownBase: () => undefined } });
    const told = async (): Promise<string[]> => {
      await moved.ca.work.probe();
      const { issuers } = await moved.ca.freshness();
      return issuers.flatMap(({ probes }) => probes.filter(({ what }) => what === 'named').map((probe) => `${probe.url}: ${probe.fault?.slice(0, 20)}`));
    };
    assert.deepEqual(await told(), [`${url}: certificates name it`, `http://localhost:${port}/ca/development-1.cer: certificates name it`, `http://localhost:${port}/ocsp: certificates name it`].sort());
    lab.clock.time += 30 * 24 * HOUR;
    assert.deepEqual(await told(), []);
  });

  test('T-CRL-12 an issuer key is closed until the front itself serves all of it; with `probe: require`, until that was reached from outside', async () => {
    for (const probe of ['watch', 'require'] as const) {
      const generation = { ...lab.generation, revocation: { ...lab.generation.revocation, probe } };
      const ca = lab.software.another(generation, { probing: { fetch: ownFetcher(() => true), ownBase: () => `http://127.0.0.1:${port}` } });
      const issue = async (): Promise<string> => (await ca.issue({
        realm: REALM, door: 'test', profile: 'server', names: [{ type: 'dns', value: 'a.internal' }], publicKey: newSpki(), requestRef: `order-${lab.clock.time}`, evidence: {},
        requester: { kind: 'acme-account', id: 'a', policies: ['private-names'] },
      })).kind;
      const running = lab.clock.now;
      lab.clock.now = () => (lab.clock.time += 1000); // patience ends soon
      instead.set(`127.0.0.1:${port}${shardPath(3)}`, reply(Buffer.from('not found'), 'text/plain', 404));
      instead.set(`localhost:${port}${shardPath(4)}`, reply(Buffer.from('not found'), 'text/plain', 404));
      assert.equal(await issue(), 'pending');
      instead.delete(`127.0.0.1:${port}${shardPath(3)}`);
      assert.equal(await issue(), probe === 'watch' ? 'issued' : 'pending');
      await ca.work.probe();
      assert.equal(await issue(), probe === 'watch' ? 'issued' : 'pending');
      instead.clear();
      await ca.work.probe();
      assert.equal(await issue(), 'issued');
      instead.set(shardPath(4), reply(Buffer.from('not found'), 'text/plain', 404));
      assert.equal(await issue(), 'issued', 'once open it stays open: what is wrong later is told');
      lab.clock.now = running;
      instead.clear();
      await lab.database.commit([{ statement: rawStatement('delete from probed_url'), values: {}, rows: 'any' }]);
    }
  });

  test('with `probe: off` nothing is fetched, and nothing that was found before is told', async () => {
    instead.set(shardPath(1), reply(Buffer.from('?'), 'text/plain', 404));
    assert.equal(Object.keys(await faults()).length, 1);
    const generation = { ...lab.generation, revocation: { ...lab.generation.revocation, probe: 'off' as const } };
    let fetched = 0;
    const ca = lab.software.another(generation, { probing: { ownBase: () => undefined, fetch: async () => { fetched += 1; throw new Error('nobody asked for that'); } } });
    await ca.work.probe();
    const { issuers } = await ca.freshness();
    assert.deepEqual([fetched, issuers[0]?.probes, issuers[0]?.concerns], [0, [], []]);
  });

  /** As a relying party asks, about the certificate of the responder. */
  async function responderRequest(): Promise<string> {
    const serial = (await lab.software.ca.freshness()).issuers[0]?.ocsp?.responder ?? '';
    return encodeURIComponent(Buffer.from(encodeOcspRequest([encodeCertId('sha1', lab.software.issuer, serial)])).toString('base64'));
  }

  function elsewhere(shipped: Generation, base: string): Generation {
    const issuers = new Map([...shipped.issuers].map(([id, { rootCrl: _, ...issuer }]) => [id, {
      ...issuer, crlUrl: `${base}/crl/${id}`, caIssuersUrl: `${base}/ca/${id}.cer`, ...(issuer.ocsp === undefined ? {} : { ocsp: { ...issuer.ocsp, url: `${base}/ocsp` } }),
    }]));
    return { ...shipped, issuers };
  }
});
