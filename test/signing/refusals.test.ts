/** What a front that was taken over may ask in vain: one request per forbidden thing, and C_Sign is not called once. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import type { SigningOutcome } from '../../src/signing/client.ts';
import { type JournalLine, readJournal } from '../../src/signing/journal.ts';
import { MAX_FRAME, type Request } from '../../src/signing/protocol.ts';
import { renderCaTbs } from '../../src/x509/ca-certificate.ts';
import { renderCrlTbs } from '../../src/x509/crl.ts';
import { encodeEntries } from '../../src/x509/crl-entries.ts';
import { encodeName } from '../../src/x509/distinguished-name.ts';
import { keyIdOf } from '../../src/x509/public-key.ts';
import { composeSerial } from '../../src/x509/serial.ts';
import type { CertificateShape, IssuerShape } from '../../src/x509/shape.ts';
import { notAfterOf } from '../../src/x509/tbs.ts';
import { frameOf, RawClient } from '../support/raw-signer-client.ts';
import { freshSpki, job, SERVER_SHAPE, TestSigner } from '../support/signer.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const signer = await TestSigner.open({
  keys: ([key]) => {
    const only = key as NonNullable<typeof key>;
    const permittedNames = { permitted: { dns: ['example.test'], ip: ['10.0.0.0/8'] }, excluded: {} };
    // The same key once more under another id, with a ceiling that is reached at once.
    return [
      { ...only, permittedNames },
      { ...only, id: 'slow-1', ratePerSecond: 1 },
    ];
  },
});
await signer.ready();
const raw = await RawClient.open(signer.file.socket, 0);
after(async () => {
  raw[Symbol.dispose]();
  await signer[Symbol.asyncDispose]();
});
let call = 0;

type Ask = Omit<Extract<Request, { type: 'sign' }>, 'type' | 'call'>;

async function ask(request: Ask, client = raw): Promise<SigningOutcome> {
  call += 1;
  client.say({ type: 'sign', call, ...request });
  const answer = await client.next('signing');
  assert.equal(answer?.call, call);
  return answer.outcome;
}

const linesOf = (): readonly JournalLine[] => [...readJournal(signer.journalDirectory)];

/** Asserts that the key was not used and nothing was written. @returns the answer as text */
async function inVain(request: Ask, kind: 'refused' | 'unavailable' = 'refused'): Promise<string> {
  const [signed, lines] = [signer.shim.count('C_Sign'), linesOf().length];
  const outcome = await ask(request);
  assert.equal(outcome.kind, kind, JSON.stringify(outcome));
  assert.equal(signer.shim.count('C_Sign'), signed, 'C_Sign was called');
  assert.equal(linesOf().length, lines, 'a line was written');
  return JSON.stringify(outcome);
}

const shapeWith = (change: Partial<CertificateShape>): CertificateShape => ({ ...SERVER_SHAPE, ...change });
const issuerWith = (change: Partial<IssuerShape>): IssuerShape => ({ ...signer.issuer, ...change });
const from = (notBefore: number, validity = SERVER_SHAPE.validityMs) => {
  const seconds = Math.floor(notBefore / 1000) * 1000;
  return { notBefore: seconds, notAfter: notAfterOf(seconds, validity) };
};
const serialOf = (id: number, { notBefore, notAfter }: { notBefore: number; notAfter: number }) =>
  composeSerial(id, notBefore, notAfter, randomBytes(12));
const spkiOf = (type: 'rsa', bits: number) =>
  generateKeyPairSync(type, { modulusLength: bits }).publicKey.export({ format: 'der', type: 'spki' });
