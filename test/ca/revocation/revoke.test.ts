/** Revoking: what may be revoked by whom for which reason, what is written, and what a compromised key takes with it. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { reasonOf, type RevocationOutcome } from '../../../src/ca/index.ts';
import { spkiSha256 } from '../../../src/x509/public-key.ts';
import { onBothEngines } from '../../support/engines.ts';
import { until } from '../../support/processes.ts';
import { DAY, HOUR, newSpki, openRevocationLab, REALM, type RevocationLab } from '../../support/revocation-lab.ts';

const kinds = (outcome: RevocationOutcome): string[] => (outcome.kind === 'refused' ? outcome.reasons.map(({ kind }) => kind) : [outcome.kind]);

test('T-CRL-6 reasons by their codes: 2, 7, 8, 10 and what is no reason at all are none of ours', () => {
  assert.deepEqual([0, 1, 3, 4, 5, 6, 9].map(reasonOf), [
    'unspecified', 'keyCompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation', 'certificateHold', 'privilegeWithdrawn',
  ]);
  for (const code of [2, 7, 8, 10, 11, -1, 1.5, Number.NaN]) assert.equal(reasonOf(code), undefined, String(code));
});

onBothEngines((newDatabase) => {
  let lab: RevocationLab;
  beforeEach(async () => {
    lab = await openRevocationLab(await newDatabase(), (shipped) => {
      const client = shipped.profiles.get('client');
      if (client === undefined) throw new Error('there is no profile client');
      return { ...shipped, profiles: new Map([...shipped.profiles, ['client', { ...client, hold: true }]]) };
    });
  });
  beforeEach(() => lab.publish());
  afterEach(async () => {
    assert.deepEqual(await lab.violations(), []);
    await lab[Symbol.asyncDispose]();
  });
  const ca = () => lab.software.ca;

  test('one commit: the revocation, its audit entry, and the mark on its shard', async () => {
    const certificate = await lab.issue();
    const before = lab.database.counters.commits;
    const at = lab.clock.now();
    assert.deepEqual(await ca().revoke(lab.request(certificate)), { kind: 'revoked', reason: 'superseded', at, others: 0 });
    assert.equal(lab.database.counters.commits - before, 1);
    assert.equal(await lab.count('revocation', `serial = '${certificate.serial}' and reason = 4`), 1);
    assert.equal(await lab.count('audit_entry', "type = 'certificate.revoked'"), 1);
    assert.equal(await lab.count('crl_shard', `changed = built + 1 and changed_at = ${at}`), 1);
    assert.deepEqual(await ca().statusOf(certificate.issuerKey, certificate.serial), { kind: 'revoked', reason: 'superseded', at });
  });

  test('a serial is good while it is signed and afterwards, unknown when it was never meant', async () => {
    const certificate = await lab.issue();
    assert.deepEqual(await ca().statusOf(certificate.issuerKey, certificate.serial), { kind: 'good' });
    lab.software.signing = 'hold';
    const under = lab.issue();
    await until('an intent is open', async () => (await lab.openSerial()) !== undefined);
    const serial = (await lab.openSerial()) ?? '';
    assert.deepEqual(await ca().statusOf(certificate.issuerKey, serial), { kind: 'good' });
    lab.software.release();
    assert.equal((await under).serial, serial);
    const never = `${certificate.serial.slice(0, -2)}${certificate.serial.endsWith('00') ? '01' : '00'}`;
    for (const [issuerKey, unknown] of [[certificate.issuerKey, never], [certificate.issuerKey, 'ab'], ['nobody', certificate.serial]] as const) {
      assert.deepEqual(await ca().statusOf(issuerKey, unknown), { kind: 'unknown' });
      assert.deepEqual(await ca().revoke(lab.request({ issuerKey, serial: unknown })), { kind: 'unknown' });
    }
    assert.deepEqual(await ca().revoke(lab.request(certificate, { realm: 'elsewhere' })), { kind: 'unknown' });
    assert.equal(await lab.count('revocation'), 0);
  });

  test('T-CRL-6 who may give which reason; a refusal changes nothing', async () => {
    const certificate = await lab.issue();
    for (const [authority, reason] of [
      ['subscriber', 'privilegeWithdrawn'], ['key', 'privilegeWithdrawn'], ['names', 'privilegeWithdrawn'], ['names', 'keyCompromise'],
      ['subscriber', 'certificateHold'], ['key', 'certificateHold'], ['names', 'certificateHold'],
    ] as const) {
      assert.ok(kinds(await ca().revoke(lab.request(certificate, { authority, reason }))).includes('reason-not-allowed'), `${authority} ${reason}`);
    }
    assert.deepEqual(kinds(await ca().revoke(lab.request(certificate, { compromisedAt: lab.clock.now() - HOUR }))), ['date-not-allowed']);
    assert.deepEqual(kinds(await ca().revoke(lab.request(certificate, { reason: 'keyCompromise', compromisedAt: lab.clock.now() + 1 }))), ['date-not-allowed']);
    assert.deepEqual(kinds(await ca().revoke(lab.request(certificate, { reason: 'certificateHold' }))), ['hold-not-allowed'], 'the profile does not allow it');
    for (const table of ['revocation', 'blocked_key']) assert.equal(await lab.count(table), 0, table);
    assert.equal(await lab.count('crl_shard', 'changed > 0'), 0);
    assert.equal(await lab.count('audit_entry', "type = 'certificate.revoked'"), 0);
    for (const [authority, reason] of [
      ['subscriber', 'unspecified'], ['subscriber', 'affiliationChanged'], ['names', 'cessationOfOperation'], ['operator', 'privilegeWithdrawn'], ['key', 'keyCompromise'],
    ] as const) {
      assert.deepEqual(kinds(await ca().revoke(lab.request(await lab.issue(), { authority, reason }))), ['revoked'], `${authority} ${reason}`);
    }
  });

  test('T-CRL-6 keyCompromise revokes every certificate with the key, and no other is ever issued for it', async () => {
    const spki = newSpki();
    const [first, second, third, other] = [await lab.issue({ spki }), await lab.issue({ spki }), await lab.issue({ spki, profile: 'client' }), await lab.issue()];
    await ca().revoke(lab.request(second));
    const at = lab.clock.now();
    const outcome = await ca().revoke(lab.request(first, { reason: 'keyCompromise', authority: 'key', compromisedAt: at - HOUR }));
    assert.deepEqual(outcome, { kind: 'revoked', reason: 'keyCompromise', at: at - HOUR, others: 2 });
    assert.deepEqual(await ca().statusOf(third.issuerKey, third.serial), { kind: 'revoked', reason: 'keyCompromise', at: at - HOUR });
    assert.equal((await ca().statusOf(second.issuerKey, second.serial) as { reason?: string }).reason, 'keyCompromise');
    assert.deepEqual(await ca().statusOf(other.issuerKey, other.serial), { kind: 'good' });
    assert.equal(await lab.count('audit_entry', "type = 'key.blocked'"), 1);
    const statements = lab.database.counters.statements;
    const refused = await ca().issue({
      realm: REALM, door: 'test', profile: 'server', names: [{ type: 'dns', value: 'again.internal' }], publicKey: spki, requestRef: 'again',
      requester: { kind: 'acme-account', id: 'a', policies: ['private-names'] }, evidence: {},
    });
    assert.deepEqual(refused.kind === 'refused' && refused.reasons.map(({ kind }) => kind), ['bad-key']);
    assert.ok(lab.database.counters.statements - statements < 10);
    assert.equal(await lab.count('intent', "request_ref = 'again'"), 0);
    assert.equal(await lab.count('blocked_key', `spki_sha256 = '${spkiSha256(spki)}'`), 1);
  });

  test('T-CRL-6, GK-6, B#8301 a certificate that was on its way when its key was blocked is revoked too, by the job if need be', async () => {
    const spki = newSpki();
    const first = await lab.issue({ spki });
    lab.software.signing = 'hold';
    const late = lab.issue({ spki });
    await until('an intent is open', async () => (await lab.openSerial()) !== undefined);
    assert.equal((await ca().revoke(lab.request(first, { reason: 'keyCompromise' })) as { others?: number }).others, 1);
    lab.software.release();
    const { issuerKey, serial } = await late;
    assert.equal((await ca().statusOf(issuerKey, serial)).kind, 'revoked');
    // As if the process had died between the block and the other certificates.
    await lab.forget(serial);
    assert.equal(await ca().work.sweepKeys(), 1);
    assert.equal((await ca().statusOf(issuerKey, serial)).kind, 'revoked');
    assert.equal(await lab.count('blocked_key', 'swept is null'), 1);
    lab.database.now = async () => lab.clock.time - 200 * DAY;
    lab.clock.time += 200 * DAY; // the front's clock alone
    await lab.forget(serial);
    assert.equal(await ca().work.sweepKeys(), 1, 'though by that clock it has expired');
    assert.equal(await lab.count('blocked_key', 'swept is null'), 1);
    lab.clock.time -= 200 * DAY;
    lab.clock.time += HOUR;
    lab.database.now = async () => lab.clock.time;
    assert.equal(await ca().work.sweepKeys(), 0);
    assert.equal(await lab.count('blocked_key', 'swept is null'), 0);
  });

  test('T-CRL-6, GK-6 the job looks at every key that was blocked lately, however many they are', async () => {
    const certificates = await Promise.all(Array.from({ length: 105 }, () => lab.issue()));
    for (const each of certificates) await ca().revoke(lab.request(each, { reason: 'keyCompromise' }));
    const { serial = '' } = certificates.at(-1) ?? {};
    await lab.forget(serial); // as if the process had died right after the block
    assert.equal(await ca().work.sweepKeys(), 1);
  });

  test('T-CRL-7 a second revocation is only the upgrade to keyCompromise, and its date never gets later', async () => {
    const certificate = await lab.issue();
    const at = lab.clock.now();
    await ca().revoke(lab.request(certificate));
    lab.clock.time += HOUR;
    for (const reason of ['superseded', 'unspecified', 'privilegeWithdrawn'] as const) {
      assert.deepEqual(await ca().revoke(lab.request(certificate, { reason })), { kind: 'already-revoked', reason: 'superseded', at });
    }
    assert.deepEqual(await ca().revoke(lab.request(certificate, { reason: 'keyCompromise' })), { kind: 'revoked', reason: 'keyCompromise', at, others: 0 });
    assert.deepEqual(await ca().revoke(lab.request(certificate, { reason: 'keyCompromise' })), { kind: 'already-revoked', reason: 'keyCompromise', at });
    assert.deepEqual(await ca().revoke(lab.request(certificate)), { kind: 'already-revoked', reason: 'keyCompromise', at });
    assert.equal(await lab.count('audit_entry', "type = 'certificate.revoked'"), 2);
  });

  test('T-CRL-7 twenty callers at once: one revocation, one audit entry', async () => {
    const certificate = await lab.issue();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => ca().revoke(lab.request(certificate, { reason: 'keyCompromise' }))));
    assert.equal(outcomes.filter(({ kind }) => kind === 'revoked').length, 1);
    assert.ok(outcomes.every(({ kind }) => kind === 'revoked' || kind === 'already-revoked'));
    assert.equal(await lab.count('audit_entry', "type = 'certificate.revoked'"), 1);
    assert.equal(await lab.count('crl_shard', 'changed = 1'), 1);
  });

  test('a hold can be lifted or made final, where the profile allows holds', async () => {
    const [held, final] = [await lab.issue({ profile: 'client' }), await lab.issue({ profile: 'client' })];
    for (const certificate of [held, final]) assert.deepEqual(kinds(await ca().revoke(lab.request(certificate, { reason: 'certificateHold' }))), ['revoked']);
    assert.equal((await ca().statusOf(held.issuerKey, held.serial)).kind, 'revoked');
    lab.clock.time += 1000;
    assert.deepEqual(await ca().unhold(lab.request(held)), { kind: 'unheld' });
    assert.deepEqual(await ca().unhold(lab.request(held)), { kind: 'not-held' });
    assert.deepEqual(await ca().statusOf(held.issuerKey, held.serial), { kind: 'good' });
    assert.deepEqual(kinds(await ca().revoke(lab.request(final))), ['revoked']);
    assert.deepEqual(await ca().unhold(lab.request(final)), { kind: 'not-held' });
    assert.deepEqual(await ca().unhold(lab.request({ issuerKey: held.issuerKey, serial: 'ab' })), { kind: 'unknown' });
    assert.equal(await lab.count('audit_entry', "type = 'certificate.unheld'"), 1);
  });

  test('an expired certificate is not revoked any more, but its key can still be blocked', async () => {
    const certificate = await lab.issue();
    lab.clock.time = certificate.notAfter + 1000;
    assert.deepEqual(kinds(await ca().revoke(lab.request(certificate))), ['expired']);
    assert.deepEqual(kinds(await ca().revoke(lab.request(certificate, { reason: 'keyCompromise' }))), ['revoked']);
    assert.equal(await lab.count('blocked_key'), 1);
  });

  test('what was asked is kept as evidence', async () => {
    const certificate = await lab.issue();
    await ca().revoke(lab.request(certificate, { evidence: { jws: 'x' } }));
    assert.equal(await lab.count('evidence', "digest = (select evidence_digest from revocation) and body like '%\"jws\":\"x\"%'"), 1);
  });
});
