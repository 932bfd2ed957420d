// Bounds on what goes on at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DialFault } from '../../src/dial/dial-fault.ts';
import { Gate } from '../../src/dial/gate.ts';

const never = new AbortController().signal;
const gaveUp = () => {}; // nobody lets them in, and that is not the point
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Counts who is in, and lets them out by hand. */
function crowd(gate: Gate) {
  const inside: string[] = [];
  const leave: (() => void)[] = [];
  const enter = (key: string, signal = never) => gate.enter(key, signal).then((out) => {
    inside.push(key);
    leave.push(out);
  });
  return { inside, leave, enter };
}

test('no more than the total, no more than one key may have, and the next in line follows', async () => {
  const { inside, leave, enter } = crowd(new Gate({ total: 3, perKey: 2, waiting: 10, waitingPerKey: 10, waitMs: 1000 }));
  const all = ['a', 'a', 'a', 'b', 'c'].map((key) => enter(key));
  await settled();
  assert.deepEqual(inside, ['a', 'a', 'b']);
  leave.shift()?.();
  await settled();
  assert.equal(inside.length, 4);
  leave.shift()?.();
  await Promise.all(all);
  assert.deepEqual(inside.toSorted(), ['a', 'a', 'a', 'b', 'c']);
});

test('a key that holds all it may have does not stand in the way of others', async () => {
  const { inside, enter } = crowd(new Gate({ total: 10, perKey: 2, waiting: 100, waitingPerKey: 100, waitMs: 1000 }));
  for (let i = 0; i < 20; i++) void enter('hangs').catch(gaveUp);
  await enter('b');
  assert.deepEqual(inside, ['hangs', 'hangs', 'b']);
});

test('those who wait take turns by key', async () => {
  const { inside, leave, enter } = crowd(new Gate({ total: 1, perKey: 1, waiting: 100, waitingPerKey: 100, waitMs: 1000 }));
  const all = ['x', 'a', 'a', 'a', 'b', 'c'].map((key) => enter(key));
  for (let i = 0; i < 6; i++) {
    await settled();
    leave.shift()?.();
  }
  await Promise.all(all);
  assert.deepEqual(inside, ['x', 'a', 'b', 'c', 'a', 'a']);
});

test('waiting is bounded, for each key and for all', async () => {
  const busy = (error: unknown) => error instanceof DialFault && error.kind === 'busy' && error.transient;
  const gate = new Gate({ total: 1, perKey: 1, waiting: 3, waitingPerKey: 2, waitMs: 1000 });
  await gate.enter('a', never);
  void gate.enter('a', never).catch(gaveUp);
  void gate.enter('a', never).catch(gaveUp);
  await assert.rejects(gate.enter('a', never), busy);
  void gate.enter('b', never).catch(gaveUp);
  await assert.rejects(gate.enter('c', never), busy);
});

test('who gives up leaves the line, and keeps nobody waiting', async () => {
  const { inside, leave, enter } = crowd(new Gate({ total: 1, perKey: 1, waiting: 10, waitingPerKey: 10, waitMs: 1000 }));
  await enter('a');
  const impatient = new AbortController();
  const given = enter('b', impatient.signal);
  const next = enter('c');
  impatient.abort();
  await assert.rejects(given, DialFault);
  leave.shift()?.();
  await next;
  assert.deepEqual(inside, ['a', 'c']);
});

test('nobody waits longer than is worth it', async () => {
  const gate = new Gate({ total: 1, perKey: 1, waiting: 3, waitingPerKey: 2, waitMs: 20 });
  const leave = await gate.enter('a', never);
  await assert.rejects(gate.enter('a', never), DialFault);
  leave();
  await gate.enter('a', never);
});

test('who is too late does not enter', async () => {
  await assert.rejects(new Gate({ total: 1, perKey: 1, waiting: 1, waitingPerKey: 1, waitMs: 1000 }).enter('a', AbortSignal.abort(new Error('late'))), /late/);
});
