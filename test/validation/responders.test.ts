// The control API of the responders, used as a client's hook would: every challenge type proven, and every responder made to misbehave.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { openDialer } from '../../src/dial/dialer.ts';
import { accountLabel } from '../../src/validation/dns-account-01.ts';
import { type ChallengeType, openValidator } from '../../src/validation/index.ts';
import { startChallengeResponders } from '../support/challenge-responders.ts';
import { newChallenge } from './lab.ts';

const ACCOUNT = 'https://ca.test/acme/account/1';

test('all that a challenge needs can be put in place, broken and looked at over HTTP', async () => {
  await using responders = await startChallengeResponders();
  const { dns, http, tls, control } = responders;
  const tell = async (path: string, body: object = {}) => {
    const response = await fetch(`${control}${path}`, { method: 'POST', body: JSON.stringify(body) });
    assert.equal(response.status, 200, path);
    return response.json();
  };
  const dialer = openDialer({
    resolvers: [dns], zoneResolvers: new Map(), hosts: new Map(), allow: ['10.0.0.0/8'], deny: [], loopback: true, redirectPorts: [], connectTimeoutMs: 2000,
    queryTimeoutMs: 500, lookupTimeoutMs: 2000,
  });
  const validator = openValidator({ dialer, clock: { now: () => Date.now() }, http01Port: http.port, tlsAlpn01Port: tls.port, totalTimeoutMs: 5000 });
  const challenge = newChallenge();
  const { token, keyAuthorization: content } = challenge;
  const prove = (type: ChallengeType, name = 'a.test') => validator.validate({
    type, name: { type: 'dns', value: name }, wildcard: false, subdomains: false, caa: true, issuers: ['ca.test'], accountUrls: [ACCOUNT], ...challenge,
    signal: new AbortController().signal,
  });
  const proven = async (type: ChallengeType, name?: string) => {
    const result = await prove(type, name);
    assert.ok(result.ok, JSON.stringify(result));
  };
  const digest = createHash('sha256').update(content).digest('base64url');

  await tell('/set-default-ipv4', { ip: '127.0.0.1' });
  await tell('/add-http01', { token, content });
  await proven('http-01');
  await tell('/add-tlsalpn01', { host: 'a.test', content });
  await proven('tls-alpn-01');
  await tell('/set-txt', { host: '_acme-challenge.a.test.', value: 'older' });
  await tell('/set-txt', { host: '_acme-challenge.a.test.', value: digest });
  await proven('dns-01');
  await tell('/set-cname', { host: `${accountLabel(ACCOUNT)}._acme-challenge.a.test.`, target: '_acme-challenge.a.test.' });
  await proven('dns-account-01');
  await tell('/set-txt', { host: '_validation-persist.a.test.', value: `ca.test; accounturi=${ACCOUNT}` });
  await proven('dns-persist-01');

  await tell('/add-caa', { host: 'a.test.', policies: [{ tag: 'issue', value: 'other.test' }] });
  assert.equal((await prove('http-01')).ok, false);
  await tell('/clear-caa', { host: 'a.test.' });
  await tell('/misbehave-http01', { token: '*', behaviour: 'not-found' });
  assert.equal((await prove('http-01')).ok, false);
  await tell('/misbehave-http01', { token: '*' });
  await tell('/misbehave-dns', { host: 'a.test', fault: 'servfail' });
  assert.equal((await prove('tls-alpn-01')).ok, false);
  await tell('/clear-servfail', { host: 'a.test' });
  await tell('/misbehave-tlsalpn01', { violation: 'no-alpn' });
  assert.equal((await prove('tls-alpn-01')).ok, false);
  await tell('/misbehave-tlsalpn01');
  await tell('/clear-txt', { host: '_acme-challenge.a.test.' });
  assert.equal((await prove('dns-01')).ok, false);
  await proven('tls-alpn-01');

  assert.ok(((await tell('/seen-dns')) as string[]).includes('udp CAA a.test'));
  assert.ok(((await tell('/seen-http01')) as { path: string }[]).some(({ path }) => path.endsWith(token)));
  assert.ok(((await tell('/seen-tlsalpn01')) as { servername: string }[]).every(({ servername }) => servername === 'a.test'));
  assert.equal((await fetch(`${control}/nothing`, { method: 'POST' })).status, 404);
});
