/** The keys of CAA, subdomains and blocked keys: what they refuse, and what comes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigDirectory } from './config-directory.ts';

const AT = 'ca-config/ca.yaml: directories.default';
const GOOD = 'a'.repeat(64);
const caYaml = (...changes: [string | RegExp, string][]) => new ConfigDirectory({ 'ca.yaml': changes });

const REFUSED: readonly (readonly [string, [string | RegExp, string][], readonly string[]])[] = [
  ['CAA without a name', [['caa: off', 'caa: all']],
    [`${AT}.caa: is "all", and caaIdentities is empty: write the name that records call this CA, like ca.example.com`]],
  ['dns-persist-01 without a name', [['challenges: [http-01,', 'challenges: [dns-persist-01, http-01,']],
    [`${AT}.challenges[0]: "dns-persist-01" needs a name to look for, and caaIdentities is empty: write the name that records call this CA, like ca.example.com`]],
  ['a name that is none', [['caaIdentities: []', 'caaIdentities: ["ca_1.test"]']],
    [`${AT}.caaIdentities[0]: "ca_1.test" is no DNS name: it has characters other than letters, digits and hyphens`]],
  ['a name twice', [['caaIdentities: []', 'caaIdentities: [ca.test, CA.test]']], [`${AT}.caaIdentities[1]: "ca.test" is there twice`]],
  ['subdomains with nothing to prove them', [['subdomains: false', 'subdomains: true'], [/challenges: \[http-01.*?\]/, 'challenges: [http-01]']],
    [`${AT}.subdomains: is true, but only DNS challenges can prove a whole domain, and none is in challenges`]],
  ['a private zone that is no name', [['# privateZones: [localhost,', 'privateZones: ["*.x",']],
    ['ca-config/ca.yaml: validation.privateZones[0]: "*.x" has a wildcard: suffixes cover all names below, wildcards list wildcard certificates']],
  ['a list of blocked keys that is not there', [['# blockedKeys:', 'blockedKeys:']],
    ['ca-config/blocked-keys.txt: does not exist; blockedKeys in ca.yaml names it']],
];

for (const [name, changes, faults] of REFUSED) {
  test(`refused: ${name}`, () => {
    using directory = caYaml(...changes);
    assert.deepEqual(directory.faults(), faults);
  });
}

test('a list of blocked keys: comments and empty lines are passed over, what is no digest is told with its line', () => {
  using directory = caYaml(['# blockedKeys:', 'blockedKeys:']);
  directory.change('blocked-keys.txt', `# Debian 2008\n\n${GOOD.toUpperCase()} # old\n${'b'.repeat(64)}\n`);
  assert.deepEqual([...directory.load().blockedKeys], [GOOD, 'b'.repeat(64)]);
  directory.change('blocked-keys.txt', `${GOOD}\nnonsense\n${'x'.repeat(64)}\n${'1\n'.repeat(10)}`);
  const faults = directory.faults();
  assert.equal(faults[0], 'ca-config/blocked-keys.txt: line 2 is not the SHA-256 of a public key (SubjectPublicKeyInfo) in 64 hexadecimal digits');
  assert.equal(faults.at(-1), 'ca-config/blocked-keys.txt: and 7 more lines are not');
  assert.equal(faults.length, 6);
});

test('the list of blocked keys is part of what decides: another list is another configuration', () => {
  using directory = caYaml(['# blockedKeys:', 'blockedKeys:']);
  const digests = ['', `${GOOD}\n`, `${'b'.repeat(64)}\n${GOOD}`, `${GOOD}\n${'b'.repeat(64)}`].map((text) => {
    directory.change('blocked-keys.txt', text);
    return directory.load().digest;
  });
  assert.equal(new Set(digests).size, 3);
  assert.equal(digests[2], digests[3]);
});
