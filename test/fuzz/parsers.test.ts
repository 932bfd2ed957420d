/**
 * Hostile bytes for every parser of strangers' input (acme.md §6.9): each takes them or refuses them in its own words, and what it takes
 * is what it would write. Over 200,000 cases in a run; a failure prints the seed that repeats it.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeBase64url } from '../../src/doors/acme/base64url.ts';
import { parseIdentifiers } from '../../src/doors/acme/identifier.ts';
import { parseObject } from '../../src/doors/acme/json.ts';
import { parseJws } from '../../src/doors/acme/jws.ts';
import { AcmeError } from '../../src/doors/acme/problem.ts';
import { formatTime, parseTime } from '../../src/doors/acme/time.ts';
import { DialFault } from '../../src/dial/dial-fault.ts';
import { ResponseReader } from '../../src/dial/http-response.ts';
import { parseTbs, readSigned } from '../../src/x509/certificate.ts';
import { hostNamesOf, parseCsr, verifyCsr } from '../../src/x509/csr.ts';
import { parseDnsName, parseIpName, parseSpiffeId } from '../../src/x509/name.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { publicKeyFault } from '../../src/x509/public-key.ts';
import { jwkOf, newKey, signJws } from '../support/acme-client.ts';
import { bombard } from '../support/mutate.ts';

const VECTORS = join(import.meta.dirname, '../vectors');
const key = newKey();
const text = (...texts: readonly string[]): Buffer[] => texts.map((each) => Buffer.from(each));

/** True when `work` returned, false when it refused with one of its own errors; anything else is thrown on. */
function refusesAs(error: new (...args: never[]) => Error, work: () => void): boolean {
  try {
    work();
    return true;
  } catch (thrown) {
    if (thrown instanceof error) return false;
    throw thrown;
  }
}

/** Of many changed inputs some are still good and some are not: else the test would look at nothing. */
function mixed(good: number, count: number): void {
  assert.ok(good > 0 && good < count, `${good} of ${count} were taken`);
}

test('fuzz: JWS, 40,000', async () => {
  const head = { alg: 'ES256', nonce: 'bm9uY2U', url: 'https://ca.test/acme/new-order', kid: 'https://ca.test/acme/account/1' };
  const corpus = [signJws(key, head, { identifiers: [] }), signJws(key, { ...head, jwk: jwkOf(key), kid: undefined }, ''), { payload: '', signatures: [], protected: 'e30' }]
    .map((jws) => Buffer.from(JSON.stringify(jws)));
  mixed(await bombard(corpus, 40_000, (bytes) => refusesAs(AcmeError, () => parseJws(bytes))), 40_000);
});

test('fuzz: JSON in what is signed, 40,000: taken exactly when it is an object that names its members once', async () => {
  const corpus = text('{"a":1,"b":{"a":[1,{"a":"\\u0061\\""}]},"__proto__":{"x":1}}', '{"identifiers":[{"type":"dns","value":"a.example"}]}', '{"n":1e400,"\\u0000":"\\ud800"}');
  mixed(await bombard(corpus, 40_000, (bytes) => {
    const found = parseObject(bytes);
    if (found === undefined) return false;
    assert.deepEqual(found, JSON.parse(bytes.toString('utf8')));
    assert.equal(Object.getPrototypeOf(found), Object.prototype);
    return true;
  }), 40_000);
});

test('fuzz: base64url, 30,000: what decodes is what encodes', async () => {
  mixed(await bombard(text('', 'AA', 'AAA', 'AAAA', '_-8', 'bm9uY2U', 'AQIDBAUGBwgJCgsMDQ4PEA'), 30_000, (bytes) => {
    const input = bytes.toString('latin1');
    const octets = decodeBase64url(input);
    if (octets !== undefined) assert.equal(octets.toString('base64url'), input);
    return octets !== undefined;
  }), 30_000);
});

