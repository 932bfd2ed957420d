// Hosts that hang take places, not everybody's: bounds on what goes on at once (acme.md §3.5, design §9).
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
