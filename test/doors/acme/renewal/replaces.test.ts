/** RFC 9773 §5: an order that says which certificate it renews. Rows AR-05, AR-06 and R10, and what other servers had wrong, on both engines. */
import assert from 'node:assert/strict';
import { replacementOf } from '../../../../src/ca/renewal/pull.ts';
import { rawStatement } from '../../../../src/database/statement.ts';
import { AcmeClient, newKey, type OrderBody } from '../../../support/acme-client.ts';
import { type DoorLab, failure, SUCCESS } from '../../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../../support/acme-engines.ts';
import { refused } from '../../../support/acme-refusal.ts';
import { namedCertificate } from '../../../support/cert-id.ts';
import { buildCsr } from '../../../support/csr.ts';

withPostgres();

const issued = async (client: AcmeClient, names: readonly string[], order: object = {}) => {
  const { pem, orderUrl } = await client.issue(names, () => {}, { order });
  return { ...namedCertificate(pem), orderUrl };
};
const rowOf = (lab: DoorLab, serial: string) =>
  lab.database.one<{ replaces: string | null; lineage_id: string; request_ref: string }>(
    rawStatement('select replaces, lineage_id, request_ref from certificate where serial = :serial'), { serial });

onBothEngines('AR-05, B#8056 a renewal echoes what it replaces, now and later, and its certificate continues the lineage', async (lab) => {
  const client = await lab.client();
  const first = await issued(client, ['a.internal', 'b.internal']);
  const second = await issued(client, ['b.internal', 'c.internal'], { replaces: first.certId });
  assert.equal((await client.post(second.orderUrl)).json.replaces, first.certId);
  assert.equal('replaces' in (await client.post(first.orderUrl)).json, false);
  const third = await issued(client, ['c.internal'], { replaces: second.certId });
  const rows = await Promise.all([first, second, third].map(({ serial }) => rowOf(lab, serial)));
  assert.deepEqual(rows.map((row) => row?.replaces), [null, `development-1:${first.serial}`, `development-1:${second.serial}`]);
  assert.equal(new Set(rows.map((row) => row?.lineage_id)).size, 1);
  assert.equal(rows[0]?.lineage_id, rows[0]?.request_ref);
  const at = { realm: 'default', issuerKey: 'development-1' };
  assert.deepEqual(await replacementOf(lab.database, { ...at, serial: first.serial }), { issuerKey: 'development-1', serial: second.serial });
  assert.equal(await replacementOf(lab.database, { ...at, serial: third.serial }), undefined);
});

onBothEngines('AR-05, B#8053, 6.8 what cannot be replaced is refused in its own words, and makes nothing', async (lab) => {
  const client = await lab.client();
  const { certId } = await issued(client, ['a.internal']);
  const ask = (replaces: unknown, by: AcmeClient = client, name = 'a.internal') => by.newOrder([name], { replaces });
  for (const bad of ['x', `${certId}=`, 7, {}, [certId], `${certId}.${certId}`]) refused(await ask(bad), 400, 'malformed', /certificate identifier/);
  refused(await ask('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE'), 404, 'malformed');
  refused(await ask(`${certId.split('.')[0]}.AIdlQyE`), 404, 'malformed');
  refused(await ask(certId, await lab.client()), 403, 'unauthorized', /another account/);
  const elsewhere = await AcmeClient.registered(lab.send, 'https://ca.test/acme/d/other/directory', client.key);
  refused(await ask(certId, elsewhere), 403, 'unauthorized', /another account/);
  refused(await ask(certId, client, 'z.internal'), 400, 'malformed', /in common/);
  assert.equal(await lab.database.one(rawStatement('select 1 from acme_replacement')), undefined);
  for (const nothing of [null, '', undefined]) assert.equal((await ask(nothing)).status, 201);
  await issued(client, ['a.internal'], { replaces: certId });
  refused(await ask(certId), 409, 'alreadyReplaced', /without "replaces"/);
}, { directories: [{ name: 'other' }] });

onBothEngines('AR-05 an order that waits claims its predecessor as well', async (lab) => {
  const client = await lab.client();
  const { certId } = await issued(client, ['a.internal']);
  assert.equal((await client.newOrder(['a.internal'], { replaces: certId })).json.replaces, certId);
  refused(await client.newOrder(['a.internal'], { replaces: certId }), 409, 'alreadyReplaced');
});

onBothEngines('R10 of twenty orders that replace one certificate at once, one is made', async (lab) => {
  const client = await lab.client();
  const { certId } = await issued(client, ['a.internal']);
  const fronts = [lab.send, (await lab.front('front-2')).send];
  const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => AcmeClient.registered(fronts[n % 2] ?? lab.send, lab.directoryUrl, client.key)));
  const race = async () => {
    const answers = await Promise.all(clients.map((each) => each.newOrder(['a.internal', 'b.internal'], { replaces: certId })));
    for (const answer of answers) if (answer.status !== 201) refused(answer, 409, 'alreadyReplaced');
    const made = answers.filter(({ status }) => status === 201);
    assert.equal(made.length, 1);
    return made[0]?.json as OrderBody;
  };
  const order = await race();
  lab.validate = () => failure('unauthorized', 'no');
  const { json: authorization } = await client.post(order.authorizations[1] as string);
  await client.post(authorization.challenges[0].url, {});
  lab.validate = () => SUCCESS;
  await race(); // and again for the claim of one that failed
});

onBothEngines('AR-06, P#523 an order that failed, expired or lost an authorization lets its predecessor go; a valid one never does', async (lab) => {
  const client = await lab.client();
  const { certId } = await issued(client, ['a.internal']);
  const order = async () => {
    const answer = await client.newOrder(['a.internal', 'b.internal'], { replaces: certId }); // a.internal is proven already
    assert.equal(answer.status, 201, answer.text);
    return { ...(answer.json as OrderBody), url: answer.headers['location'] as string };
  };
  const failed = await order();
  lab.validate = () => failure('unauthorized', 'no');
  const { json: authorization } = await client.post(failed.authorizations[1] as string);
  await client.post(authorization.challenges[0].url, {});
  lab.validate = () => SUCCESS;

  const deactivated = await order();
  await client.post(deactivated.authorizations[1] as string, { status: 'deactivated' });
  const expired = await order();
  lab.skewMs += 25 * 3_600_000;
  client.forgetNonces();
  assert.equal((await client.post(expired.url)).json.status, 'invalid');
  assert.equal((await client.post(failed.url)).json.replaces, certId, 'an order keeps saying what it was to replace');

  const { serial } = await issued(client, ['a.internal'], { replaces: certId });
  assert.ok(serial);
  lab.skewMs += 25 * 3_600_000;
  client.forgetNonces();
  refused(await client.newOrder(['a.internal'], { replaces: certId }), 409, 'alreadyReplaced');
});

onBothEngines('AR-05 an order whose claim went to another is not issued any more', async (lab) => {
  const client = await lab.client();
  const { certId, serial } = await issued(client, ['a.internal']);
  const { json, headers } = await client.newOrder(['a.internal'], { replaces: certId });
  await client.authorize(json, 'http-01', () => {});
  await lab.database.commit([{ statement: rawStatement("update acme_replacement set order_id = 'another' where serial = :serial"), values: { serial } }]);
  const csr = buildCsr({ ...newKey(), names: [{ type: 'dns', value: 'a.internal' }] }).toString('base64url');
  refused(await client.post(json.finalize, { csr }), 403, 'orderNotReady');
  assert.notEqual((await client.post(headers['location'] as string)).json.status, 'valid');
  assert.equal(lab.software.signatures, 1);
});
