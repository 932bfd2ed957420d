/** Fixed keys, names, serials and times: what golden certificates, lint fixtures and property tests are made of. */
import { constants, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ALGORITHMS, type SignatureAlgorithm } from '../../src/x509/algorithm.ts';
import { type CaFacts, issuerShapeOf, renderCaTbs } from '../../src/x509/ca-certificate.ts';
import { assembleCertificate } from '../../src/x509/certificate.ts';
import { encodeName } from '../../src/x509/distinguished-name.ts';
import { keyIdOf, type KeyType } from '../../src/x509/public-key.ts';
import { composeSerial } from '../../src/x509/serial.ts';
import type { CertificateShape, IssuerShape, TbsFacts } from '../../src/x509/shape.ts';
import { notAfterOf } from '../../src/x509/tbs.ts';

type Who = 'root' | 'issuer' | 'subject';

const KEYS = JSON.parse(
  readFileSync(new URL('../vectors/golden/keys.json', import.meta.url), 'utf8'),
) as Record<Who, Record<KeyType, string>>;

/** Keys for tests: published, so good for nothing else. */
export const privateKey = (who: Who, type: KeyType): KeyObject =>
  createPrivateKey({ key: Buffer.from(KEYS[who][type], 'base64'), format: 'der', type: 'pkcs8' });

const spkis = new Map<string, Uint8Array>();
export function spkiOf(who: Who, type: KeyType): Uint8Array {
  const id = `${who} ${type}`;
  const known = spkis.get(id) ?? new Uint8Array(createPublicKey(privateKey(who, type)).export({ type: 'spki', format: 'der' }));
  spkis.set(id, known);
  return known;
}

/** A signature as a certificate holds it, made in software. */
export function signWith(key: KeyObject, algorithm: SignatureAlgorithm, tbs: Uint8Array): Uint8Array {
  const padding = algorithm === 'rsa-pss-sha256' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
  return sign(ALGORITHMS[algorithm].hash, tbs, { key, ...padding });
}

export const NOW = Date.UTC(2026, 10, 22, 3, 4, 5);
const DAY = 86_400_000;

const rootName = encodeName([{ attribute: 'commonName', value: 'Chancery Golden Root' }]);
const issuerName = encodeName([
  { attribute: 'organizationName', value: 'Chancery' },
  { attribute: 'commonName', value: 'Chancery Golden Intermediate' },
]);

export function rootFacts(type: KeyType, algorithm: SignatureAlgorithm): CaFacts {
  const spki = spkiOf('root', type);
  const keyId = keyIdOf(spki);
  const notBefore = Date.UTC(2026, 0, 1);
  return {
    kind: 'root', serial: `01${'00'.repeat(15)}01`, subject: rootName, spki, keyId, notBefore,
    notAfter: notAfterOf(notBefore, 20 * 365 * DAY), issuer: { subject: rootName, keyId, algorithm },
  };
}

export function intermediateFacts(type: KeyType, root: CaFacts): CaFacts {
  const spki = spkiOf('issuer', type);
  const notBefore = Date.UTC(2026, 0, 2);
  return {
    kind: 'intermediate', serial: `01${'00'.repeat(15)}02`, subject: issuerName, spki, keyId: keyIdOf(spki), notBefore,
    notAfter: notAfterOf(notBefore, 18 * 365 * DAY), // long, for GnuTLS can only be asked about today
    issuer: root.issuer, pathLength: 0,
    crlUrl: 'http://localhost:8080/crl/root.crl', caIssuersUrl: 'http://localhost:8080/ca/root.cer',
  };
}

export interface Hierarchy {
  readonly root: Uint8Array;
  readonly intermediate: Uint8Array;
  readonly issuer: IssuerShape;
  readonly issuerKey: KeyObject;
}

const made = new Map<SignatureAlgorithm, Hierarchy>();

