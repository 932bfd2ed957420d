/** `chancery config` as an operator uses it: what it prints, and its exit code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Applied, configCommand } from '../../src/cli/config.ts';
import { Mistake } from '../../src/cli/command.ts';
import { type Changes, ConfigDirectory, SHIPPED } from '../config/config-directory.ts';

const BROKEN: Changes = { 'profiles/device.yaml': [['validity: 160h', 'validity: "90"']] };

async function run(args: readonly string[], { CHANCERY_CONFIG = SHIPPED, answer }: { CHANCERY_CONFIG?: string; answer?: Applied } = {}) {
  const asked: boolean[] = [];
  const printed: string[] = [];
  const code = await configCommand(args, {
    environment: { CHANCERY_CONFIG, CHANCERY_STATE: '/var/lib/chancery' },
    print: (text) => printed.push(text),
    apply: (dryRun) => {
      asked.push(dryRun);
      return answer === undefined ? Promise.reject(new Mistake('no server answers')) : Promise.resolve(answer);
    },
  });
  return { code, text: printed.join('\n'), asked };
}

test('config check: a sound configuration is summed up', async () => {
  const { code, text } = await run(['check']);
  assert.equal(code, 0);
  assert.match(text, /^no faults: development mode, 2 issuer keys, 7 profiles, 4 policies, 2 ACME directories\ndigest [0-9a-f]{64}$/);
  assert.match((await run(['check', '--json'])).text, /^\{"ok":true,"digest":"[0-9a-f]{64}","faults":\[\]\}$/);
});

test('config check: faults are told with exit code 2, of the directory that is named', async () => {
  using directory = new ConfigDirectory(BROKEN);
  const { code, text } = await run(['check', directory.path]);
  assert.equal(code, 2);
  assert.equal(text, `${directory.path}/profiles/device.yaml: validity: "90" is not like 90d or 12h\n1 fault, not usable.`);
  const json = await run(['check', '--json'], { CHANCERY_CONFIG: directory.path });
  assert.equal(json.code, 2);
  const { ok, faults } = JSON.parse(json.text);
  assert.equal(ok, false);
  assert.equal(faults.length, 1);
  assert.equal(faults[0].key, 'validity');
  assert.equal(faults[0].line, 14);
});

test('config show: the whole meaning, as YAML or JSON', async () => {
  const { code, text } = await run(['show']);
  assert.equal(code, 0);
  assert.match(text, /^digest: [0-9a-f]{64}\ndirectories:\n {2}default:\n/);
  assert.equal(JSON.parse((await run(['show', '--json'])).text).profiles.server.shape.validity, '160h');
});

test('config diff: two directories, or one against the configured one', async () => {
  using other = new ConfigDirectory({ 'profiles/server.yaml': [['validity: 160h', 'validity: 5d']] });
  const expected = '~ profiles.server.shape.validity: 160h -> 5d  [restart: signer]\n1 change; marked ones take a restart of the signer';
  assert.equal((await run(['diff', SHIPPED, other.path])).text, expected);
  assert.equal((await run(['diff', SHIPPED], { CHANCERY_CONFIG: other.path })).text, expected);
  assert.equal((await run(['diff', SHIPPED, SHIPPED])).text, 'no changes');
  assert.deepEqual(JSON.parse((await run(['diff', '--json', SHIPPED, other.path])).text).changes, [
    { key: 'profiles.server.shape.validity', from: '160h', to: '5d', restart: 'signer' },
  ]);
  using broken = new ConfigDirectory(BROKEN);
  assert.equal((await run(['diff', SHIPPED, broken.path])).code, 2);
});

test('config apply: asks the running server, and says what changed', async () => {
  const changes = [{ key: 'policies.lab.allow.suffixes', from: ['a.test'], to: ['a.test', 'b.test'] }];
  const applied = await run(['apply'], { answer: { digest: 'abc', changes, applied: true } });
  assert.deepEqual([applied.code, applied.asked], [0, [false]]);
  assert.equal(applied.text, '~ policies.lab.allow.suffixes: + b.test\n1 change\napplied, digest abc');
  const rehearsed = await run(['apply', '--dry-run'], { answer: { digest: 'abc', changes, applied: false } });
  assert.deepEqual(rehearsed.asked, [true]);
  assert.match(rehearsed.text, /nothing applied$/);
  const asked = await run(['diff'], { answer: { digest: 'abc', changes, applied: false } });
  assert.deepEqual([asked.text, asked.asked], ['~ policies.lab.allow.suffixes: + b.test\n1 change', [true]]);
  await assert.rejects(run(['apply']), Mistake);
});

const MISTAKES: readonly [readonly string[], RegExp][] = [
  [[], /say what to do: check, show, diff or apply/],
  [['chekc'], /there is no "chekc": check, show, diff or apply/],
  [['check', '--jsno'], /config check has no option --jsno/],
  [['check', '--dry-run'], /config check has no option --dry-run/],
  [['apply', 'ca-config'], /config apply does not take "ca-config"/],
  [['diff', 'a', 'b', 'c'], /config diff does not take "c"/],
];
for (const [args, message] of MISTAKES) {
  test(`config ${args.join(' ')}: a mistake in one sentence`, async () => {
    await assert.rejects(run(args), (error) => error instanceof Mistake && message.test(error.message));
  });
}
