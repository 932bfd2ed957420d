/** A rehearsal, part by part: how much of what it does to clients, what it may not do to them, and where it is refused. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Mistake } from '../../src/cli/command.ts';
import { readOptions } from '../../src/cli/options.ts';
import { readRehearsal, REHEARSAL_OPTIONS } from '../../src/cli/rehearsal.ts';
import type { Generation } from '../../src/config/generation.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Door, HttpReply, HttpRequest } from '../../src/http/route.ts';
import type { Validator } from '../../src/validation/index.ts';
import { AuthorityFault } from '../../src/wiring/authority.ts';
import { openFront } from '../../src/wiring/front.ts';
import { type Around, REHEARSAL, rehearsal, type RehearsalSettings, untouched } from '../../src/wiring/rehearsal/rehearsal.ts';
import { SHIPPED } from '../config/config-directory.ts';

const NOW = Date.parse('2026-11-25T12:00:00.400Z');
const nonces = { issue: () => randomBytes(16).toString('base64url'), redeem: async (nonce: string) => (nonce === 'old' ? 'bad' as const : 'fresh' as const) };

/** `chances` are what chance gives, over and over. */
function around(settings: Partial<RehearsalSettings> = {}, ...chances: number[]): Around {
  let count = 0;
  const chance = (): number => chances[count++ % chances.length] ?? 0.5;
  return rehearsal({ ...REHEARSAL, ...settings }, { nonces, chance, clock: { now: () => NOW } });
}

function shipped(): Generation {
  const loaded = loadConfig(SHIPPED, '/var/lib/chancery', {});
  if ('faults' in loaded) assert.fail(JSON.stringify(loaded.faults));
  return loaded.generation;
}

const doorAnswering = (reply: HttpReply): Door =>
  ({ name: 'acme', prefix: '/acme', routes: [{ method: 'GET', path: '/acme{/d/:directory}/directory', handle: () => reply }] });
const asked = (path: string) => ({ path }) as HttpRequest;
const answer = async (part: Around, reply: HttpReply): Promise<HttpReply> =>
  (part.door(doorAnswering(reply)).routes[0] as Door['routes'][number]).handle(asked('/acme/directory'));
