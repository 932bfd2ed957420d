/** After any sequence of issue, revoke, expire and crash, the union of all shards is exactly what is revoked and not yet to be forgotten. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IssuedCertificate } from '../../../src/ca/index.ts';
import { issue } from '../../../src/ca/issuance/issue.ts';
import { publishCrls } from '../../../src/ca/revocation/crl/publish.ts';
import { revoke } from '../../../src/ca/revocation/revoke.ts';
import { parseCertificate } from '../../../src/x509/certificate.ts';
import { onBothEngines } from '../../support/engines.ts';
import { dieAfter } from '../../support/interleave.ts';
import { type Dice, dice } from '../../support/random.ts';
import { HOUR, newSpki, openRevocationLab, partsByStep, REALM, type RevocationLab } from '../../support/revocation-lab.ts';

const LOOKBACK = 24 * HOUR;
/** Short-lived, so that they expire within a run. */
const LIFE = 30 * HOUR;

const WEIGHTS = {
  issue: 6, revoke: 5, compromise: 1, publish: 4, race: 1, fail: 2, lose: 1, hour: 3, days: 1, back: 1,
  crashIssuing: 2, crashRevoking: 2, crashPublishing: 3,
};
/** Of reads, commits and signatures; each piece of work has fewer. */
const MOST_STEPS = 12;

/** What the world was told, beside what it knows itself. */
interface Model {
  readonly good: IssuedCertificate[];
  readonly revoked: Map<string, IssuedCertificate>;
  /** Of each shard, when CRLs were published that a client could fetch: thisUpdate. */
  readonly published: Map<number, number[]>;
}

const STEPS: Record<keyof typeof WEIGHTS, (lab: RevocationLab, model: Model, random: Dice) => Promise<void>> = {
  async issue(lab, { good }) { good.push(await lab.issue({ notAfter: Math.floor((lab.clock.now() + LIFE) / 1000) * 1000 })); },
  revoke: (lab, model, random) => revokeOne(lab, model, random, 'superseded'),
  compromise: (lab, model, random) => revokeOne(lab, model, random, 'keyCompromise'),
  async publish(lab, model) {
    await lab.publish();
    await look(lab, model);
  },
  async race(lab, model) {
    await Promise.all([lab.publish(), lab.publish(), lab.publish()]);
    await look(lab, model);
  },
  async fail(lab) {
    lab.software.signing = 'unavailable';
    await lab.publish();
    lab.software.signing = 'ok';
  },
  async lose(lab) {
    lab.software.signing = 'lose-answer';
    await lab.publish();
    lab.software.signing = 'ok';
  },
  async crashIssuing(lab, { good }, random) {
    const requestRef = `crash-${random.next()}`;
    await dieAfter(Math.floor(random.next() * MOST_STEPS), (step) => issue(partsByStep(lab, step), {
      realm: REALM, door: 'test', profile: 'server', names: [{ type: 'dns', value: 'crash.internal' }], publicKey: newSpki(), requestRef, evidence: {},
      requester: { kind: 'acme-account', id: 'a', policies: ['private-names'] }, notAfter: Math.floor((lab.clock.now() + LIFE) / 1000) * 1000,
    }));
    await recover(lab);
    const progress = await lab.software.ca.progress(REALM, requestRef);
    if (progress.kind === 'issued') good.push(progress.certificate);
  },
  async crashRevoking(lab, model, random) {
    const [certificate] = model.good.slice(-1);
    if (certificate === undefined) return;
    const request = lab.request(certificate);
    await dieAfter(Math.floor(random.next() * 4), (step) => revoke(partsByStep(lab, step), request));
    // Whoever asked does not know what became of it, and asks again.
    const outcome = await lab.software.ca.revoke(request);
    model.good.pop();
    if (outcome.kind === 'revoked' || outcome.kind === 'already-revoked') model.revoked.set(certificate.serial, certificate);
  },
  async crashPublishing(lab, model, random) {
    await dieAfter(Math.floor(random.next() * MOST_STEPS), (step) => publishCrls(partsByStep(lab, step)));
    await look(lab, model);
  },
  async hour(lab) { lab.clock.time += HOUR; },
  async days(lab) { lab.clock.time += 40 * HOUR; },
  async back(lab) { lab.clock.time -= 4 * 60_000; },
};

/** As the job does on whichever front is alive, when deadlines have passed. */
async function recover(lab: RevocationLab): Promise<void> {
  lab.software.recovering = 'truth';
  lab.clock.time += 60_000;
  await lab.software.ca.work.recoverIntents();
}

async function revokeOne(lab: RevocationLab, { good, revoked }: Model, random: Dice, reason: 'superseded' | 'keyCompromise'): Promise<void> {
  const [certificate] = good.splice(Math.floor(random.next() * good.length), 1);
  if (certificate === undefined) return;
  const outcome = await lab.software.ca.revoke(lab.request(certificate, { reason }));
  if (outcome.kind === 'revoked') revoked.set(certificate.serial, certificate);
}

async function look(lab: RevocationLab, { published }: Model): Promise<void> {
  for (const { shard, tbs } of await lab.lists('development-1')) {
    const times = published.get(shard) ?? [];
    if (times.at(-1) !== tbs.thisUpdate) published.set(shard, [...times, tbs.thisUpdate]);
  }
}

onBothEngines((newDatabase) => {
  test('T-CRL-1, T-CRL-4 the union of all shards is exactly what it should be', async (t) => {
    const random = dice();
    t.diagnostic(`CHANCERY_SEED=${random.seed}`);
    await using lab = await openRevocationLab(await newDatabase());
    await lab.publish();
    const model: Model = { good: [], revoked: new Map(), published: new Map() };
    let numbers: bigint[] = [];
    for (let step = 0; step < 500; step += 1) {
      await STEPS[random.pick(WEIGHTS)](lab, model, random);
      const now = await lab.numbers();
      assert.ok(numbers.every((number, index) => (now[index] ?? 0n) >= number), 'numbers never go back');
      numbers = now;
      if (step % 50 === 49) assert.deepEqual(await lab.violations(), []);
    }
    lab.clock.time += HOUR; // it may have been set back since the last crash, and deadlines with it
    await recover(lab);
    assert.equal(await lab.count('intent', "state = 'open'"), 0);
    await lab.publish();
    await look(lab, model);
    const lists = await lab.lists('development-1');
    const listed = lists.flatMap(({ url, entries }) => entries.map(({ serial }) => ({ serial, url })));
    assert.equal(new Set(listed.map(({ serial }) => serial)).size, listed.length, 'no serial in two shards');
    for (const { serial, url } of listed) {
      const certificate = model.revoked.get(serial);
      assert.ok(certificate !== undefined, `${serial} is listed and was not revoked`);
      assert.equal(parseCertificate(certificate.der).tbs.crlDistributionPoints?.[0]?.fullName?.[0]?.name?.value, url);
    }
    for (const { serial, notAfter } of model.revoked.values()) {
      const { shard, tbs } = lists[(await lab.shardOf({ serial })) - 1] ?? assert.fail('there is no such shard');
      const isListed = listed.some((entry) => entry.serial === serial);
      const earlier = (model.published.get(shard) ?? []).filter((time) => time < tbs.thisUpdate);
      const forgettable = notAfter < tbs.thisUpdate - LOOKBACK && earlier.some((time) => time > notAfter);
      assert.equal(isListed, !forgettable, `${serial} expired at ${notAfter}, its CRL is of ${tbs.thisUpdate}`);
    }
    assert.ok(model.revoked.size > 5);
    assert.deepEqual(await lab.violations(), []);
  });
});
