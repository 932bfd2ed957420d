// The reader of HTTP responses: strict, bounded, and indifferent to how the octets are cut up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DialFault } from '../../src/dial/dial-fault.ts';
import { type HttpResponse, ResponseReader } from '../../src/dial/http-response.ts';

function read(text: string, cuts: number[] = []): HttpResponse {
  const reader = new ResponseReader(64);
  const bytes = Buffer.from(text, 'latin1');
  let start = 0;
  for (const end of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    const response = end > start ? reader.push(bytes.subarray(start, end)) : undefined;
    if (response !== undefined) return response;
    start = Math.max(start, end);
  }
  return reader.end();
}

const GOOD: readonly (readonly [string, string, Partial<HttpResponse>])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, more', { status: 200, body: Buffer.from('hello') }],
  ['no length, until the end', 'HTTP/1.0 200 OK\r\n\r\nhello', { body: Buffer.from('hello') }],
  ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', { body: Buffer.alloc(0) }],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\n\r\n', { body: Buffer.from('hello') }],
  ['chunks before length (RFC 9112 §6.3)', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', { body: Buffer.from('hello') }],
  ['interim responses', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', { status: 200, body: Buffer.from('ok') }],
  ['a redirect, without waiting for its body', 'HTTP/1.1 302 Found\r\nLocation:  http://b.test/ \r\nContent-Length: 99\r\n\r\n', { status: 302, location: 'http://b.test/' }],
  ['an error, without waiting for its body', 'HTTP/1.1 503 No\r\n\r\n', { status: 503 }],
  ['a body that is too long', `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(70)}`, { body: Buffer.from('x'.repeat(64)), truncated: true }],
  ['a body without end', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(65)}`, { body: Buffer.from('x'.repeat(64)), truncated: true }],
  ['chunks without end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n${'x'.repeat(70)}`, { truncated: true }],
  ['the same length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok', { body: Buffer.from('ok') }],
];

for (const [name, text, expected] of GOOD) {
  test(`reads ${name}`, () => {
    const response = read(text);
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(response[key as keyof HttpResponse], value, key);
  });
}

test('the same response however it is cut up', () => {
  fc.assert(fc.property(fc.constantFrom(...GOOD.filter(([name]) => !/too long|without end/.test(name))), fc.array(fc.nat(), { maxLength: 8 }), ([, text], cuts) => {
    assert.deepEqual(read(text, cuts), read(text));
  }));
});

const BAD: readonly (readonly [string, string])[] = [
  ['HTTP/2 (H-05)', '\x00\x00\x12\x04\x00\x00\x00\x00\x00'],
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['HTTP/0.9', '<html>'],
  ['lines that end in LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
  ['no status', 'HTTP/1.1 OK\r\n\r\n'],
  ['status 600', 'HTTP/1.1 600 X\r\n\r\n'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n'],
  ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok'],
  ['a NUL', 'HTTP/1.1 200 OK\r\nX: \0\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk'],
  ['two locations', 'HTTP/1.1 302 X\r\nLocation: /a\r\nLocation: /b\r\n\r\n'],
  ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
  ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok'],
  ['gzip as transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
  ['a chunk size that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n'],
  ['a chunk that is longer than it says', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n'],
  ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ['interim responses without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(9)],
  ['a header that is too large', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(9000)}`],
  ['a large header with an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(9000)}\r\n\r\n`],
  ['nothing', ''],
  ['half a header', 'HTTP/1.1 200 OK\r\n'],
  ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'],
  ['half the chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n'],
];

for (const [name, text] of BAD) {
  test(`refuses ${name}`, () => {
    assert.throws(() => read(text), (error) => error instanceof DialFault && error.kind === 'protocol');
  });
}

test('H-05: garbage is refused as soon as it cannot be HTTP, for its sender may be waiting', () => {
  assert.throws(() => new ResponseReader(64).push(Buffer.from('\x00\x00\x12')), DialFault);
});

test('whatever comes, it is a response or a protocol fault', () => {
  const part = fc.oneof(
    fc.constantFrom('HTTP/1.1 200 OK\r\n', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', '\r\n', '3\r\nabc\r\n', '0\r\n\r\n', 'x'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 10 }), fc.array(fc.nat(), { maxLength: 4 }), (parts, cuts) => {
    try {
      assert.ok(read(parts.join(''), cuts).body.length <= 64);
    } catch (error) {
      assert.ok(error instanceof DialFault, String(error));
    }
  }));
});