const json = (body: object): HttpReply => ({ status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

test('so many good nonces are turned away as is asked for, and no bad one is let pass', async () => {
  const { nonces: fickle } = around({ rejectNonces: 0.2 });
  const redeemed = await Promise.all(Array.from({ length: 5000 }, () => fickle.redeem(fickle.issue())));
  const bad = redeemed.filter((each) => each === 'bad').length;
  assert.ok(bad > 800 && bad < 1200, `${bad} of 5000`);
  const { nonces: steady } = around({ rejectNonces: 0 });
  assert.deepEqual([await steady.redeem('old'), await steady.redeem(steady.issue())], ['bad', 'fresh']);
});

test('N-08 the nonce that comes with badNonce is taken in the retry, always', async () => {
  const part = around({ rejectNonces: 0.9 });
  const problem = { status: 400, headers: { 'Replay-Nonce': 'doomed' }, body: '{"type":"urn:ietf:params:acme:error:badNonce","status":400}' };
  for (let count = 0; count < 200; count += 1) {
    const { headers } = await answer(part, problem);
    assert.equal(await part.nonces.redeem(headers?.['Replay-Nonce'] as string), 'fresh');
  }
  assert.equal((await answer(part, { ...problem, body: '{"type":"urn:ietf:params:acme:error:malformed","status":400}' })).headers?.['Replay-Nonce'], 'doomed');
});

test('N-08 a nonce that is fetched is taken too: certbot retries once, with one of those', async () => {
  const part = around({ rejectNonces: 0.9 });
  const ofTheDoor = { status: 204, headers: { 'Replay-Nonce': 'of the door' } };
  const [fetched = assert.fail(), other = assert.fail()] = part.door({ ...doorAnswering(ofTheDoor), routes: ['/acme/new-nonce', '/acme/order/:order']
    .map((path) => ({ method: 'GET', path, handle: () => ofTheDoor })) }).routes;
  assert.equal((await other.handle(asked('/acme/order/1'))).headers?.['Replay-Nonce'], 'of the door');
  assert.equal(await part.nonces.redeem((await fetched.handle(asked('/acme/new-nonce'))).headers?.['Replay-Nonce'] as string), 'fresh');
});

test('lists whose order means nothing come in any order, with nothing lost', async () => {
  const object = { status: 'pending', challenges: [1, 2, 3], contact: ['a', 'b'] };
  const { body } = await answer(around({}, 0.9, 0.5, 0.1), json(object));
  assert.deepEqual(JSON.parse(body as string), { ...object, challenges: [3, 2, 1] });
});

test('Retry-After is a number of seconds, or a date that is no earlier', async () => {
  const processing = { status: 200, headers: { 'Retry-After': '1' } };
  assert.equal((await answer(around({}, 0.4), processing)).headers?.['Retry-After'], '1');
  assert.equal((await answer(around({}, 0.6), processing)).headers?.['Retry-After'], 'Wed, 25 Nov 2026 12:00:02 GMT');
  assert.equal((await answer(around({}, 0.6), { status: 200 })).headers?.['Retry-After'], undefined);
});

test('the directory is at /dir too, its URLs at the port of the rehearsal, and those that clients know are understood', () => {
  const generation = shipped();
  const part = around();
  assert.deepEqual(part.door(doorAnswering({ status: 200 })).routes.map(({ path }) => path), ['/acme{/d/:directory}/directory', '/dir']);
  const { externalUrl, formerUrls } = part.generation(() => generation)().directories.get('default') ?? assert.fail();
  assert.deepEqual([externalUrl, formerUrls], ['https://localhost:14000', ['https://localhost:8443']]);
  assert.deepEqual([part.listen(generation), part.management(generation)], [{ host: '127.0.0.1', port: 14_000 }, { host: '127.0.0.1', port: 15_000 }]);
  assert.equal(part.generation(() => generation)().digest, generation.digest, 'what is issued is issued under the rules that are written');
});

test('proofs are used again now and then', () => {
  const generation = shipped();
  const part = around({ reuseAuthorizations: 0.5 }, 0.4, 0.6);
  const lifetime = (): number | undefined => part.generation(() => generation)().directories.get('default')?.limits.validAuthorizationLifetimeMs;
  assert.deepEqual([lifetime(), lifetime(), lifetime()], [86_400_000, 0, 86_400_000]);
});

test('a validation that waits is broken off when the server stops', async () => {
  const stopping = new AbortController();
  const inner = { validate: async () => ({ ok: false }), checkCaa: () => assert.fail() } as unknown as Validator;
  const result = around({ delayValidationsMs: 3_600_000 }, 1).validator(inner).validate({ signal: stopping.signal } as Parameters<Validator['validate']>[0]);
  stopping.abort();
  assert.deepEqual(await result, { ok: false });
});

test('without --rehearsal every part is itself', () => {
  const door = doorAnswering({ status: 200 });
  const validator = {} as Validator;
  const none = untouched(nonces);
  assert.deepEqual([none.nonces === nonces, none.door(door) === door, none.validator(validator) === validator, none.management(shipped())], [true, true, true, undefined]);
});

test('the command line: defaults, mistakes, and never in production', async () => {
  const read = (...args: string[]) => readRehearsal(readOptions('serve', args, REHEARSAL_OPTIONS).values, shipped());
  assert.equal(read(), undefined);
  assert.deepEqual(read('--rehearsal'), REHEARSAL);
  assert.deepEqual(read('--rehearsal', '--reject-nonces', '20%', '--delay-validations', '0'), { ...REHEARSAL, rejectNonces: 0.2, delayValidationsMs: 0 });
  for (const [args, sentence] of [
    [['--reject-nonces', '5'], '--reject-nonces is part of a rehearsal: add --rehearsal'],
    [['--rehearsal', '--reject-nonces', '95'], '--reject-nonces: "95" is not a percentage, 0 to 90'],
    [['--rehearsal', '--delay-validations', '1m'], '--delay-validations: "1m" is not a duration like 0s or 5s, at most 15s'],
    [['--rehearsal', '--acme-port', '70000'], '--acme-port: "70000" is not a port, 1 to 65535'],
  ] as const) assert.throws(() => read(...args), new Mistake(sentence));

  const production: Generation = { ...shipped(), mode: 'production' };
  assert.throws(() => readRehearsal({ rehearsal: true }, production), /^Mistake: --rehearsal: production mode refuses it: good requests are turned away at random/);
  await assert.rejects(openFront({ generation: production, configDirectory: SHIPPED, environment: {}, rehearsal: REHEARSAL }), AuthorityFault);
});
