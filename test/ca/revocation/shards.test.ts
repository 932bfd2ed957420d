/** Ten thousand certificates in one shard, in seven, in 128: each is listed where it says, nowhere else, and for as long as it must. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IssuedCertificate } from '../../../src/ca/index.ts';
import { parseCertificate } from '../../../src/x509/certificate.ts';
import { crlUrlOf } from '../../../src/x509/shape.ts';
import { onBothEngines } from '../../support/engines.ts';
import { dice } from '../../support/random.ts';
import { HOUR, newSpki, openRevocationLab, type RevocationLab } from '../../support/revocation-lab.ts';

const CERTIFICATES = 10_000;
const AT_ONCE = 200;
/** Some expire within the test. */
const SHORT = 30 * HOUR;
const LOOKBACK = 24 * HOUR;

onBothEngines((newDatabase) => {
  for (const shards of [1, 7, 128]) {
    test(`T-CRL-1 ${CERTIFICATES} serials in ${shards} shards: the union is exactly what is revoked and not yet to be forgotten`, async (t) => {
      const random = dice();
      t.diagnostic(`CHANCERY_SEED=${random.seed}`);
      await using lab = await openRevocationLab(await newDatabase(), (shipped) =>
        ({ ...shipped, issuers: new Map([...shipped.issuers].map(([id, issuer]) => [id, { ...issuer, shards }])) }));
      await lab.publish();
      const begun = lab.clock.now();
      const spki = newSpki();
      const certificates = await inTurn(Array.from({ length: CERTIFICATES }), () =>
        lab.issue(random.next() < 0.3 ? { spki, notAfter: begun + SHORT } : { spki }));
      const revoked = certificates.filter(() => random.next() < 0.5);
      await inTurn(revoked, (certificate) => lab.software.ca.revoke(lab.request(certificate)));

      await lab.publish();
      await assertListed(lab, revoked, shards);
      lab.clock.time = begun + SHORT + LOOKBACK - HOUR;
      await lab.publish();
      await assertListed(lab, revoked, shards);
      lab.clock.time += 2 * HOUR;
      await lab.publish();
      await assertListed(lab, revoked.filter(({ notAfter }) => notAfter !== begun + SHORT), shards);
      assert.deepEqual(await lab.violations(), []);
    });
  }
});

async function inTurn<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE) done.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(work))));
  return done;
}

/** Exactly these, each once, in the CRL whose IDP is the URL that the certificate names; every list says the URL of its shard. */
async function assertListed(lab: RevocationLab, expected: readonly IssuedCertificate[], shards: number): Promise<void> {
  const lists = await lab.lists(lab.software.issuer.id);
  assert.deepEqual(lists.map(({ url }) => url), Array.from({ length: shards }, (_, index) => crlUrlOf(lab.software.issuer, index + 1)));
  const listed = lists.flatMap(({ url, entries }) => entries.map(({ serial }) => `${serial} ${url}`));
  const named = expected.map(({ serial, der }) => `${serial} ${parseCertificate(der).tbs.crlDistributionPoints?.[0]?.fullName?.[0]?.name?.value}`);
  assert.ok(named.length > 0);
  assert.deepEqual(listed.sort(), named.sort());
}
