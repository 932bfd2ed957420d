/** RFC 8555 §6.6: rate limits and pauses, on both engines. Rows T-13, A-12, Q-02, AR-07 and I-06 of the conformance list. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RateLimits } from '../../../src/config/directory-settings.ts';
import { rawStatement } from '../../../src/database/statement.ts';
import { changeAccount } from '../../../src/doors/acme/accounts/operate.ts';
import { findAccount } from '../../../src/doors/acme/accounts/store.ts';
import { logEventsTo } from '../../../src/telemetry/events.ts';
import { AcmeClient, newKey } from '../../support/acme-client.ts';
import { type DoorLab, failure, openDoorLab, SUCCESS } from '../../support/acme-door.ts';
import { refused } from '../../support/acme-refusal.ts';
import { namedCertificate } from '../../support/cert-id.ts';
import { buildCsr } from '../../support/csr.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

const HOUR = 3_600_000;
const rate = (count: number, periodMs = HOUR) => ({ count, periodMs });
const EU = 'https://ca.test/acme/d/eu/directory';

let postgres: TestPostgres;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres.stop());

for (const engine of ['sqlite', 'postgres'] as const) {
  /** A door with these limits in its default directory, and none in `eu`. */
  const openLab = async (limits: Omit<RateLimits, 'suffixLabels'> & { suffixLabels?: number }): Promise<DoorLab> => openDoorLab({
    ...(engine === 'postgres' ? { database: await postgres.createDatabase() } : {}), directory: { rateLimits: { suffixLabels: 2, ...limits } },
    directories: [{ name: 'eu', rateLimits: { suffixLabels: 2 } }],
  });
  const rows = async (lab: DoorLab, table: 'acme_limit' | 'acme_pause' | 'acme_order'): Promise<number> =>
    Number((await lab.database.one<{ n: number }>(rawStatement(`select count(*) as n from ${table}`)))?.n);
  const idOf = (client: AcmeClient): string => client.account?.split('/').at(-1) as string;
  const limited = (answer: Awaited<ReturnType<AcmeClient['newOrder']>>, detail: RegExp): number => {
    refused(answer, 429, 'rateLimited', detail);
    const seconds = Number(answer.headers['retry-after']);
    assert.ok(Number.isInteger(seconds) && seconds > 0, String(answer.headers['retry-after']));
    return seconds;
  };

  test(`${engine}: T-13, Q-02: orders of an account are limited, another's are not, and time gives them back`, async () => {
    await using lab = await openLab({ ordersPerAccount: rate(3) });
    const [client, other] = [await lab.client(), await lab.client()];
    for (let i = 0; i < 3; i++) assert.equal((await client.newOrder([`n${i}.internal`])).status, 201);
    const seconds = limited(await client.newOrder(['n4.internal']), /^Too many new orders by this account: 3 in 1h are allowed\. The next may come at 2\d{3}-\d\d-\d\dT[\d:.]+Z\.$/);
    assert.ok(seconds > 1190 && seconds <= 1200, `${seconds}`);
    assert.equal(await rows(lab, 'acme_order'), 3, 'what is refused leaves nothing');
    assert.equal((await other.newOrder(['n4.internal'])).status, 201);
    lab.skewMs = seconds * 1000;
    for (const each of [client, other]) each.forgetNonces();
    assert.equal((await client.newOrder(['n4.internal'])).status, 201, 'when it was told to come');
    limited(await client.newOrder(['n5.internal']), /by this account/);
  });

  test(`${engine}: Q-02, B#recursive: names with one suffix are limited for all accounts together, once for each order`, async () => {
    await using lab = await openLab({ ordersPerSuffix: rate(2) });
    const [client, other] = [await lab.client(), await lab.client()];
    assert.equal((await client.newOrder(['a.dev.internal', 'b.dev.internal', '*.dev.internal'])).status, 201);
    assert.equal((await other.newOrder(['c.dev.internal'])).status, 201);
    for (const each of [client, other]) limited(await each.newOrder(['d.dev.internal']), /new orders for names in dev\.internal: 2 in 1h/);
    limited(await client.newOrder(['www.www.www.dev.internal']), /names in dev\.internal/);
    const before = await rows(lab, 'acme_limit');
    limited(await client.newOrder(['x.prod.internal', 'd.dev.internal']), /dev\.internal/);
    assert.equal(await rows(lab, 'acme_limit'), before, 'nothing is spent elsewhere');
    assert.equal((await client.newOrder(['x.prod.internal'])).status, 201);
    for (const value of ['10.0.0.1', '10.0.0.2']) assert.equal((await client.newOrder([{ type: 'ip', value }])).status, 201);
    limited(await client.newOrder([{ type: 'ip', value: '10.0.0.3' }]), /names in 10\.0\.0\.0\/24/);
    assert.equal((await client.newOrder([{ type: 'ip', value: '10.0.1.3' }])).status, 201);
  });

  test(`${engine}: A-12: accounts are limited for each address; one that exists is found all the same`, async () => {
    await using lab = await openLab({ accountsPerAddress: rate(2) });
    const client = await lab.client();
    await lab.client();
    const third = await new AcmeClient(lab.send, lab.directoryUrl).open();
    limited(await third.newAccount(), /Too many new accounts from 127\.0\.0\.1: 2 in 1h are allowed/);
    assert.equal((await client.newAccount()).status, 200);
    assert.equal((await AcmeClient.registered(lab.send, EU)).account?.startsWith('https://ca.test/acme/d/eu/'), true, 'another directory has counts of its own');
  });

  test(`${engine}: A-12: behind a trusted proxy, and only there, the address is the one that the proxy says`, async () => {
    await using lab = await openLab({ accountsPerAddress: rate(1) });
    const from = async (forwardedFor: string) => {
      const client = await new AcmeClient((request) => lab.send({ ...request, headers: { ...request.headers, 'X-Forwarded-For': forwardedFor } }), lab.directoryUrl).open();
      return client.newAccount();
    };
    assert.equal((await from('192.0.2.1')).status, 201);
    limited(await from('192.0.2.2'), /from 127\.0\.0\.1/); // nobody believes it
    lab.generation = { ...lab.generation, trustedProxies: ['127.0.0.0/8', '10.0.0.0/24'] };
    assert.equal((await from('192.0.2.1')).status, 201);
    assert.equal((await from('192.0.2.2')).status, 201);
    limited(await from('198.51.100.7, 192.0.2.2'), /from 192\.0\.2\.2/); // the left one is the caller's own invention
    limited(await from('192.0.2.2, 10.0.0.3'), /from 192\.0\.2\.2/);
    assert.equal((await from('2001:db8:1:2::3')).status, 201);
    limited(await from('2001:db8:1:9::4'), /from 2001:db8:1::\/48/);
  });

  test(`${engine}: 20 orders at once on two fronts, and room for 5: exactly 5 are made`, async () => {
    await using lab = await openLab({ ordersPerAccount: rate(5), ordersPerSuffix: rate(1000) });
    const second = await lab.front('front-2');
    const key = newKey();
    const clients = [await lab.client(key), await AcmeClient.registered(lab.send, lab.directoryUrl, key)];
    const over = await new AcmeClient(second.send, lab.directoryUrl, key).open();
    over.account = clients[0]?.account;
    if (engine === 'postgres') clients.push(over); // on SQLite nonces belong to one front, and there is one
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => (clients[i % clients.length] as AcmeClient).newOrder([`r${i}.internal`])));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array<number>(5).fill(201), ...Array<number>(15).fill(429)]);
    for (const answer of answers) if (answer.status === 429) limited(answer, /by this account/);
    assert.equal(await rows(lab, 'acme_order'), 5);
  });

  test(`${engine}: renewals count for the same names only`, async () => {
    await using lab = await openLab({ ordersPerAccount: rate(1), ordersPerSuffix: rate(1), ordersPerNameSet: rate(4) });
    const client = await lab.client();
    await client.issue(['a.dev.internal', 'b.dev.internal'], () => {});
    limited(await client.newOrder(['c.dev.internal']), /new orders/);
    limited(await client.newOrder(['a.dev.internal']), /new orders/); // fewer names are other names
    for (let i = 0; i < 3; i++) assert.equal((await client.newOrder(['b.dev.internal', 'a.dev.internal'])).status, 201);
    limited(await client.newOrder(['a.dev.internal', 'b.dev.internal']), /orders by this account for exactly these names: 4 in 1h/);
    const other = await lab.client();
    limited(await other.newOrder(['a.dev.internal', 'b.dev.internal']), /dev\.internal/); // another's renewal is nobody's
  });

  test(`${engine}: AR-07 "replaces" by itself spares the limits, but not names that the predecessor had not`, async () => {
    await using lab = await openLab({ ordersPerAccount: rate(1), ordersPerSuffix: rate(1) });
    const client = await lab.client();
    const { certId } = namedCertificate((await client.issue(['a.dev.internal', 'b.dev.internal'], () => {})).pem);
    limited(await client.newOrder(['a.dev.internal']), /new orders/);
    const others = Array.from({ length: 99 }, (_, i) => `n${i}.prod.internal`);
    for (const more of [['c.dev.internal'], ['*.a.dev.internal'], others]) limited(await client.newOrder(['a.dev.internal', ...more], { replaces: certId }), /new orders by this account/);
    assert.equal((await client.newOrder(['a.dev.internal'], { replaces: certId })).status, 201, 'what is refused has claimed nothing');
    limited(await client.newOrder(['b.dev.internal']), /new orders/);
  });

  test(`${engine}: an order alone is no certificate: ordering the same names again is no renewal`, async () => {
    await using lab = await openLab({ ordersPerAccount: rate(1) });
    const client = await lab.client();
    assert.equal((await client.newOrder(['a.internal'])).status, 201);
    limited(await client.newOrder(['a.internal']), /by this account/);
  });

  test(`${engine}: a name that failed too often cannot be ordered, nor authorized ahead, for a while`, async () => {
    await using lab = await openLab({ failuresPerName: rate(2) });
    const client = await lab.client();
    lab.validate = () => failure('unauthorized', 'no');
    for (let i = 0; i < 2; i++) await assert.rejects(client.issue(['f.dev.internal'], () => {}));
    const seconds = limited(await client.newOrder(['g.dev.internal', '*.f.dev.internal']), /Too many failed validations of f\.dev\.internal: 2 in 1h are allowed/);
    limited(await client.post(client.directory.newAuthz, { identifier: { type: 'dns', value: 'f.dev.internal' } }), /failed validations/);
    assert.equal((await client.newOrder(['g.dev.internal'])).status, 201);
    assert.equal((await (await lab.client()).newOrder(['f.dev.internal'])).status, 201);
    lab.skewMs = seconds * 1000;
    client.forgetNonces();
    lab.validate = () => SUCCESS;
    await client.issue(['f.dev.internal'], () => {});
  });

  test(`${engine}: I-06: who only ever fails is paused for the name, and goes on by the link in the error`, async () => {
    await using lab = await openLab({ pauseAfter: 3 });
    const client = await lab.client();
    lab.validate = ({ name }) => (name.value === 'p.internal' ? failure('connection', 'nobody there') : SUCCESS);
    lab.generation = { ...lab.generation, validation: { ...lab.generation.validation, attempts: 1 } };
    for (let i = 0; i < 3; i++) await assert.rejects(client.issue(['p.internal'], () => {}));
    const answer = await client.newOrder(['p.internal', 'q.internal']);
    limited(answer, /^This account is paused for p\.internal: every validation failed/);
    await client.issue(['q.internal'], () => {});
    const link = answer.json.instance as string;
    assert.match(link, /^https:\/\/ca\.test\/acme\/unpause\/[0-9a-f]{36}\.\w+\.[\w-]{43}$/);
    assert.ok(answer.json.detail.includes(link));
    assert.match(answer.headers['link'] ?? '', new RegExp(`<${link}>;rel="help"`));
    assert.deepEqual((await findAccount(lab.database, 'default', idOf(client)))?.names.map(({ name, failures }) => [name, failures]), [['dns:p.internal', 3]]);

    const logged: string[] = [];
    const note = (line: object): void => { logged.push(JSON.stringify(line)); };
    logEventsTo({ info: note, warn: note, error: note } as unknown as Parameters<typeof logEventsTo>[0]);
    const page = await client.get(link);
    logEventsTo({ info() {}, warn() {}, error() {} } as unknown as Parameters<typeof logEventsTo>[0]);
    assert.equal(page.status, 200);
    assert.equal(logged.length, 1);
    assert.ok(!logged[0]?.includes(link.split('.').at(-1) as string), 'I9: the link is as good as a password, and is not logged');
    assert.match(page.headers['content-security-policy'] ?? '', /default-src 'none'/);
    assert.match(page.text, /<code>p\.internal<\/code>[^]*<form method="post">/);
    limited(await client.newOrder(['p.internal']), /paused/); // looking changes nothing
    assert.match((await client.get(link, 'POST')).text, /It may try again[^]*p\.internal/);
    assert.match((await client.get(link)).text, /Nothing is paused/);
    lab.validate = () => SUCCESS;
    await client.issue(['p.internal'], () => {});
    assert.equal(await rows(lab, 'acme_pause'), 0, 'a success takes all failures away');
  });

  test(`${engine}: I-06, I5: a pause is told in the audit log once, in the commit that makes it, however many failures come at once`, async () => {
    await using lab = await openLab({ pauseAfter: 3 });
    const told = async (): Promise<unknown[]> =>
      (await lab.database.many<{ body: string }>(rawStatement("select body from audit_entry where type = 'account.paused-for-name' order by id"))).map(({ body }) => JSON.parse(body));
    const client = await lab.client();
    lab.validate = () => failure('unauthorized', 'no');
    const challenges: string[] = [];
    for (let i = 0; i < 8; i++) {
      const { json } = await client.newOrder(['p.internal']);
      challenges.push((await client.post(json.authorizations[0])).json.challenges[0].url);
    }
    const commits: number[] = [];
    for (const url of challenges.splice(0, 3)) {
      assert.deepEqual(await told(), []);
      const before = lab.database.counters.commits;
      assert.equal((await client.post(url, {})).json.status, 'invalid');
      commits.push(lab.database.counters.commits - before);
    }
    assert.equal(commits[2], commits[1], 'the pause has no commit of its own');
    await Promise.all(challenges.map((url) => client.post(url, {})));
    const [entry, ...more] = (await told()) as { at: number }[];
    assert.deepEqual(more, []);
    assert.deepEqual(entry, { type: 'account.paused-for-name', realm: 'default', at: entry?.at, account: idOf(client), name: 'dns:p.internal', after: 3 });
    const [row] = await lab.database.many<{ failures: number }>(rawStatement('select failures from acme_pause'));
    assert.equal(Number(row?.failures), 8);

    const other = await lab.client();
    const all = await Promise.all(Array.from({ length: 6 }, () => other.newOrder(['p.internal'])));
    const urls = await Promise.all(all.map(async ({ json }) => (await other.post(json.authorizations[0])).json.challenges[0].url as string));
    await Promise.all(urls.map((url) => other.post(url, {})));
    assert.equal((await told()).length, 2);
  });

  test(`${engine}: one success between failures, and nobody is paused`, async () => {
    await using lab = await openLab({ pauseAfter: 2 });
    const client = await lab.client();
    lab.generation = { ...lab.generation, directories: new Map([...lab.generation.directories].map(([name, each]) => [name, { ...each, limits: { ...each.limits, validAuthorizationLifetimeMs: 1 } }])) };
    for (const outcome of [failure('unauthorized', 'no'), SUCCESS, failure('unauthorized', 'no')]) {
      lab.validate = () => outcome;
      const order = await client.newOrder(['s.internal']);
      assert.equal(order.status, 201);
      const { json } = await client.post(order.json.authorizations[0]);
      if (json.status === 'pending') await client.post(json.challenges[0].url, {});
    }
    assert.equal((await client.newOrder(['s.internal'])).status, 201);
  });

  test(`${engine}: an unpause link is good for its account, its directory and two weeks`, async () => {
    await using lab = await openLab({ pauseAfter: 1 });
    const [client, other] = [await lab.client(), await lab.client()];
    lab.validate = () => failure('unauthorized', 'no');
    const links: string[] = [];
    for (const each of [client, other]) {
      await assert.rejects(each.issue(['l.internal'], () => {}));
      links.push((await each.newOrder(['l.internal'])).json.instance as string);
    }
    const [link, others] = links as [string, string];
    const [account, expires, mac] = (link.split('/').at(-1) as string).split('.') as [string, string, string];
    const stem = link.slice(0, link.lastIndexOf('/') + 1);
    const bad = [
      `${stem}${idOf(other)}.${expires}.${mac}`, `${stem}${account}.${(Number.parseInt(expires, 36) + 1).toString(36)}.${mac}`, `${stem}${account}.${expires}.${mac.slice(1)}`,
      `${stem}${account}.${expires}`, `${stem}${account}.${expires}.${mac}.x`, `${stem}x`, `${stem}%00`, link.replace('/acme/', '/acme/d/eu/'), link.replace('/acme/', '/acme/d/nowhere/'),
    ];
    for (const url of bad) for (const method of ['GET', 'POST']) {
      const answer = await client.get(url, method);
      assert.equal(answer.status, 404, url);
      assert.doesNotMatch(answer.text, /l\.internal/);
    }
    await client.get(others, 'POST');
    limited(await client.newOrder(['l.internal']), /paused/);
    lab.skewMs = 15 * 24 * HOUR;
    assert.equal((await client.get(link, 'POST')).status, 404);
  });

  test(`${engine}: an account that the operator paused orders nothing, limits or not; no link ends that`, async () => {
    await using lab = await openLab({});
    const client = await lab.client();
    const { orderUrl } = await client.issue(['o.internal'], () => {});
    const { json: ready } = await client.newOrder(['ready.internal']);
    await client.authorize(ready, 'http-01', () => {});
    assert.equal((await changeAccount(lab.operator, idOf(client), 'paused', false))?.changed, true);
    const answer = await client.newOrder(['o.internal']);
    limited(answer, /The operator of this server has paused this account/);
    assert.equal(answer.json.instance, undefined);
    limited(await client.post(client.directory.newAuthz, { identifier: { type: 'dns', value: 'o.internal' } }), /operator/);
    assert.equal((await client.post(orderUrl)).status, 200);
    const csr = buildCsr({ ...newKey(), names: [{ type: 'dns', value: 'ready.internal' }] }).toString('base64url');
    assert.equal((await client.post(ready.finalize, { csr })).json.status, 'valid', 'what is ready is finalized');
    assert.equal((await changeAccount(lab.operator, idOf(client), 'unpaused', false))?.changed, true);
    assert.equal((await client.newOrder(['o.internal'])).status, 201);
  });

  test(`${engine}: limits that are on cost an order one statement and no commit, and tables stay bounded`, async () => {
    await using lab = await openLab({ ordersPerAccount: rate(1000), ordersPerSuffix: rate(1000), ordersPerNameSet: rate(1000), failuresPerName: rate(1000), pauseAfter: 1000 });
    const [client, free] = [await lab.client(), await AcmeClient.registered(lab.send, EU)];
    const spent = async (work: () => Promise<unknown>) => {
      const { commits, statements } = { ...lab.database.counters };
      await work();
      return { commits: lab.database.counters.commits - commits, statements: lab.database.counters.statements - statements };
    };
    const names = Array.from({ length: 100 }, (_, i) => `n${i}.z${i}.internal`);
    const [costs, without] = [await spent(() => client.newOrder(names)), await spent(() => free.newOrder(names))];
    assert.equal(costs.commits, without.commits);
    assert.equal(costs.statements, without.statements + 1);
    assert.ok((await rows(lab, 'acme_limit')) > 100);
    await lab.acme.dropOldLimits();
    assert.ok((await rows(lab, 'acme_limit')) > 100, 'what still counts stays');
    lab.validate = () => failure('unauthorized', 'no');
    await assert.rejects(client.issue(['y.internal'], () => {}));
    lab.skewMs = 61 * 24 * HOUR;
    await lab.acme.dropOldLimits();
    assert.deepEqual([await rows(lab, 'acme_limit'), await rows(lab, 'acme_pause')], [0, 0]);
  });
}
