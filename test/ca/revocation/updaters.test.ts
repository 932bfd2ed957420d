/** Two updaters of one shard, one of them five minutes behind, and a revocation in their midst, in a thousand orders of their steps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishCrls } from '../../../src/ca/revocation/crl/publish.ts';
import { rawStatement } from '../../../src/database/statement.ts';
import { onBothEngines } from '../../support/engines.ts';
import { interleave, type Step } from '../../support/interleave.ts';
import { dice } from '../../support/random.ts';
import { newSpki, openRevocationLab, partsByStep } from '../../support/revocation-lab.ts';

const ROUNDS = 1000;
const AT_ONCE = 200;
const BEHIND_MS = 5 * 60_000;

const makeDue = rawStatement('update crl_shard set changed = changed + 1 where shard = 1');
const countIssued = rawStatement("select count(*) as n from audit_entry where type = 'crl.issued'");

onBothEngines((newDatabase) => {
  test(`T-CRL-3 ${ROUNDS} interleavings of two updaters: numbers strictly grow, one wins, and nothing is lost`, async (t) => {
    const random = dice();
    t.diagnostic(`CHANCERY_SEED=${random.seed}`);
    await using lab = await openRevocationLab(await newDatabase(), (shipped) =>
      ({ ...shipped, issuers: new Map([...shipped.issuers].map(([id, issuer]) => [id, { ...issuer, shards: 1 }])) }));
    await lab.publish();
    const spki = newSpki();
    const certificates = [];
    for (let at = 0; at < ROUNDS; at += AT_ONCE) certificates.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => lab.issue({ spki })))));

    const published = async (): Promise<number> => Number((await lab.database.one<{ n: number }>(countIssued))?.n);
    const updater = (behind: number) => async (step: Step): Promise<void> => { await publishCrls(partsByStep(lab, step, behind)); };
    let [number = 0n] = await lab.numbers();
    let issued = await published();
    const winners: Record<number, number> = {};
    for (const [round, certificate] of certificates.entries()) {
      lab.clock.time += 1000;
      await lab.database.commit([{ statement: makeDue, values: {} }]);
      const before = number;
      const revocation = async (step: Step): Promise<void> => {
        await step();
        await lab.software.ca.revoke(lab.request(certificate));
      };
      await interleave(random, [updater(0), updater(random.next() < 0.5 ? BEHIND_MS : 0), revocation], async () => {
        const [now = 0n] = await lab.numbers();
        assert.ok(now >= number, `round ${round}: the number went from ${number} to ${now}`);
        number = now;
      });
      const won = (await published()) - issued;
      winners[won] = (winners[won] ?? 0) + 1;
      assert.ok(won > 0 && number > before, `round ${round}: ${won} were published, and the number is ${number} after ${before}`);
      // The revocation may have come after both had looked; the next run has it.
      await lab.publish();
      [number = 0n] = await lab.numbers();
      issued = await published();
      assert.equal(await lab.count('crl', `entries = ${round + 1}`), 1, `round ${round}: the list is not complete`);
      assert.equal(await lab.count('crl_shard', 'changed <> built'), 0);
    }
    t.diagnostic(`rounds by how many were published: ${JSON.stringify(winners)}`);
    assert.ok((winners[1] ?? 0) > ROUNDS / 2, 'mostly one of two wins, and the other publishes nothing');
    const [list] = await lab.lists(lab.software.issuer.id);
    assert.deepEqual(list?.entries.map(({ serial }) => serial), certificates.map(({ serial }) => serial).sort());
    assert.deepEqual(await lab.violations(), []);
  });
});
