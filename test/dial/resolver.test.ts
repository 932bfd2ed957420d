// The stub resolver against a real server on a socket: acme.md §3.4 (DR-1 to DR-7), H-06.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { DnsFault, type DnsOutcome } from '../../src/dial/dns-fault.ts';
import { Gate } from '../../src/dial/gate.ts';
import { type Call, openResolver, type ResolverConfig } from '../../src/dial/resolver.ts';
import { newTrail } from '../../src/dial/trail.ts';
import { startDnsResponder } from '../support/dns-responder.ts';

const dns = await startDnsResponder();
const second = await startDnsResponder();
beforeEach(() => {
  dns.clear();
  second.clear();
});
after(async () => {
  await dns.close();
  await second.close();
});

const open = (more: Partial<ResolverConfig> = {}) => openResolver({
  servers: [dns], zones: new Map(), hosts: new Map(), tcpFirst: false, queryTimeoutMs: 100, lookupTimeoutMs: 500,
  gate: new Gate({ total: 10, perKey: 10, waiting: 10, waitingPerKey: 10, waitMs: 1000 }),
  ...more,
});
const call = (): Call => ({ signal: new AbortController().signal, trail: newTrail(Date.now) });
const ends = (outcome: DnsOutcome, transient: boolean) => (error: unknown) => {
  assert.ok(error instanceof DnsFault, String(error));
  assert.equal(error.outcome, outcome);
  assert.equal(error.transient, transient);
  return true;
};

test('A and AAAA, IPv6 first', async () => {
  dns.set('a.test', 'A', '10.0.0.1', '10.0.0.2');
  dns.set('a.test', 'AAAA', 'fd00::1');
  assert.deepEqual((await open().addresses('a.test', call())).values, ['fd00::1', '10.0.0.1', '10.0.0.2']);
});

test('one family is enough, even when the other fails', async () => {
  dns.set('a.test', 'A', '10.0.0.1');
  assert.deepEqual((await open().addresses('a.test', call())).values, ['10.0.0.1']);
});

test('localhost and everything below it is loopback, and nobody is asked', async () => {
  for (const name of ['localhost', 'a.localhost', 'x.y.localhost']) {
    assert.deepEqual((await open().addresses(name, call())).values, ['127.0.0.1', '::1'], name);
  }
  assert.deepEqual(dns.questions, []);
});

test('a CNAME to localhost is loopback, and the server is not believed about it', async () => {
  dns.set('a.test', 'CNAME', 'b.localhost');
  dns.set('b.localhost', 'A', '10.9.9.9');
  dns.fail('a.test', 'not-followed');
  assert.deepEqual((await open().addresses('a.test', call())).values, ['::1', '127.0.0.1']);
});

test('static hosts come before any server, in their own order', async () => {
  const resolver = open({ hosts: new Map([['nas.internal', ['192.168.1.5', 'fd00::5']]]) });
  assert.deepEqual((await resolver.addresses('nas.internal', call())).values, ['192.168.1.5', 'fd00::5']);
  assert.deepEqual(dns.questions, []);
});

test('H-06: the strings of a TXT record are joined, several records are kept apart, case is kept', async () => {
  dns.set('a.test', 'TXT', ['AbC', 'dEf'], 'second', '');
  assert.deepEqual((await open().txt('a.test', call())).values, ['AbCdEf', 'second', '']);
});

test('H-06, DR-3: CNAME records are followed, eight of them', async () => {
  for (let i = 0; i < 9; i++) dns.set(`n${i}.test`, 'CNAME', `n${i + 1}.test`);
  dns.set('n9.test', 'TXT', 'here');
  const found = await open().txt('n1.test', call());
  assert.deepEqual(found.values, ['here']);
  assert.equal(found.aliases.length, 8);
  await assert.rejects(open().txt('n0.test', call()), ends('aliases', false));
});

test('CNAME records that the server did not follow are followed by asking again', async () => {
  dns.set('a.test', 'CNAME', 'b.test');
  dns.set('b.test', 'CNAME', 'c.test');
  dns.set('c.test', 'A', '10.0.0.3');
  for (const name of ['a.test', 'b.test']) dns.fail(name, 'not-followed');
  assert.deepEqual((await open().addresses('a.test', call())).values, ['10.0.0.3']);
});

test('DR-3: CNAME records in a circle end', async () => {
  dns.set('a.test', 'CNAME', 'b.test');
  dns.set('b.test', 'CNAME', 'a.test');
  await assert.rejects(open().txt('a.test', call()), ends('aliases', false));
  dns.fail('*', 'not-followed');
  await assert.rejects(open().txt('a.test', call()), ends('aliases', false));
});