const caTbs = () => {
  const subject = encodeName([{ attribute: 'commonName', value: 'Another CA' }]);
  const spki = freshSpki();
  const issuer = { subject: signer.issuer.subject, keyId: signer.issuer.keyId, algorithm: signer.issuer.algorithm };
  const times = from(Date.now() - 60_000);
  const serial = serialOf(7, times);
  return renderCaTbs({
    kind: 'intermediate',
    serial,
    issuer,
    subject,
    spki,
    keyId: keyIdOf(spki),
    pathLength: 0,
    ...times,
  });
};
/** An extension put behind the others, inside lengths that are mended: DER that reads well and was never rendered. */
function smuggled(): Uint8Array {
  const tbs = Buffer.from(signer.tbs());
  const extra = Buffer.from('300f06092b060105050730010504020500', 'hex'); // id-pkix-ocsp-nocheck, NULL
  const explicit = tbs.lastIndexOf(Buffer.from('a381', 'hex'));
  const bytes = Buffer.concat([tbs, extra]);
  assert.ok(explicit > 0 && (tbs[explicit + 2] as number) + extra.length < 256);
  bytes.writeUInt8((bytes[explicit + 2] as number) + extra.length, explicit + 2);
  bytes.writeUInt8((bytes[explicit + 5] as number) + extra.length, explicit + 5);
  bytes.writeUInt16BE(bytes.readUInt16BE(2) + extra.length, 2);
  return bytes;
}

const CERTIFICATES: readonly [what: string, tbs: () => Uint8Array, why: RegExp][] = [
  ['a serial of another signer', () => signer.tbs({ serial: serialOf(8, signer.facts()) }), /is of signer 8/],
  ['a serial without a signer', () => signer.tbs({ serial: '00ff' }), /not made as ours|octets|serial/],
  [
    'a serial of another day',
    () => signer.tbs({ serial: serialOf(7, { ...signer.facts(), notAfter: Date.now() + 90 * DAY }) }),
    /another day/,
  ],
  [
    'a serial of another notBefore',
    () => signer.tbs({ serial: serialOf(7, { ...signer.facts(), notBefore: Date.now() - 120_000 }) }),
    /another notBefore/,
  ],
  ['an extension smuggled in', smuggled, /not the bytes|cannot be read|unexpected/],
  ['CA:TRUE', caTbs, /./],
  [
    'another CRL distribution point',
    () => signer.tbs({}, SERVER_SHAPE, issuerWith({ crlUrl: 'http://evil.test/x' })),
    /not the bytes/,
  ],
  ['a shard that is not there', () => signer.tbs({ shard: 5 }), /no shard 5/],
  [
    'another AIA',
    () => signer.tbs({}, SERVER_SHAPE, issuerWith({ caIssuersUrl: 'http://evil.test/x' })),
    /not the bytes/,
  ],
  ['another AKI', () => signer.tbs({}, SERVER_SHAPE, issuerWith({ keyId: '00'.repeat(20) })), /not the bytes/],
  [
    'another issuer name',
    () =>
      signer.tbs({}, SERVER_SHAPE, issuerWith({ subject: encodeName([{ attribute: 'commonName', value: 'Evil' }]) })),
    /not the bytes/,
  ],
  ['another algorithm', () => signer.tbs({}, SERVER_SHAPE, issuerWith({ algorithm: 'ed25519' })), /not the bytes/],
  ['keyCertSign', () => signer.tbs({}, shapeWith({ keyUsage: ['digitalSignature', 'keyCertSign'] })), /not the bytes/],
  [
    'clientAuth beside serverAuth',
    () => signer.tbs({}, shapeWith({ extendedKeyUsage: ['serverAuth', 'clientAuth'] })),
    /not the bytes/,
  ],
  ['notBefore in the future', () => signer.tbs(from(Date.now() + HOUR)), /in the future/],
  ['notBefore too far back', () => signer.tbs(from(Date.now() - 3 * HOUR)), /too far in the past/],
  ['a longer validity', () => signer.tbs(from(Date.now() - 60_000, 161 * HOUR)), /longer than server may be/],
  ['notAfter past the issuer', () => signer.tbs(from(Date.now() - 60_000, 1001 * DAY)), /after the issuer/],
  [
    'notAfter before notBefore',
    () => signer.tbs({ ...from(Date.now()), notAfter: Math.floor(Date.now() / 1000) * 1000 - DAY }),
    /not after notBefore/,
  ],
  ['the key of a CA', () => signer.tbs({ spki: signer.issuer.spki }), /key of a CA/],
  ['a weak key', () => signer.tbs({ spki: spkiOf('rsa', 1024) }), /1024|modulus|bits/],
  [
    'a name outside of what the key may certify',
    () => signer.tbs({ names: [{ type: 'dns', value: 'www.example.com' }] }),
    /outside/,
  ],
  ['an address outside', () => signer.tbs({ names: [{ type: 'ip', value: '192.0.2.1' }] }), /outside/],
  [
    'a type of name that the profile has not',
    () => signer.tbs({ names: [{ type: 'email', value: 'a@example.test' }] }),
    /./,
  ],
  ['no name at all', () => signer.tbs({ names: [] }), /./],
  ['a name that a lint refuses', () => signer.tbs({ names: [{ type: 'dns', value: 'a_b..example.test' }] }), /./],
  [
    'the same name twice',
    () =>
      signer.tbs({
        names: [
          { type: 'dns', value: 'a.example.test' },
          { type: 'dns', value: 'a.example.test' },
        ],
      }),
    /./,
  ],
  ['a subject', () => signer.tbs({ subject: [{ attribute: 'commonName', value: 'www.example.test' }] }), /./],
  ['bytes that are no TBSCertificate', () => Buffer.from('30030101ff', 'hex'), /./],
  ['no bytes', () => new Uint8Array(0), /./],
  ['a byte after the end', () => Buffer.concat([signer.tbs(), Buffer.of(0)]), /./],
  ['a TBSCertificate of 40 kB', () => Buffer.alloc(40_000, 0x30), /40000 bytes/],
];

