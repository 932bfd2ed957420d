// The issue-value of RFC 8659 §4.2: what follows the grammar is read, all else is nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseIssueValue } from '../../src/validation/issue-value.ts';

test('RFC 8659 §4.2: issuer and parameters, wherever the white space is', () => {
  const read = (text: string) => {
    const value = parseIssueValue(text);
    return value && [value.issuer, ...value.parameters.map(({ tag, value: v }) => `${tag}=${v}`)];
  };
  const rows: [string, string[]][] = [
    ['', ['']], [';', ['']], [' ; ', ['']], ['ca.test', ['ca.test']], ['CA.Test;', ['ca.test']], ['\tca.test \t', ['ca.test']],
    ['ca.test;a=b', ['ca.test', 'a=b']], ['ca.test; A1-b = c=d ; e=', ['ca.test', 'a1-b=c=d', 'e=']], ['; a=b', ['', 'a=b']],
    ['ca.test; accounturi=https://x/a?b=c:d', ['ca.test', 'accounturi=https://x/a?b=c:d']],
  ];
  for (const [text, expected] of rows) assert.deepEqual(read(text), expected, text);
});

test('RFC 8659 §4.2: what does not follow the grammar is not read', () => {
  for (const text of [
    'ca test', 'ca..test', '.ca.test', 'ca.test.', '-ca.test', 'ca-.test', 'ca_.test', 'ca.test;;', 'ca.test; a=b;', 'ca.test; a', 'ca.test; =b',
    'ca.test; a-=b', 'ca.test; a=b c', 'ca.test; a=\u00e9', 'ca.t\u00e9st', 'ca.test\n', 'ca.test; a=b\n', '%%%%', `ca.test; a=${'x'.repeat(5000)}`,
  ]) assert.equal(parseIssueValue(text), undefined, JSON.stringify(text));
});

test('property: what was written by the grammar is read as it was meant', () => {
  const label = fc.stringMatching(/^[a-z0-9](-{0,2}[a-z0-9]){0,5}$/);
  const space = fc.stringMatching(/^[ \t]{0,3}$/);
  const parameter = fc.record({ tag: label, value: fc.stringMatching(/^[!-:<-~]{0,20}$/), a: space, b: space, c: space, d: space });
  fc.assert(fc.property(fc.array(label, { maxLength: 4 }), space, fc.array(parameter, { maxLength: 5 }), (labels, pad, parameters) => {
    const text = [`${pad}${labels.join('.')}${pad}`, ...parameters.map(({ tag, value, a, b, c, d }) => `${a}${tag.toUpperCase()}${b}=${c}${value}${d}`)].join(';');
    assert.deepEqual(parseIssueValue(text), { issuer: labels.join('.'), parameters: parameters.map(({ tag, value }) => ({ tag, value })) });
  }), { numRuns: 2000 });
});

test('property: no text throws, takes long or brings a control character in', () => {
  const bits = fc.array(fc.constantFrom('ca.test', ';', '=', ' ', '-', '\0', '\n', 'a', '\u00e9', '\ud800'), { maxLength: 200 }).map((parts) => parts.join(''));
  fc.assert(fc.property(fc.oneof(fc.string(), bits), (text) => {
    const value = parseIssueValue(text);
    if (value !== undefined) assert.match(JSON.stringify([value.issuer, value.parameters]), /^[\x20-\x7e]*$/);
  }), { numRuns: 5000 });
});
