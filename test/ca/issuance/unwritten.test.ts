/** A database that fails at one of the writes of an issuance, before it was done or after: what is signed is known before, and nothing is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseUnavailable, rawStatement } from '../../../src/database/database.ts';
import { onBothEngines } from '../../support/engines.ts';
import { newSpki, openRevocationLab, REALM } from '../../support/revocation-lab.ts';

onBothEngines((newDatabase) => {
  for (const failing of [1, 2]) {
    for (const when of ['before', 'after'] as const) {
      test(`T-INC-6 the database fails at commit ${failing} of an issuance, ${when} it was done: no signature before the serial is known, no certificate lost`, async () => {
        await using lab = await openRevocationLab(await newDatabase());
        while ((await lab.publish()) > 0);
        const before = lab.software.signatures;
        let commits = 0;
        let signaturesThen: number | undefined;
        const { software, database } = lab;
        const commit = database.commit.bind(database);
        database.commit = async (writes) => {
          commits += 1;
          if (commits !== failing) return commit(writes);
          signaturesThen = software.signatures - before;
          if (when === 'after') await commit(writes);
          throw new DatabaseUnavailable('the disk is away');
        };
        const issue = () => software.ca.issue({
          realm: REALM, door: 'test', profile: 'server', names: [{ type: 'dns', value: 'a.internal' }], publicKey: newSpki(), requestRef: 'order-1', evidence: {},
          requester: { kind: 'acme-account', id: 'a', policies: ['private-names'] },
        });
        const outcome = await issue().catch((error: unknown) => {
          assert.ok(error instanceof DatabaseUnavailable, String(error));
          return { kind: 'thrown' };
        });
        assert.equal(outcome.kind, failing === 1 ? 'thrown' : 'pending');
        assert.deepEqual([signaturesThen, software.signatures - before], failing === 1 ? [0, 0] : [1, 1], 'nothing is signed before the serial is durable');
        const known = await lab.count('intent', "purpose = 'certificate'");
        assert.equal(known, failing === 1 && when === 'before' ? 0 : 1);
        if (known === 1) {
          const { serial = '' } = (await lab.database.one<{ serial: string }>(rawStatement("select serial from intent where purpose = 'certificate'"))) ?? {};
          assert.equal((await software.ca.statusOf('development-1', serial)).kind, 'good', 'OCSP knows it, whatever came after');
        }
        assert.equal((await software.ca.progress(REALM, 'order-1')).kind, known === 0 ? 'none' : failing === 2 && when === 'after' ? 'issued' : 'open');
        software.recovering = 'truth';
        lab.clock.time += 60_000;
        await software.ca.work.recoverIntents();
        const { kind } = await issue();
        assert.equal(kind, 'issued');
        assert.equal(await lab.count('certificate'), 1);
        assert.deepEqual((await lab.violations()).filter((violation) => !/tombstone/.test(violation)), [], 'this signer keeps no tombstones');
      });
    }
  }
});
