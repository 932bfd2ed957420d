/** RFC 8555 §7.1.6 as truth tables: statuses are computed from facts, so every combination can be asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Authorization, authorizationExpires, authorizationStatus, challengesFor } from '../../../src/doors/acme/authorization.ts';
import { type Attempt, challengeStatus, challengesShown } from '../../../src/doors/acme/challenge.ts';
import { type Order, orderError, orderStatus } from '../../../src/doors/acme/order.ts';
import { problemOf } from '../../../src/doors/acme/problem.ts';
import { formatTime, parseTime } from '../../../src/doors/acme/time.ts';

const NOW = Date.UTC(2026, 10, 22);
const attempt = (state: Attempt['state'], more: Partial<Attempt> = {}): Attempt => ({
  type: 'http-01', state, tries: 1, error: undefined, flights: [], evidence: null, finished: NOW - 1, validUntil: state === 'valid' ? NOW + 10 : undefined, ...more,
});
const authorization = (more: Partial<Authorization> = {}): Authorization => ({
  id: 'z', identifier: { type: 'dns', value: 'a.b' }, wildcard: false, account: 'a', subdomains: false, token: 't', challenges: ['http-01', 'dns-01'], expires: NOW + 1,
  deactivated: false, attempt: undefined, ...more,
});
const order = (authorizations: Authorization[], more: Partial<Order> = {}): Order => ({
  id: 'o', profile: 'server', identifiers: [], authorizations, notBefore: undefined, notAfter: undefined, expires: NOW + 1, issuing: false,
  certificate: undefined, ...more,
});

test('the status of an authorization', () => {
  const cases: [Partial<Authorization>, string][] = [
    [{}, 'pending'],
    [{ attempt: attempt('running') }, 'pending'],
    [{ attempt: attempt('valid') }, 'valid'],
    [{ attempt: attempt('invalid') }, 'invalid'],
    [{ expires: NOW }, 'expired'],
    [{ expires: NOW, attempt: attempt('valid') }, 'valid'],
    [{ attempt: attempt('valid', { validUntil: NOW }) }, 'expired'],
    [{ expires: NOW, attempt: attempt('running') }, 'expired'],
    [{ expires: NOW, attempt: attempt('invalid') }, 'invalid'],
    [{ deactivated: true }, 'deactivated'],
    [{ deactivated: true, attempt: attempt('valid') }, 'deactivated'],
    [{ deactivated: true, attempt: attempt('invalid') }, 'deactivated'],
  ];
  for (const [facts, status] of cases) assert.equal(authorizationStatus(authorization(facts), NOW), status, JSON.stringify(facts));
  assert.equal(authorizationExpires(authorization({ attempt: attempt('valid') })), NOW + 10);
});

test('S-01, S-05, O#20451: the status of an order', () => {
  const pending = authorization();
  const valid = authorization({ attempt: attempt('valid') });
  const invalid = authorization({ attempt: attempt('invalid', { error: problemOf('connection', 'refused') }) });
  const certificate = { issuerKey: 'k', serial: '01' };
  const cases: [Authorization[], Partial<Order>, string][] = [
    [[pending], {}, 'pending'],
    [[pending, valid], {}, 'pending'],
    [[valid, valid], {}, 'ready'],
    [[valid, invalid], {}, 'invalid'],
    [[pending, invalid], {}, 'invalid'],
    [[authorization({ deactivated: true })], {}, 'invalid'],
    [[authorization({ expires: NOW })], {}, 'invalid'],
    [[valid], { expires: NOW }, 'invalid'],
    [[valid], { issuing: true }, 'processing'],
    [[valid], { issuing: true, expires: NOW }, 'processing'],
    [[valid], { certificate }, 'valid'],
    [[valid], { certificate, expires: NOW }, 'valid'],
    [[authorization({ deactivated: true })], { certificate }, 'valid'],
  ];
  for (const [authorizations, more, status] of cases) assert.equal(orderStatus(order(authorizations, more), NOW), status);
  assert.deepEqual(orderError(order([valid, invalid]), NOW), problemOf('connection', 'a.b: refused'));
  assert.equal(orderError(order([valid], { expires: NOW }), NOW)?.type, 'urn:ietf:params:acme:error:malformed');
  assert.equal(orderError(order([valid]), NOW), undefined);
});

test('Z-09: an authorization shows what may be tried, then what decided it', () => {
  assert.deepEqual(challengesShown(authorization()), ['http-01', 'dns-01']);
  assert.deepEqual(challengesShown(authorization({ attempt: attempt('running') })), ['http-01', 'dns-01']);
  assert.deepEqual(challengesShown(authorization({ attempt: attempt('valid') })), ['http-01']);
  assert.equal(challengeStatus(authorization({ attempt: attempt('running') }), 'http-01'), 'processing');
  assert.equal(challengeStatus(authorization({ attempt: attempt('running') }), 'dns-01'), 'pending');
});

test('Z-08: which challenges prove what', () => {
  const all = ['http-01', 'dns-01', 'tls-alpn-01'] as const;
  assert.deepEqual(challengesFor({ type: 'dns', value: 'a' }, false, all), all);
  assert.deepEqual(challengesFor({ type: 'dns', value: 'a' }, true, all), ['dns-01']);
  assert.deepEqual(challengesFor({ type: 'ip', value: '10.0.0.1' }, false, all), ['http-01', 'tls-alpn-01']);
});

test('O-10: times are RFC 3339 and nothing else', () => {
  assert.equal(formatTime(NOW + 999), '2026-11-22T00:00:00Z');
  for (const [text, time] of [
    ['2026-11-22T00:00:00Z', NOW], ['2026-11-22t00:00:00z', NOW], ['2026-11-22T00:00:00.999Z', NOW], ['2026-11-22T01:30:00+01:30', NOW],
    ['2026-11-21T19:00:00-05:00', NOW], ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ] as const) assert.equal(parseTime(text), time, text);
  for (const text of ['', '2026-11-22', '2026-11-22 00:00:00Z', '2026-11-22T00:00:00', '2026-02-30T00:00:00Z', '2026-11-22T24:00:00Z', '2026-11-22T23:59:60Z',
    '2026-13-01T00:00:00Z', '2026-11-22T00:00:00+24:00', '10000-01-01T00:00:00Z', '2026-11-22T00:00:00+0100', 'now']) {
    assert.equal(parseTime(text), undefined, text);
  }
});
