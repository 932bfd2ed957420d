/** The table of contents guards something by its types, so its types are tested too: what must not compile, does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directory } from '../../../src/doors/acme/directory.ts';
import { byAccount, byKey, open } from '../../../src/doors/acme/handler.ts';
import { newAccount } from '../../../src/doors/acme/new-account.ts';
import { newOrder } from '../../../src/doors/acme/new-order.ts';
import { readOrder } from '../../../src/doors/acme/read-order.ts';
import { routes } from '../../../src/doors/acme/routes.ts';

test('a handler stands only in a row that gives it what it needs', () => {
  byAccount('order', '/x', readOrder);
  // @ts-expect-error what is loaded for certificates is no order
  byAccount('certificate', '/x', readOrder);
  // @ts-expect-error without a proof there is no account
  open('GET', '/x', newOrder);
  // @ts-expect-error a key alone is no account
  byKey('/x', newOrder);
  // @ts-expect-error an account's request is not one that brings its key
  open('GET', '/x', newAccount);
  open('GET', '/x', directory);
});

test('everything but the directory, newNonce, renewal information and renewing certificates is a POST with a proof (RFC 8555 §6.2, §6.3; RFC 9773 §4.1; RFC 8739 §3.3)', () => {
  const bare = routes.filter(({ proof }) => proof === 'none').map(({ path }) => path);
  assert.deepEqual(bare, ['/directory', '/new-nonce', '/renewal-info{/}/:certificate', '/star-certificate/:order']);
  for (const { method, proof } of routes) assert.equal(method, proof === 'none' ? 'GET' : 'POST');
  assert.deepEqual(routes.filter(({ proof }) => proof === 'jwk').map(({ path }) => path), ['/new-account']);
  assert.deepEqual(routes.filter(({ proof }) => proof === 'either').map(({ path }) => path), ['/revoke-cert']);
});