/** A root and an intermediate of one algorithm throughout. */
export function hierarchy(algorithm: SignatureAlgorithm): Hierarchy {
  const known = made.get(algorithm);
  if (known !== undefined) return known;
  const { keyType } = ALGORITHMS[algorithm];
  const rootKey = privateKey('root', keyType);
  const facts = rootFacts(keyType, algorithm);
  const issue = (tbs: Uint8Array): Uint8Array => assembleCertificate(tbs, algorithm, signWith(rootKey, algorithm, tbs));
  const intermediate = issue(renderCaTbs(intermediateFacts(keyType, facts)));
  const issuer = issuerShapeOf(intermediate, {
    id: 'golden-1', shards: 4, crlUrl: 'http://localhost:8080/crl/golden-1',
    caIssuersUrl: 'http://localhost:8080/ca/golden-1.cer', ocspUrl: 'http://localhost:8080/ocsp', algorithm,
  });
  const all = { root: issue(renderCaTbs(facts)), intermediate, issuer, issuerKey: privateKey('issuer', keyType) };
  made.set(algorithm, all);
  return all;
}

const HOUR = 3_600_000;
const plain = {
  maxNames: 100, spiffe: false, subject: [], validityMs: 160 * HOUR, maxValidityMs: 240 * HOUR, backdateMs: HOUR,
  keyUsage: ['digitalSignature'],
} as const satisfies Partial<CertificateShape>;

/** The profiles of ca-config/; golden.test.ts holds them to it. */
export const SHAPES = {
  server: {
    ...plain, profile: 'server', rsaKeyUsage: ['keyEncipherment'], extendedKeyUsage: ['serverAuth'], nameTypes: ['dns', 'ip'],
  },
  client: { ...plain, profile: 'client', extendedKeyUsage: ['clientAuth'], nameTypes: ['dns', 'ip'] },
  peer: {
    ...plain, profile: 'peer', rsaKeyUsage: ['keyEncipherment'], extendedKeyUsage: ['serverAuth', 'clientAuth'],
    nameTypes: ['dns', 'ip'],
  },
  workload: {
    ...plain, profile: 'workload', extendedKeyUsage: ['serverAuth', 'clientAuth'], nameTypes: ['uri'], maxNames: 1, spiffe: true,
    validityMs: 24 * HOUR, maxValidityMs: 160 * HOUR, backdateMs: 300_000,
  },
  device: {
    ...plain, profile: 'device', extendedKeyUsage: ['clientAuth'], nameTypes: ['dns', 'ip', 'uri'], maxNames: 10,
    subject: ['serialNumber', 'commonName'], maxValidityMs: 90 * DAY,
  },
  'ocsp-responder': {
    ...plain, profile: 'ocsp-responder', extendedKeyUsage: ['ocspSigning'], nameTypes: [], maxNames: 1, subject: ['commonName'],
    validityMs: 30 * DAY, maxValidityMs: 30 * DAY,
  },
  self: { ...plain, profile: 'self', extendedKeyUsage: ['serverAuth'], nameTypes: ['dns', 'ip'], maxValidityMs: 160 * HOUR },
} as const satisfies Record<string, CertificateShape>;

export type Profile = keyof typeof SHAPES;

const WHO = {
  server: { names: [{ type: 'dns', value: 'www.example.internal' }, { type: 'ip', value: 'fd00::1' }] },
  client: { names: [{ type: 'dns', value: 'worker-7.example.internal' }] },
  peer: { names: [{ type: 'dns', value: 'node-1.db.example.internal' }, { type: 'ip', value: '10.1.2.3' }] },
  workload: { names: [{ type: 'uri', value: 'spiffe://example.internal/ns/default/sa/web' }] },
  device: {
    names: [],
    subject: [{ attribute: 'serialNumber', value: 'SN-0001-2026' }, { attribute: 'commonName', value: 'Pump 7, north hall' }],
  },
  'ocsp-responder': { names: [], subject: [{ attribute: 'commonName', value: 'OCSP responder of golden-1' }] },
  self: { names: [{ type: 'dns', value: 'localhost' }, { type: 'ip', value: '127.0.0.1' }, { type: 'ip', value: '::1' }] },
} as const satisfies Record<Profile, Pick<TbsFacts, 'names'> & Partial<TbsFacts>>;

/** The facts of one lawful certificate of that profile, for a subject key of that type. */
export function factsFor(profile: Profile, keyType: KeyType = 'p256'): TbsFacts {
  const shape: CertificateShape = SHAPES[profile];
  const notBefore = NOW - shape.backdateMs;
  const notAfter = notAfterOf(notBefore, shape.validityMs);
  return {
    serial: composeSerial(7, notBefore, notAfter, Buffer.from('000102030405060708090a0b', 'hex')),
    notBefore, notAfter, spki: spkiOf('subject', keyType), subject: [], shard: 3, ...WHO[profile],
  };
}
