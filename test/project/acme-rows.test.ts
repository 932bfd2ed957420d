/**
 * Faults that other ACME servers had: each has a test that is named after it, or stands in the door's README with the reason why not. The ids are
 * SERVER#NUMBER of an issue or a change there (B is Boulder, P Pebble, S step-ca, O Vault and OpenBao, A2C acme2certifier), or SERVER#word without.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const FAULTS = {
  B: '8838 8839 8643 8033 8153 8504 8144 7967 8056 8053 8060 8282 8293 8294 8319 8514 8301 newNonce order-reuse expired recursive',
  P: '281 294 500 504 509 523 459 250 badNonce',
  S: '939 post-as-get zero-times orderNotReady 242 body-limit 555 815 wildcard-and-apex nonces empty-label',
  O: '2550 20744 20755 20363 20633 1236 20451 20357 559 restart 3249',
  A2C: '111 324 tkauth wildcard csr-profile 37',
  'django-ca': '85',
  Dogtag: 'ready',
  Infisical: 'transaction',
};

test('each fault that another ACME server had has a test, or its reason', () => {
  const names = globSync('test/**/*.test.ts').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\b(?:test|it|onBothEngines)\(\s*(['"`])(.*?)\1, /g)].map(([, , name = '']) => name));
  const reasons = [...readFileSync('src/doors/acme/README.md', 'utf8').matchAll(/^\| (.+?) \| .+ \|$/gm)].map(([, ids = '']) => ids);
  const ids = Object.entries(FAULTS).flatMap(([server, faults]) => faults.split(' ').map((fault) => `${server}#${fault}`));
  const holds = (texts: readonly string[]) => ids.filter((id) => texts.some((text) => text.split(/[,: ]+/).includes(id)));
  const [tested, reasoned] = [holds(names), holds(reasons)];
  assert.deepEqual(ids.filter((id) => !tested.includes(id) && !reasoned.includes(id)), []);
  assert.deepEqual(tested.filter((id) => reasoned.includes(id)), [], 'both tested and said not to apply');
});
