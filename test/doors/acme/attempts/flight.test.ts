/** The flight recorder: what each failed try saw, kept within bounds and told in subproblems (C-09, HV-6, SF-4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Flight, problemFrom, recorded } from '../../../../src/doors/acme/attempts/flight.ts';
import type { Evidence } from '../../../../src/validation/index.ts';
import { resumed } from '../../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../../support/acme-engines.ts';

withPostgres();

const name = { type: 'dns', value: 'a.internal' } as const;
const evidence = (more: Partial<Evidence> = {}): Evidence => ({ type: 'http-01', at: Date.UTC(2026, 10, 25, 12), ms: 31, ...more });
const flight = (number: number, more: Partial<Evidence> = {}, detail = 'It did not work.'): Flight => ({ number, problem: 'connection', detail, evidence: evidence(more) });
const seen = {
  address: '10.0.0.5', resolver: '10.0.0.53#53', status: 404, excerpt: 'the secret page',
  lookups: [{ name: 'a.internal', type: 'A', resolver: '10.0.0.53#53', outcome: 'found', answers: ['10.0.0.5'], ms: 3 }],
  redirects: ['http://a.internal/next'],
} as const satisfies Partial<Evidence>;

test('C-09: the subproblem of a try says when, how long, who answered what, where it went, and with what status', () => {
  const { detail, subproblems } = problemFrom([flight(1, seen)], name);
  assert.equal(detail, 'It did not work.');
  assert.deepEqual(subproblems, [{
    type: 'urn:ietf:params:acme:error:connection', status: 400, identifier: name,
    detail: 'Try 1 at 2026-11-25T12:00:00Z, 31 ms: A of a.internal: 10.0.0.5 (from 10.0.0.53#53); connected to 10.0.0.5; redirected to http://a.internal/next; status 404; It did not work.',
  }]);
});

test('HV-6, SF-4: the client is told no excerpt, nothing behind a CNAME, and nothing at all of an excluded target', () => {
  assert.doesNotMatch(JSON.stringify(problemFrom([flight(1, seen)], name)), /secret/);
  const behind = { lookups: [{ name: 'a.internal', type: 'TXT', outcome: 'found', answers: ['hidden'], aliases: ['z.internal'], ms: 3 }] } as const;
  assert.doesNotMatch(JSON.stringify(problemFrom([flight(1, behind)], name)), /hidden|z\.internal/);
  const excluded = { ...seen, dials: [{ address: '169.254.169.254', port: 80, outcome: 'excluded' }] } as const;
  assert.doesNotMatch(JSON.stringify(problemFrom([flight(1, excluded), flight(2)], name)), /169\.254|10\.0\.0/);
});

test('a single try that saw nothing has no subproblems', () => {
  assert.equal('subproblems' in problemFrom([flight(1)], name), false);
});

test('the record keeps the newest four tries, in at most 8 KiB', () => {
  let flights: readonly Flight[] = [];
  for (let i = 1; i <= 50; i++) flights = recorded(flights, flight(i));
  assert.deepEqual(flights.map(({ number }) => number), [47, 48, 49, 50]);
  const large = { redirects: Array.from({ length: 4 }, () => 'x'.repeat(800)) };
  for (let i = 51; i <= 60; i++) flights = recorded(flights, flight(i, large));
  assert.ok(Buffer.byteLength(JSON.stringify(flights)) <= 8192);
  assert.equal(flights.at(-1)?.number, 60);
});

onBothEngines('C-08, C-09: each try is stored with the challenge, and told while it goes on and when it is over, at the order too', async (lab) => {
  const client = await lab.client();
  const { json: order, headers } = await client.newOrder(['a.internal']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  const [{ url }] = authorization.challenges;
  lab.validate = () => ({ ok: false, transient: false, problem: 'connection', detail: 'Connection refused.', evidence: evidence(seen) });
  const first = await client.post(url, {});
  assert.equal(first.json.status, 'processing');
  assert.equal(first.json.error.subproblems.length, 1);
  for (let i = 0; i < 2; i++) {
    lab.skewMs += 5000;
    await resumed(lab.acme);
  }
  const { json: challenge } = await client.post(url);
  assert.equal(challenge.status, 'invalid');
  assert.deepEqual(challenge.error.subproblems.map(({ detail }: { detail: string }) => detail.slice(0, 5)), ['Try 1', 'Try 2', 'Try 3']);
  assert.equal((await client.post(headers['location'] as string)).json.error.subproblems.length, 3);
});

onBothEngines('a proof after failed tries keeps their record, and shows no error', async (lab) => {
  const client = await lab.client();
  const { json: order } = await client.newOrder(['a.internal']);
  const { json: authorization } = await client.post(order.authorizations[0]);
  const [{ url }] = authorization.challenges;
  lab.validate = () => ({ ok: false, transient: false, problem: 'dns', detail: 'No.', evidence: evidence(seen) });
  await client.post(url, {});
  lab.validate = () => ({ ok: true, evidence: evidence() });
  lab.skewMs += 5000;
  await resumed(lab.acme);
  const { json } = await client.post(url);
  assert.equal(json.status, 'valid');
  assert.equal('error' in json, false);
});