for (const [what, tbs, why] of CERTIFICATES) {
  test(`refused: ${what}`, async () => assert.match(await inVain(job(tbs())), why));
}

const REQUESTS: readonly [what: string, change: object, kind: 'refused' | 'unavailable', why: RegExp][] = [
  ['an expired deadline', { deadline: Date.now() - 1 }, 'unavailable', /deadline has passed/],
  ['a profile that the key does not sign', { profile: 'root' }, 'refused', /signs no profile root/],
  ['no profile', { profile: undefined }, 'refused', /signs no profile/],
  ['a key that is not there', { issuerKey: 'evil-1' }, 'refused', /no issuer key evil-1/],
  ['a certificate called a CRL', { purpose: 'crl' }, 'refused', /./],
  ['the purpose ocsp where there is no responder', { purpose: 'ocsp' }, 'refused', /has no OCSP responder/],
  ['the purpose csr', { purpose: 'csr' }, 'refused', /purpose csr/],
  ['the purpose checkpoint', { purpose: 'checkpoint' }, 'refused', /purpose checkpoint/],
  ['the purpose precertificate', { purpose: 'precertificate' }, 'refused', /purpose precertificate/],
  ['the purpose canary', { purpose: 'canary', tbs: Buffer.from('Chancery canary of x') }, 'refused', /purpose canary/],
  ['an unknown purpose', { purpose: 'anything' }, 'refused', /not understood/],
];

for (const [what, change, kind, why] of REQUESTS) {
  test(`not signed: ${what}`, async () => assert.match(await inVain(job(signer.tbs(), change) as Ask, kind), why));
}

test('a serial is signed once; the same request again gets the same line, another core nothing', async () => {
  const facts = signer.facts();
  const first = await ask(job(signer.tbs(facts)));
  assert.equal(first.kind, 'signed', JSON.stringify(first));
  const again = await ask(job(signer.tbs(facts)));
  assert.equal(again.kind, 'signed');
  assert.deepEqual(first.kind === 'signed' && first.receipt, again.kind === 'signed' && again.receipt);
  const other = { ...facts, names: [{ type: 'dns', value: 'other.example.test' }] } as const;
  assert.match(await inVain(job(signer.tbs(other))), /was used for something else/);
  assert.equal(linesOf().filter(({ serial }) => serial === facts.serial).length, 1);
});