test('the ways to find nothing are told apart, and ours are transient', async () => {
  dns.set('empty.test', 'A', '10.0.0.1');
  await assert.rejects(open().txt('none.test', call()), ends('nxdomain', false));
  await assert.rejects(open().txt('empty.test', call()), ends('nodata', false));
  for (const [fault, outcome] of [
    ['servfail', 'servfail'], ['refused', 'refused'], ['drop', 'timeout'], ['garbage', 'malformed'],
  ] as const) {
    dns.fail('a.test', fault);
    await assert.rejects(open().txt('a.test', call()), ends(outcome, true), fault);
  }
  await assert.rejects(open({ servers: [{ host: '127.0.0.1', port: 1 }] }).txt('a.test', call()), ends('unreachable', true));
});

test('of two failures the one that may pass counts, so that no order fails for a slow resolver', async () => {
  dns.set('a.test', 'TXT', 'x');
  await assert.rejects(open().addresses('a.test', call()), ends('nodata', false));
  await assert.rejects(open().addresses('none.test', call()), ends('nxdomain', false));
  dns.fail('none.test', 'drop');
  await assert.rejects(open().addresses('none.test', call()), ends('timeout', true));
});

test('DR-1: another server is asked when one is silent or refuses, and the one that answered comes first next time', async () => {
  second.set('a.test', 'A', '10.0.0.2');
  for (const fault of ['drop', 'refused', 'garbage'] as const) {
    dns.fail('*', fault);
    assert.deepEqual((await open({ servers: [dns, second] }).addresses('a.test', call())).values, ['10.0.0.2'], fault);
  }
  const resolver = open({ servers: [dns, second] });
  await resolver.addresses('a.test', call());
  const asked = dns.questions.length;
  await resolver.addresses('a.test', call());
  assert.equal(dns.questions.length, asked);
});

test('DR-1: SERVFAIL is an answer', async () => {
  dns.fail('*', 'servfail');
  second.set('a.test', 'A', '10.0.0.2');
  await assert.rejects(open({ servers: [dns, second] }).addresses('a.test', call()), ends('servfail', true));
  assert.deepEqual(second.questions, []);
});

test('a lost packet is asked for again', async () => {
  dns.set('a.test', 'TXT', 'x');
  dns.fail('a.test', 'drop');
  const answer = open({ queryTimeoutMs: 150 }).txt('a.test', call());
  while (dns.questions.length === 0) await new Promise(setImmediate);
  dns.fail('a.test', undefined);
  assert.deepEqual((await answer).values, ['x']);
});

test('DR-2, Q-05: a truncated answer is never used, TCP is', async () => {
  dns.set('a.test', 'TXT', 'one', 'two');
  for (const fault of ['truncate', 'truncate-partial'] as const) {
    dns.fail('a.test', fault);
    assert.deepEqual((await open().txt('a.test', call())).values, ['one', 'two']);
    assert.equal(dns.questions.at(-1), 'tcp TXT a.test');
  }
});

test('large answers arrive, and at most a hundred records of them are looked at', async () => {
  dns.set('a.test', 'TXT', ...Array.from({ length: 150 }, (_, i) => `${i}-${'x'.repeat(200)}`));
  const { values } = await open().txt('a.test', call());
  assert.equal(values.length, 100);
});

test('TCP first, where configured', async () => {
  dns.set('a.test', 'TXT', 'x');
  await open({ tcpFirst: true }).txt('a.test', call());
  assert.deepEqual(dns.questions, ['tcp TXT a.test']);
});

test('an answer with another id or question is not ours', async () => {
  dns.set('a.test', 'TXT', 'x');
  dns.fail('a.test', 'forged-first');
  assert.deepEqual((await open().txt('a.test', call())).values, ['x']);
  for (const fault of ['wrong-id', 'wrong-question'] as const) {
    dns.fail('a.test', fault);
    await assert.rejects(open().txt('a.test', call()), ends('timeout', true), fault);
    await assert.rejects(open({ tcpFirst: true }).txt('a.test', call()), ends('malformed', true), fault);
  }
});

