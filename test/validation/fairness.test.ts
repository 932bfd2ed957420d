// Hosts that hang take places, not everybody's: bounds on what goes on at once (acme.md §3.5, design §9).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dialer } from '../../src/dial/dialer.ts';
import type { Call, Found } from '../../src/dial/resolver.ts';
import { openValidator } from '../../src/validation/index.ts';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { openLab } from './lab.ts';

test('hundreds of validations of a host that hangs do not slow down another host', async () => {
  await using lab = await openLab({ hosts: new Map([['hangs.internal', ['127.0.0.2']], ['works.internal', ['127.0.0.1']]]), totalTimeoutMs: 2000 });
  const hanging = await startHttp01Responder({ host: '127.0.0.2', port: lab.http.port });
  try {
    hanging.behave('*', 'hang');
    const stuck = Array.from({ length: 600 }, () => lab.prove('http-01', 'hangs.internal'));
    while (hanging.connections < 100) await new Promise(setImmediate);
    const begin = performance.now();
    for (let i = 0; i < 20; i++) {
      const result = await lab.prove('http-01', 'works.internal', (c) => lab.http.set(c.token, c.keyAuthorization));
      assert.ok(result.ok, JSON.stringify(result));
    }
    assert.ok(performance.now() - begin < 1000, 'waited for strangers');
    assert.ok(hanging.connections <= 128, `${hanging.connections} connections to one host`);

    // Those who had their turn failed for good; those who never had it come back.
    const results = await Promise.all(stuck);
    const transient = results.filter((result) => !result.ok && result.transient).length;
    assert.equal(results.filter((result) => result.ok).length, 0);
    assert.ok(transient >= 600 - hanging.connections, `${transient} of 600 are transient`);
  } finally {
    await hanging.close();
  }
});

test('500 hosts that hang, each at its own address, slow down nobody else', async () => {
  const names = Array.from({ length: 500 }, (_, at) => `h${at}.hangs.internal`);
  await using lab = await openLab({
    hosts: new Map([...names.map((name, at): [string, string[]] => [name, [`127.9.${at >> 8}.${at & 255}`]]), ['works.internal', ['127.0.0.1']]]),
    totalTimeoutMs: 60_000, connectTimeoutMs: 20_000, host: '0.0.0.0',
  });
  const stop = new AbortController();
  let over = 0;
  const hang = (c: { token: string }) => lab.http.behave(c.token, 'hang');
  const stuck = names.map((name) => lab.prove('http-01', name, hang, { signal: stop.signal, accountUrls: ['https://ca.test/hangs'] }).finally(() => { over += 1; }));
  while (lab.http.connections < 500) await new Promise(setImmediate);
  const results = await Promise.all(Array.from({ length: 200 }, () =>
    lab.prove('http-01', 'works.internal', (c) => lab.http.set(c.token, c.keyAuthorization), { accountUrls: ['https://ca.test/works'] })));
  assert.equal(results.filter(({ ok }) => ok).length, 200);
  assert.equal(over, 0, 'what hangs was over before the others were served');
  stop.abort();
  for (const result of await Promise.all(stuck)) assert.ok(!result.ok && result.transient);
});

test('one account runs 512 attempts at once, and its others wait without taking anybody’s place', async () => {
  const asked: string[] = [];
  // A resolver that never answers, and says how often it was asked at once.
  const txt = (name: string, { signal }: Call): Promise<Found> => {
    asked.push(name);
    return new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason), { once: true }); });
  };
  const dialer = { resolver: { txt } } as unknown as Dialer;
  const validator = openValidator({ dialer, clock: { now: () => Date.now() }, http01Port: 80, tlsAlpn01Port: 443, totalTimeoutMs: 60_000 });
  const stop = new AbortController();
  const prove = (account: string) => validator.validate({
    type: 'dns-01', name: { type: 'dns', value: 'a.test' }, wildcard: false, subdomains: false, token: 't', keyAuthorization: 'k', caa: false, issuers: [],
    accountUrls: [account], signal: stop.signal,
  });
  const stuck = Array.from({ length: 600 }, () => prove('https://ca.test/hangs'));
  await new Promise(setImmediate);
  assert.equal(asked.length, 512);
  const other = prove('https://ca.test/works');
  await new Promise(setImmediate);
  assert.equal(asked.length, 513);
  stop.abort();
  for (const result of await Promise.all([...stuck, other])) assert.ok(!result.ok && result.transient);
});

test('a zone whose servers hang does not slow down lookups elsewhere', async () => {
  await using lab = await openLab({ queryTimeoutMs: 1000, lookupTimeoutMs: 1500, totalTimeoutMs: 2000 });
  for (let i = 0; i < 300; i++) lab.dns.fail(`_acme-challenge.h${i}.dead.test`, 'drop');
  const stuck = Array.from({ length: 300 }, (_, i) => lab.prove('dns-01', `h${i}.dead.test`));
  while (lab.dns.questions.length < 50) await new Promise(setImmediate);
  lab.dns.set('a.alive.example', 'A', '127.0.0.1');
  const begin = performance.now();
  const result = await lab.prove('http-01', 'a.alive.example', (c) => lab.http.set(c.token, c.keyAuthorization));
  assert.ok(result.ok, JSON.stringify(result));
  assert.ok(performance.now() - begin < 700, 'waited for strangers');
  for (const stopped of await Promise.all(stuck)) assert.ok(!stopped.ok && stopped.transient);
});