test('fifty requests at once for one serial: one line, one core', async () => {
  const facts = signer.facts();
  const client = signer.connect();
  const [mine, theirs] = [signer.tbs(facts), signer.tbs({ ...facts, spki: freshSpki() })];
  const all = Array.from({ length: 50 }, (_, index) => client.sign(job(index % 2 === 0 ? mine : theirs)));
  const kinds = (await Promise.all(all)).map(({ kind }) => kind);
  assert.deepEqual(kinds.filter((kind) => kind === 'signed').length, 25);
  assert.deepEqual(kinds.filter((kind) => kind === 'refused').length, 25);
  assert.equal(linesOf().filter(({ serial }) => serial === facts.serial).length, 1);
});

test('recovery and requests for one serial at the same time: one line decides, and all hear of it', async () => {
  for (let round = 0; round < 10; round++) {
    const facts = signer.facts();
    const client = signer.connect();
    const request = job(signer.tbs(facts));
    const recovery = {
      purpose: 'certificate',
      issuerKey: 'test-1',
      serial: facts.serial,
      intent: request.intent,
    } as const;
    const all = Array.from({ length: 20 }, (_, index) =>
      index % 2 === round % 2 ? client.sign(request) : client.recover(recovery),
    );
    const kinds = new Set((await Promise.all(all)).map(({ kind }) => kind));
    const lines = linesOf().filter(({ serial }) => serial === facts.serial);
    assert.equal(lines.length, 1);
    const expected = lines[0]?.purpose === 'tombstone' ? ['not-signed', 'refused'] : ['signed'];
    assert.deepEqual([...kinds].sort(), expected);
    await client[Symbol.asyncDispose]();
  }
});

test('the rate ceiling of a key: late, not refused', async () => {
  // Two seconds' worth may come at once, and then the ceiling says when to come back.
  for (let round = 0; round < 2; round++) {
    assert.equal((await ask(job(signer.tbs(), { issuerKey: 'slow-1' }))).kind, 'signed');
  }
  const answer = await inVain(job(signer.tbs(), { issuerKey: 'slow-1' }), 'unavailable');
  assert.match(answer, /rate ceiling of slow-1/);
  const { retryAfterMs } = JSON.parse(answer) as { retryAfterMs: number };
  assert.ok(retryAfterMs > 0 && retryAfterMs <= 1000);
});

const crl = (change: Partial<Parameters<typeof renderCrlTbs>[1]> = {}, issuer = signer.issuer) => {
  const thisUpdate = Math.floor(Date.now() / 1000) * 1000;
  return renderCrlTbs(issuer, {
    shard: 1,
    number: 5n,
    thisUpdate,
    nextUpdate: thisUpdate + 2 * DAY,
    entries: new Uint8Array(0),
    ...change,
  });
};
const crlJob = (tbs: Uint8Array) => job(tbs, { purpose: 'crl', profile: undefined }) as unknown as Ask;

test('CRL numbers go up, per shard, and one number has one content', async () => {
  const five = crl();
  assert.equal((await ask(crlJob(five))).kind, 'signed');
  assert.equal((await ask(crlJob(five))).kind, 'signed', 'the same again');
  const at = Math.floor(Date.now() / 1000) * 1000 - 5000;
  assert.match(await inVain(crlJob(crl({ thisUpdate: at }))), /used for something else/);
  assert.match(await inVain(crlJob(crl({ number: 4n }))), /not above 5/);
  assert.equal((await ask(crlJob(crl({ number: 4n, shard: 2 })))).kind, 'signed', 'another shard');
  assert.equal((await ask(crlJob(crl({ number: 9n })))).kind, 'signed');
});

