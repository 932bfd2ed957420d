/** `chancery challenge show`: from the row to the lines that an operator reads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { challenge, type ChallengeRecord, challengeText } from '../../src/cli/challenge.ts';
import { challengeOperations } from '../../src/wiring/challenge-operations.ts';
import type { Evidence } from '../../src/validation/index.ts';
import { openDoorLab, resumed } from '../support/acme-door.ts';

const evidence: Evidence = {
  type: 'http-01', at: Date.UTC(2026, 10, 25, 12), ms: 31, address: '10.0.0.5', resolver: '10.0.0.53#53', status: 404, excerpt: 'the secret page',
  lookups: [{ name: 'a.internal', type: 'A', resolver: '10.0.0.53#53', outcome: 'found', answers: ['10.0.0.5'], aliases: ['b.internal'], ms: 3 }],
  dials: [{ address: 'fd00::5', port: 80, outcome: 'failed', ms: 9 }, { address: '10.0.0.5', port: 80, outcome: 'connected', ms: 1 }],
  redirects: ['http://a.internal/next'],
};

test('every try is shown, with what the client is not told', async () => {
  await using lab = await openDoorLab();
  const client = await lab.client();
  const { json: order } = await client.newOrder(['a.internal']);
  const [authorizationUrl] = order.authorizations;
  const { showChallenge } = challengeOperations({ database: lab.database, clock: { now: () => Date.now() + lab.skewMs } }, 'default');
  const show = async (reference: string) => (await showChallenge({ reference })) as ChallengeRecord;
  assert.match(challengeText(await show(authorizationUrl)), /^a\.internal: pending, and no challenge was answered\n {2}account \S+, authorization \S+, expires \d{4}-/);

  const { json: authorization } = await client.post(authorizationUrl);
  const [{ url }] = authorization.challenges;
  lab.validate = () => ({ ok: false, transient: false, problem: 'connection', detail: 'Not there.', evidence });
  await client.post(url, {});
  lab.validate = () => ({ ok: true, evidence: { type: 'http-01', at: evidence.at, ms: 2, address: '10.0.0.5', status: 200 } });
  lab.skewMs += 5000;
  await resumed(lab.acme);
  const text = challengeText(await show(url));
  const [first, , ...tries] = text.split('\n');
  assert.equal(first, 'a.internal: valid, by http-01, 2 tries');
  assert.deepEqual(tries, [
    'try 1: connection, at 2026-11-25T12:00:00.000Z, 31 ms',
    '  A of a.internal: "10.0.0.5", by CNAME through b.internal (10.0.0.53#53, 3 ms)',
    '  fd00::5 port 80: failed (9 ms)',
    '  10.0.0.5 port 80: connected (1 ms)',
    '  redirected to http://a.internal/next',
    '  HTTP status 404',
    '  the answer began "the secret page"',
    '  Not there.',
    'the proof, at 2026-11-25T12:00:00.000Z, 2 ms',
    '  10.0.0.5: connected',
    '  HTTP status 200',
  ]);
  assert.deepEqual(await show(authorizationUrl.split('/').at(-1)), await show(url));
});

test('what is no authorization is the operator’s mistake', async () => {
  await using lab = await openDoorLab();
  const { showChallenge } = challengeOperations({ database: lab.database, clock: { now: Date.now } }, 'default');
  for (const reference of ['', 'nonsense', 'https://ca.test/acme/authorization/x', `https://ca.test/acme/order/${'a'.repeat(26)}`]) {
    await assert.rejects(showChallenge({ reference }), { name: 'OperatorMistake', message: /^there is no authorization/ });
  }
});

test('what is typed wrong is one sentence', async () => {
  for (const args of [[], ['list'], ['show'], ['show', 'a', 'b'], ['show', '--what', 'a']]) {
    await assert.rejects(challenge.run(args), { name: 'Mistake' }, args.join(' '));
  }
});
