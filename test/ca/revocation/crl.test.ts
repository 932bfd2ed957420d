/** CRLs with entries: what is listed where and for how long, and who may publish. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { publicationFaults } from '../../../src/ca/revocation/crl/last-look.ts';
import type { ShardState } from '../../../src/ca/revocation/crl/store.ts';
import type { Issuer } from '../../../src/config/generation.ts';
import { parseCertificate } from '../../../src/x509/certificate.ts';
import { parseCrl } from '../../../src/x509/crl.ts';
import { crlUrlOf } from '../../../src/x509/shape.ts';
import { onBothEngines } from '../../support/engines.ts';
import { DAY, HOUR, openRevocationLab, type RevocationLab } from '../../support/revocation-lab.ts';

onBothEngines((newDatabase) => {
  let lab: RevocationLab;
  beforeEach(async () => {
    lab = await openRevocationLab(await newDatabase());
    assert.equal(await lab.publish(), 0);
  });
  afterEach(() => lab[Symbol.asyncDispose]());
  const ca = () => lab.software.ca;

  test('T-CRL-1 a certificate is listed in the shard whose URL it names, and in no other', async () => {
    const certificates = await Promise.all(Array.from({ length: 40 }, () => lab.issue()));
    for (const certificate of certificates) await ca().revoke(lab.request(certificate));
    await lab.publish();
    for (const { issuerKey, serial, der } of certificates) {
      const url = parseCertificate(der).tbs.crlDistributionPoints?.[0]?.fullName?.[0]?.name?.value;
      const listing = (await lab.lists(issuerKey)).filter(({ entries }) => entries.some((entry) => entry.serial === serial));
      assert.deepEqual(listing.map((list) => list.url), [url]);
      assert.equal(url, crlUrlOf(lab.software.issuer, listing[0]?.shard ?? 0));
    }
    assert.deepEqual(await lab.violations(), []);
  });

  test('T-CRL-2 a revocation makes its shard due, and that one alone', async () => {
    const certificate = await lab.issue();
    const before = await lab.numbers();
    await ca().revoke(lab.request(certificate));
    lab.clock.time += 1000;
    await lab.publish();
    const changed = (await lab.numbers()).flatMap((number, index) => (number === before[index] ? [] : [index + 1]));
    assert.deepEqual(changed, [await lab.shardOf(certificate)]);
    assert.equal(await lab.count('crl_shard', 'changed <> built or changed_at is not null'), 0);
    lab.clock.time += HOUR;
    await lab.publish();
    assert.ok((await lab.numbers()).every((number, index) => number > (before[index] ?? 0n)), 'all of them after an hour');
    assert.deepEqual(await lab.violations(), []);
  });

  test('T-CRL-4, T-INC-10 who expires stays for the lookback, and is in a CRL that was made after the expiry however late that is', async () => {
    const certificate = await lab.issue();
    await ca().revoke(lab.request(certificate));
    const listed = async (): Promise<boolean> => (await lab.lists(certificate.issuerKey)).some(({ entries }) => entries.some(({ serial }) => serial === certificate.serial));
    lab.clock.time = certificate.notAfter - HOUR;
    await lab.publish();
    // No CRL was made for four days, which is more than the lookback.
    lab.clock.time = certificate.notAfter + 4 * DAY;
    await lab.publish();
    assert.ok(await listed(), 'in the first CRL after its expiry');
    lab.clock.time += HOUR;
    await lab.publish();
    assert.ok(!(await listed()), 'and not in the one after that, for the lookback is over');
    assert.deepEqual(await lab.violations(), []);
  });

  test('T-CRL-12 after a change of crlUrl every CRL is made anew at once, for new certificates name the new URL', async () => {
    const before = await lab.numbers();
    const [one] = lab.generation.issuers.values();
    const issuers = new Map([[one?.id ?? '', { ...one, crlUrl: 'http://crl.test/crl/development-1' } as Issuer]]);
    const moved = lab.software.another({ ...lab.generation, issuers }, {});
    assert.equal(await moved.work.publishCrls(), 0);
    assert.ok((await lab.numbers()).every((number, index) => number > (before[index] ?? 0n)));
    assert.deepEqual((await lab.lists('development-1')).map(({ url }) => url), [1, 2, 3, 4, 5, 6, 7, 8].map((shard) => `http://crl.test/crl/development-1/${shard}.crl`));
    const settled = await lab.numbers();
    await moved.work.publishCrls();
    assert.deepEqual(await lab.numbers(), settled, 'once');
  });

  test('T-CRL-5 an empty shard has no list', async () => {
    for (const { tbs } of await lab.lists('development-1')) assert.equal(tbs.entries, undefined);
  });

  test('T-CRL-6 unspecified is said by leaving the reason out', async () => {
    const [unspecified, superseded] = [await lab.issue(), await lab.issue()];
    await ca().revoke(lab.request(unspecified, { reason: 'unspecified' }));
    await ca().revoke(lab.request(superseded));
    await lab.publish();
    const entries = (await lab.lists('development-1')).flatMap((list) => list.entries);
    assert.deepEqual(new Map(entries.map(({ serial, reason }) => [serial, reason])), new Map([[unspecified.serial, undefined], [superseded.serial, 4]]));
    assert.ok(entries.find(({ serial }) => serial === unspecified.serial)?.extensions.length === 0);
  });

  test('T-CRL-7 no entry is dated after thisUpdate, though the front that revoked was ahead', async () => {
    const certificate = await lab.issue();
    lab.clock.time += 90_000;
    await ca().revoke(lab.request(certificate));
    lab.clock.time -= 90_000;
    await lab.publish();
    const list = (await lab.lists(certificate.issuerKey)).find(({ entries }) => entries.length > 0);
    assert.equal(list?.entries[0]?.at, list?.tbs.thisUpdate);
    assert.deepEqual(await lab.violations(), []);
  });

  test('T-CRL-3 many builders at once: the numbers go up, and one CRL is published', async () => {
    for (let round = 0; round < 5; round += 1) {
      const before = await lab.numbers();
      await ca().revoke(lab.request(await lab.issue()));
      await Promise.all(Array.from({ length: 4 }, () => lab.publish()));
      await lab.publish();
      assert.ok((await lab.numbers()).every((number, index) => number >= (before[index] ?? 0n)));
      assert.equal(await lab.count('crl_shard', 'changed <> built'), 0);
    }
    assert.deepEqual(await lab.violations(), []);
  });

  test('T-CRL-3 a builder that was overtaken while it waited for its signature publishes nothing', async () => {
    const certificate = await lab.issue();
    await ca().revoke(lab.request(certificate));
    lab.software.signing = 'hold';
    const late = lab.publish();
    await lab.held();
    lab.software.signing = 'ok';
    await lab.publish();
    const between = await lab.numbers();
    lab.software.release();
    await late;
    assert.deepEqual(await lab.numbers(), between);
    assert.equal(await lab.count('intent', "purpose = 'crl' and state = 'closed' and reason like '%overtaken%'"), 1);
    assert.deepEqual(await lab.violations(), []);
  });

  test('T-CRL-3 clocks that step: numbers never go back, thisUpdate neither, unless it was from the future', async () => {
    const certificate = await lab.issue();
    const [first] = await lab.lists(certificate.issuerKey);
    lab.clock.time -= 5 * 60_000;
    await ca().revoke(lab.request(certificate));
    await lab.publish();
    const list = (await lab.lists(certificate.issuerKey)).find(({ entries }) => entries.length > 0);
    assert.equal(list?.tbs.thisUpdate, first?.tbs.thisUpdate, 'a builder that is five minutes behind');
    lab.clock.time += 300 * DAY;
    const before = await lab.numbers();
    await lab.publish();
    lab.clock.time -= 300 * DAY;
    const ahead = await lab.numbers();
    await lab.publish();
    const after = await lab.numbers();
    assert.ok(after.every((number, index) => number > (ahead[index] ?? 0n) && (ahead[index] ?? 0n) > (before[index] ?? 0n)));
    for (const { tbs } of await lab.lists(certificate.issuerKey)) assert.ok(tbs.thisUpdate <= lab.clock.now());
    assert.equal((await lab.lists(certificate.issuerKey)).flatMap(({ entries }) => entries).length, 1, 'what a wrong clock had forgotten is back');
    assert.deepEqual(await lab.violations(), []);
  });

  test('T-CRL-8 a list that lost entries is not published, and every other fault stops it too', async () => {
    const certificate = await lab.issue();
    const [kept, lost] = [await lab.issue(), certificate];
    for (const each of [kept, lost]) await ca().revoke(lab.request(each));
    await lab.publish();
    const before = await lab.numbers();
    await lab.forget(lost.serial);
    const shard = await lab.shardOf(lost);
    let added = await lab.issue();
    while ((await lab.shardOf(added)) !== shard) added = await lab.issue();
    await ca().revoke(lab.request(added)); // which does not make up for the one that is lost
    lab.clock.time += HOUR;
    await lab.publish();
    assert.equal((await lab.numbers())[shard - 1], before[shard - 1], 'the shard keeps the CRL that it has');
    assert.equal(await lab.count('intent', "purpose = 'crl' and reason like '%neither expired nor in the new list%'"), 1);
    lab.clock.time += 9 * DAY;
    await lab.publish();
    assert.ok((await lab.numbers())[shard - 1] as bigint > (before[shard - 1] as bigint), 'anything is better than one that has run out');

    const list = (await lab.lists(kept.issuerKey)).find((each) => each.shard === shard);
    assert.ok(list !== undefined);
    const { tbs, signature } = parseCrl(list.der);
    const { issuer } = lab.software;
    const published = { number: '1', entries: 0, withdrawn: 0, next_update: null } as unknown as ShardState;
    const good = { tbs, signature, issuer, shard, missing: 0, published, now: lab.clock.now() };
    assert.deepEqual(publicationFaults(good), []);
    assert.match(publicationFaults({ ...good, signature: signature.map((octet, at) => (at === 20 ? octet ^ 1 : octet)) }).join(), /not signed by/);
    assert.match(publicationFaults({ ...good, published: { ...published, number: String(tbs.number?.value) } }).join(), /not above/);
    assert.match(publicationFaults({ ...good, shard: shard === 1 ? 2 : 1 }).join(), /it is for http/);
    assert.match(publicationFaults({ ...good, now: (tbs.nextUpdate ?? 0) + 1 }).join(), /nextUpdate is past/);
    assert.match(publicationFaults({ ...good, missing: 2, published: { ...published, withdrawn: 1, next_update: good.now + 1 } }).join(), /1 certificates are listed/);
    assert.deepEqual(publicationFaults({ ...good, missing: 1, published: { ...published, withdrawn: 1, next_update: good.now + 1 } }), [], 'a hold was lifted');
  });

  test('a hold leaves the list when it is lifted', async () => {
    await lab[Symbol.asyncDispose]();
    lab = await openRevocationLab(await newDatabase(), ({ profiles, ...rest }) =>
      ({ ...rest, profiles: new Map([...profiles].map(([name, profile]) => [name, { ...profile, hold: true }])) }));
    await lab.publish();
    const held = await lab.issue();
    await ca().revoke(lab.request(held, { reason: 'certificateHold' }));
    await lab.publish();
    assert.deepEqual((await lab.lists(held.issuerKey)).flatMap(({ entries }) => entries.map(({ reason }) => reason)), [6]);
    assert.deepEqual(await lab.violations(), []);
    lab.clock.time += 1000;
    await ca().unhold(lab.request(held));
    await lab.publish();
    assert.equal((await lab.lists(held.issuerKey)).flatMap(({ entries }) => entries).length, 0);
    assert.deepEqual(await lab.violations(), []);
  });

  test('a signer that cannot or will not sign leaves the published CRL in its place, and the shard due', async () => {
    await ca().revoke(lab.request(await lab.issue()));
    const before = await lab.numbers();
    for (const signing of ['unavailable', 'refuse'] as const) {
      lab.software.signing = signing;
      assert.equal(await lab.publish(), 0, 'the published one is still good');
      assert.deepEqual(await lab.numbers(), before);
    }
    lab.software.signing = 'ok';
    await lab.publish();
    assert.equal(await lab.count('crl_shard', 'changed <> built'), 0);
  });

  test('the bytes of a superseded CRL are kept in the journal alone', async () => {
    lab.clock.time += HOUR;
    await lab.publish();
    assert.equal(await lab.count('intent', "purpose = 'crl' and length(tbs) = 0"), 8);
    assert.equal(await lab.count('intent', "purpose = 'crl' and length(tbs) > 0"), 8);
  });
});
