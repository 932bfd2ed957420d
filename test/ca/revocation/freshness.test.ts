/** What certificates point at must be there before the first of them is, and what gets old is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { screen, type Status } from '../../../src/cli/status.ts';
import { parseCertificate } from '../../../src/x509/certificate.ts';
import { OID } from '../../../src/x509/oid.ts';
import { onBothEngines } from '../../support/engines.ts';
import { HOUR, newSpki, openRevocationLab, REALM } from '../../support/revocation-lab.ts';
import { openSoftwareCa } from '../../support/software-ca.ts';

const DAY = 24 * HOUR;

onBothEngines((newDatabase) => {
  test('T-CRL-12 nothing is issued before its shards and its responder can be fetched; it is pending, and then it is issued', async () => {
    await using lab = await openRevocationLab(await newDatabase());
    const { database, clock, generation } = lab;
    const software = openSoftwareCa({ database, clock, generation: () => generation, whenFetchable: true });
    const { ca } = software;
    const issue = (requestRef: string) => ca.issue({
      realm: REALM, door: 'test', profile: 'server', names: [{ type: 'dns', value: 'a.internal' }], publicKey: newSpki(), requestRef, evidence: {},
      requester: { kind: 'acme-account', id: 'a', policies: ['private-names'] },
    });
    const running = clock.now;
    clock.now = () => (clock.time += 1000); // patience ends soon
    assert.equal((await issue('first')).kind, 'pending');
    assert.equal(software.signatures, 0);
    clock.now = running;
    while ((await ca.work.publishCrls()) > 0);
    clock.now = () => (clock.time += 1000);
    assert.equal((await issue('second')).kind, 'pending', 'its responder is missing still');
    clock.now = running;
    assert.equal(await ca.work.renewResponders(), 0);
    assert.equal((await issue('third')).kind, 'issued');
    software.recovering = 'truth';
    clock.time += 60_000;
    await ca.work.recoverIntents();
    for (const reference of ['first', 'second']) assert.equal((await ca.progress(REALM, reference)).kind, 'issued', 'recovery has come back to it');
  });

  test('a short-lived certificate with noRevAvail, and one with nothing: no CRL, no OCSP, no shard; revoked all the same (RFC 9608)', async () => {
    for (const revocation of ['noRevAvail', 'none'] as const) {
      await using lab = await openRevocationLab(await newDatabase(), (shipped) => {
        const server = shipped.profiles.get('server');
        if (server === undefined) throw new Error('there is no profile server');
        const shape = { ...server.shape, revocation, maxValidityMs: server.shape.validityMs };
        return { ...shipped, profiles: new Map([...shipped.profiles, ['server', { ...server, shape }]]) };
      });
      const certificate = await lab.issue();
      const { tbs } = parseCertificate(certificate.der);
      assert.equal(tbs.crlDistributionPoints, undefined);
      assert.deepEqual(tbs.authorityInfoAccess?.map(({ method }) => method), [OID.caIssuers]);
      assert.equal(tbs.extension(OID.noRevAvail) !== undefined, revocation === 'noRevAvail');
      assert.equal(await lab.count('certificate', `serial = '${certificate.serial}' and shard = 0`), 1);
      assert.equal((await lab.software.ca.revoke(lab.request(certificate))).kind, 'revoked');
      assert.equal((await lab.software.ca.statusOf(certificate.issuerKey, certificate.serial)).kind, 'revoked');
      while ((await lab.software.ca.work.publishCrls()) > 0);
      assert.equal(await lab.count('crl', 'entries > 0'), 0);
      await assert.rejects(lab.issue({ notAfter: certificate.notBefore + 8 * DAY }), /validity-not-allowed/);
    }
  });

  test('T-CRL-10 T-OCS-10 what is late is a concern: a CRL after twice its period, or that ends within 48 hours; a responder 14 days before its end', async () => {
    await using lab = await openRevocationLab(await newDatabase());
    const { software: { ca }, clock } = lab;
    const concerns = async () => (await ca.freshness()).issuers.flatMap((issuer) => issuer.concerns).map(({ level, what }) => `${level}: ${what}`);
    assert.deepEqual(await concerns(), ['critical: 8 of 8 CRLs have never been published', 'critical: there is no valid certificate for its OCSP responder']);
    while ((await ca.work.publishCrls()) > 0);
    await ca.work.renewResponders();
    assert.deepEqual(await concerns(), []);
    clock.time += 2 * HOUR + 1000;
    assert.deepEqual(await concerns(), ['degraded: a CRL is older than twice its period']);
    clock.time += 8 * DAY;
    assert.ok((await concerns()).includes('critical: a CRL ends within 48 hours'));
    clock.time += 8 * DAY;
    assert.ok((await concerns()).includes('critical: the certificate of its OCSP responder should have been renewed'));
    await ca.work.renewResponders();
    while ((await ca.work.publishCrls()) > 0);
    assert.deepEqual(await concerns(), []);
  });

  test("T-INC-19 what no server can renew by itself is told long before: the root's CRL after its 60th last day, a certificate above after its 90th", async () => {
    let ends = Number.POSITIVE_INFINITY;
    await using lab = await openRevocationLab(await newDatabase(), undefined, { rootCrl: () => ({ nextUpdate: ends }) });
    const { software: { ca, root, issuer }, clock } = lab;
    const concerns = async (): Promise<string[]> => {
      while ((await ca.work.publishCrls()) > 0);
      await ca.work.renewResponders();
      return (await ca.freshness()).issuers.flatMap((each) => each.concerns).map(({ level, what }) => `${level}: ${what}`);
    };
    for (const [days, expected] of [[61, []], [59, ["degraded: the root's CRL ends in 59 days"]], [13, ["critical: the root's CRL ends in 13 days"]]] as const) {
      ends = clock.time + days * DAY;
      assert.deepEqual(await concerns(), expected);
    }
    ends = Number.POSITIVE_INFINITY;
    const last = Math.min(issuer.notAfter, parseCertificate(root).tbs.notAfter);
    for (const [days, expected] of [[91, []], [89, ['degraded: its certificate, or one above it, ends in 89 days']]] as const) {
      clock.time = last - days * DAY;
      assert.deepEqual(await concerns(), expected);
    }
  });

  test('T-CRL-2 a revocation that has waited for its CRL for more than an hour is an alarm', async () => {
    await using lab = await openRevocationLab(await newDatabase());
    const { software, clock } = lab;
    const certificate = await lab.issue();
    while ((await software.ca.work.publishCrls()) > 0);
    await software.ca.work.renewResponders();
    await software.ca.revoke(lab.request(certificate));
    software.signing = 'unavailable';
    clock.time += HOUR + 1000;
    await software.ca.work.publishCrls();
    const [issuer] = (await software.ca.freshness()).issuers;
    assert.deepEqual(issuer?.concerns, [{ level: 'critical', what: 'a revocation has waited for its CRL for more than an hour' }]);
    software.signing = 'ok';
    while ((await software.ca.work.publishCrls()) > 0);
    assert.deepEqual((await software.ca.freshness()).issuers[0]?.concerns, []);
    assert.deepEqual(await lab.violations(), []);
  });
});

test('chancery status is one screen', () => {
  const status: Status = {
    ready: true, reasons: [], now: 0, signer: { id: 1, state: 'ready' }, configuration: 'ab'.repeat(32), ocspKept: 3,
    issuers: [
      { issuerKey: 'east-1', chainEnds: 900 * DAY, rootCrl: { nextUpdate: 200 * DAY }, probes: [{ checkedAt: -60_000 }, { checkedAt: -1000, fault: 'x' }], crls: { shards: 8, published: 8, oldest: -HOUR, firstToEnd: 9 * DAY }, ocsp: { responder: '01', notAfter: 20 * DAY }, concerns: [] },
      { issuerKey: 'staging-1', chainEnds: 90 * HOUR, probes: [], crls: { shards: 1, published: 0 }, concerns: [{ level: 'critical', what: '1 of 1 CRLs have never been published' }] },
    ],
  };
  assert.equal(screen(status), [
    'server         ready', 'signer         1, ready', `configuration  ${'ab'.repeat(8)}`,
    'OCSP cache     3 responses',
    '', 'east-1', '  certificate  good for 900 d', '  CRLs         8 of 8 published, the oldest 60 min old, good for 9 d', '  root CRL     good for 200 d',
    '  OCSP         responder good for 20 d', '  URLs         1 of 2 as they should be, all looked at in the last 1 min',
    '', 'staging-1', '  certificate  good for 4 d', '  CRLs         0 of 1 published', '  root CRL     none', '  OCSP         none', '  URLs         not probed',
    '  critical     1 of 1 CRLs have never been published',
  ].join('\n'));
});
