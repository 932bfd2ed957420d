/** The socket by which operators reach a front: one file, several fronts that may start at once. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { answersOn, listenUnixSocket } from '../../src/http/unix-socket.ts';

test('fronts that start in the same moment do not fail over their socket, which is for one user only', async () => {
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'chancery-socket-'));
  stack.defer(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'admin.sock');
  const mask = process.umask();
  for (const listening of await Promise.all(Array.from({ length: 10 }, () => listenUnixSocket(() => {}, path)))) {
    if (listening !== undefined) stack.use(listening);
  }
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(process.umask(), mask);
  assert.ok(await answersOn(path));
  assert.equal(await listenUnixSocket(() => {}, path), undefined, 'who comes later leaves it to who answers');
});