const CRLS: readonly [what: string, tbs: () => Uint8Array, why: RegExp][] = [
  ['a shard that is not there', () => crl({ shard: 9 }), /no shard/],
  ['the distribution point of another', () => crl({}, issuerWith({ crlUrl: 'http://evil.test/x' })), /no shard/],
  [
    'another issuer name',
    () => crl({ number: 20n }, issuerWith({ subject: encodeName([{ attribute: 'commonName', value: 'Evil' }]) })),
    /not the bytes/,
  ],
  ['an entry written in another way', () => crl({ number: 20n, entries: encodeEntries([{ serial: '0701', at: 0, reason: 0 }]) }), /not the bytes|unspecified/],
  ['an entry twice', () => crl({ number: 20n, entries: encodeEntries([{ serial: '0701', at: 0 }, { serial: '0701', at: 0 }]) }), /listed twice/],
  ['an entry of tomorrow', () => crl({ number: 20n, entries: encodeEntries([{ serial: '0701', at: Math.floor(Date.now() / 1000) * 1000 + DAY }]) }), /after thisUpdate/],
  ['a reason that is not allowed', () => crl({ number: 20n, entries: encodeEntries([{ serial: '0701', at: 0, reason: 6 }]) }), /reason of 0701 is 6/],
  [
    'thisUpdate of yesterday',
    () => crl({ number: 20n, thisUpdate: Math.floor(Date.now() / 1000) * 1000 - DAY }),
    /not now/,
  ],
  [
    'nextUpdate in a year',
    () => crl({ number: 20n, nextUpdate: Math.floor(Date.now() / 1000) * 1000 + 365 * DAY }),
    /out of bounds/,
  ],
  ['a certificate', () => signer.tbs(), /./],
];
for (const [what, tbs, why] of CRLS)
  test(`CRL refused: ${what}`, async () => assert.match(await inVain(crlJob(tbs())), why));

const GARBAGE: readonly [what: string, bytes: () => Uint8Array][] = [
  ['an oversized frame', () => Buffer.from((MAX_FRAME + 1).toString(16).padStart(8, '0'), 'hex')],
  ['random bytes', () => Buffer.concat([Buffer.of(0, 0, 1, 0), randomBytes(256)])],
  ['a header length beyond the frame', () => Buffer.from('00000008000000ff01020304', 'hex')],
  ['a header that is no JSON', () => frameOf('{"type":')],
  ['a header that is no object', () => frameOf('[1]')],
  ['an unknown request', () => frameOf('{"type":"export-key","call":1}')],
  ['a request to sign without a number', () => frameOf('{"type":"sign"}', Buffer.alloc(10))],
  ['recovery of nothing', () => frameOf('{"type":"recover","call":1}')],
];
for (const [what, bytes] of GARBAGE) {
  test(`the connection is closed on ${what}, and only that one`, async () => {
    const signed = signer.shim.count('C_Sign');
    using client = await RawClient.open(signer.file.socket, 0);
    client.bytes(bytes());
    assert.equal(await client.next('signing'), undefined);
    assert.equal(signer.shim.count('C_Sign'), signed);
    assert.equal((await ask(job(signer.tbs()))).kind, 'signed', 'others are served');
  });
}

test('who has stated nothing gets nothing', async () => {
  using client = await RawClient.open(signer.file.socket);
  client.say({ type: 'sign', call: 1, ...job(signer.tbs()) });
  assert.equal(await client.next('signing'), undefined);
});

test('the journal is whole, and holds the bytes of all that was signed', () => {
  const lines = linesOf();
  assert.ok(lines.filter(({ purpose }) => purpose === 'certificate').every(({ tbs }) => tbs.length > 100));
  assert.equal(signer.said.filter((line) => line.startsWith('ended')).length, 0, signer.said.join(' | '));
});