test('DR-5: zones of one’s own are asked about elsewhere, with all that is below them; the longer zone counts', async () => {
  const resolver = open({ zones: new Map([['corp.test', [second]], ['public.corp.test', [dns]]]) });
  for (const [name, here, there] of [['a.corp.test', '10.0.0.1', '10.9.9.9'], ['corp.test', '10.0.0.2', '10.9.9.9'], ['xcorp.test', '10.9.9.9', '10.0.0.3'], ['w.public.corp.test', '10.9.9.9', '10.0.0.4']] as const) {
    second.set(name, 'A', here);
    dns.set(name, 'A', there);
  }
  for (const [name, address] of [['a.corp.test', '10.0.0.1'], ['corp.test', '10.0.0.2'], ['xcorp.test', '10.0.0.3'], ['w.public.corp.test', '10.0.0.4']] as const) {
    assert.deepEqual((await resolver.addresses(name, call())).values, [address], name);
  }
  second.set('_acme-challenge.a.corp.test', 'TXT', 'x');
  assert.deepEqual((await resolver.txt('_acme-challenge.a.corp.test', call())).values, ['x']);
  // A name that leads into a zone is followed there.
  dns.set('alias.test', 'CNAME', 'a.corp.test');
  dns.fail('alias.test', 'not-followed');
  assert.deepEqual((await resolver.addresses('alias.test', call())).values, ['10.0.0.1']);
});

test('DR-5: nobody else is asked about a zone whose servers are silent, and they do not slow other zones', async () => {
  const resolver = open({ zones: new Map([['corp.test', [second]]]) });
  second.fail('*', 'drop');
  dns.set('a.corp.test', 'A', '10.9.9.9');
  dns.set('b.test', 'A', '10.0.0.5');
  await assert.rejects(resolver.addresses('a.corp.test', call()), ends('timeout', true));
  assert.deepEqual(dns.questions, []);
  assert.deepEqual((await resolver.addresses('b.test', call())).values, ['10.0.0.5']);
});

test('DR-6, Q-05: the flags of a CAA record are seen as they came, and that the resolver vouches for an answer stands in the trail', async () => {
  for (const [flags, wanted] of [[0, '0 issue ca.test'], [1, '1 issue ca.test'], [128, '128 issue ca.test']] as const) {
    dns.set('a.test', 'CAA', { flags, tag: 'issue', value: 'ca.test' });
    for (const authentic of [true, false]) {
      dns.fail('a.test', authentic ? 'authentic' : undefined);
      const { signal, trail } = call();
      assert.deepEqual((await open().caa('a.test', { signal, trail })).values, [wanted]);
      assert.equal(trail.lookups[0]?.authentic, authentic ? true : undefined);
    }
  }
});

test('DR-4: nothing is kept, found or not', async () => {
  const resolver = open();
  await assert.rejects(resolver.txt('a.test', call()), ends('nxdomain', false));
  dns.set('a.test', 'TXT', 'one');
  assert.deepEqual((await resolver.txt('a.test', call())).values, ['one']);
  dns.set('a.test', 'TXT', 'two');
  assert.deepEqual((await resolver.txt('a.test', call())).values, ['two']);
});

test('DR-7: extended errors are passed on', async () => {
  dns.fail('a.test', { extendedError: 9 });
  await assert.rejects(open().txt('a.test', call()), /SERVFAIL\) \(extended error 9\)$/);
});

test('a lookup ends at its own deadline and at the caller’s', async () => {
  dns.fail('*', 'drop');
  const begin = performance.now();
  await assert.rejects(open({ queryTimeoutMs: 5000, lookupTimeoutMs: 100 }).txt('a.test', call()), ends('timeout', true));
  const signal = AbortSignal.timeout(100);
  await assert.rejects(open({ queryTimeoutMs: 5000, lookupTimeoutMs: 5000 }).txt('a.test', { signal, trail: newTrail(Date.now) }), ends('timeout', true));
  assert.ok(performance.now() - begin < 2000);
});

test('the trail says who was asked and what came', async () => {
  dns.set('a.test', 'CNAME', 'b.test');
  dns.set('b.test', 'TXT', 'x\u0007y', 'z'.repeat(200));
  const { signal, trail } = call();
  await open().txt('a.test', { signal, trail });
  assert.deepEqual(trail.lookups.map(({ ms, ...rest }) => rest), [{
    name: 'a.test', type: 'TXT', resolver: `127.0.0.1#${dns.port}`, outcome: 'found', answers: ['x?y', `${'z'.repeat(64)}…`], aliases: ['b.test'],
  }]);
});

test('a name that is none is not asked for', async () => {
  for (const name of ['', 'a..b', 'a b.test', `${'a'.repeat(64)}.test`]) await assert.rejects(open().txt(name, call()), ends('name', false), name);
  assert.deepEqual(dns.questions, []);
});