test('fuzz: certification requests, 30,000', async () => {
  const corpus = ['valid', 'invalid'].flatMap((kind) => readdirSync(join(VECTORS, 'csr', kind)).filter((file) => file.endsWith('.pem'))
    .flatMap((file) => { try { return decodePem('CERTIFICATE REQUEST', readFileSync(join(VECTORS, 'csr', kind, file), 'utf8')); } catch { return []; } }));
  assert.ok(corpus.length > 20);
  mixed(await bombard(corpus, 30_000, async (bytes) => {
    let csr: ReturnType<typeof parseCsr>;
    try {
      csr = parseCsr(bytes);
    } catch (error) {
      if ((error as Error).name === 'DerError') return false;
      throw error;
    }
    const { names, faults } = hostNamesOf(csr);
    for (const { value } of names) assert.ok(value.length > 0 && value.length <= 2048);
    const lawful = faults.length === 0 && publicKeyFault(csr.spki) === undefined && (await verifyCsr(csr));
    assert.ok(!lawful || corpus.some((one) => bytes.equals(one)), 'a changed request is not signed by its key');
    return true;
  }), 30_000);
});

test('fuzz: certificates, 20,000', async () => {
  const corpus = readdirSync(join(VECTORS, 'golden')).filter((file) => /^(server|client|peer|device|workload|self)\S*\.pem$/.test(file))
    .flatMap((file) => decodePem('CERTIFICATE', readFileSync(join(VECTORS, 'golden', file), 'utf8')));
  assert.ok(corpus.length > 5);
  const read = (bytes: Uint8Array): void => {
    const tbs = parseTbs(readSigned(bytes, 'the certificate').signed);
    assert.ok(tbs.notAfter > 0 || tbs.notAfter <= 0);
  };
  mixed(await bombard(corpus, 20_000, (bytes) => {
    try {
      read(bytes);
      return true;
    } catch (error) {
      if ((error as Error).name === 'DerError') return false;
      throw error;
    }
  }), 20_000);
});

test('fuzz: names of hosts, 30,000: what is taken is in the one form, and stays it', async () => {
  const corpus = text('www.example.org', '*.example.org', 'xn--mnchen-3ya.example', `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`, '0x7f.1', '127.0.0.1', 'a_b.example', 'EXAMPLE.org.');
  mixed(await bombard(corpus, 30_000, (bytes) => {
    const { value, fault } = parseDnsName(bytes.toString('latin1'));
    assert.equal(value === undefined, fault !== undefined);
    if (value === undefined) return false;
    assert.match(value, /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    assert.ok(value.length <= 253 && parseDnsName(value).value === value);
    assert.equal(URL.canParse(`http://${value.replace('*', 'w')}/`) && new URL(`http://${value.replace('*', 'w')}/`).hostname, value.replace('*', 'w'));
    return true;
  }), 30_000);
});

test('fuzz: addresses, workload names, identifiers and times, 20,000', async () => {
  const corpus = text('10.0.0.1', 'fd00::1', '::ffff:10.0.0.1', 'spiffe://example.org/web/1', '2026-11-25T10:00:00Z', '2026-11-25t23:59:60.5+05:30', '9999-12-31T23:59:59Z', '[{"type":"dns","value":"a.example"}]');
  mixed(await bombard(corpus, 20_000, (bytes) => {
    const input = bytes.toString('utf8');
    for (const parse of [parseIpName, parseSpiffeId]) {
      const { value, fault } = parse(input);
      assert.equal(value === undefined, fault !== undefined);
      if (value !== undefined) assert.equal(value, input);
    }
    const time = parseTime(input);
    if (time !== undefined && time >= 0) assert.equal(parseTime(formatTime(time)), time);
    let given: unknown;
    try {
      given = JSON.parse(input);
    } catch {
      given = [{ type: 'dns', value: input }];
    }
    return refusesAs(AcmeError, () => parseIdentifiers(given, 100));
  }), 20_000);
});

test('fuzz: answers of validated hosts, 15,000, in pieces', async () => {
  const corpus = text(
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproof', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nproof\r\n0\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 301 Moved\r\nLocation: http://a.example/\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\nuntil the end',
  );
  mixed(await bombard(corpus, 15_000, (bytes) => refusesAs(DialFault, () => {
    const reader = new ResponseReader(64);
    const middle = bytes.length >> 1;
    const response = reader.push(bytes.subarray(0, middle)) ?? reader.push(bytes.subarray(middle)) ?? reader.end();
    assert.ok(response.body.length <= 64 && response.status >= 100 && response.status < 600);
  })), 15_000);
});
