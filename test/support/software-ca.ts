/**
 * The real CA over a real database, with issuer keys in memory and a signer that keeps no journal: for tests of doors,
 * where the token is not the point. Tests of the signer and of crashes use a world (world.ts).
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { IssuanceParts } from '../../src/ca/issuance/issue.ts';
import type { Alternate, Authority } from '../../src/ca/issuance/issuer-key.ts';
import { type OpenCa, openCa, type OpenCaOptions } from '../../src/ca/open.ts';
import type { Clock } from '../../src/clock.ts';
import type { Generation } from '../../src/config/generation.ts';
import type { Database } from '../../src/database/database.ts';
import { conditionsFor } from '../../src/doors/acme/issuance/store.ts';
import type { Signer, SigningOutcome } from '../../src/signing/client.ts';
import { issuerShapeOf, renderCaTbs } from '../../src/x509/ca-certificate.ts';
import { assembleCertificate, parseTbs } from '../../src/x509/certificate.ts';
import type { IssuerShape } from '../../src/x509/shape.ts';
import { encodeName } from '../../src/x509/distinguished-name.ts';
import { keyIdOf } from '../../src/x509/public-key.ts';

const DAY = 86_400_000;

export interface SoftwareCa {
  readonly ca: OpenCa;
  readonly signer: Signer;
  /** What the signer does next: sign, say that it cannot now, or sign only when `release` is called. */
  signing: 'ok' | 'unavailable' | 'refuse' | 'hold' | 'lose-answer';
  /** What it answers when recovery asks: the truth, or nothing. */
  recovering: 'truth' | 'unavailable';
  release(): void;
  /** Another key answers OCSP from now on. */
  rekeyResponder(): void;
  /** Another root certifies the same intermediate; resolves to that chain. */
  crossSign(): Alternate;
  /** The CA of another front with the same keys, under another configuration. */
  another(generation: Generation, options: OpenCaOptions): OpenCa;
  readonly signatures: number;
  readonly root: Uint8Array;
  readonly issuer: IssuerShape;
  /** Signatures that wait for `release`. */
  held(): number;
  readonly authority: () => Authority;
}

export function openSoftwareCa(parts: { database: Database; clock: Clock; generation: () => Generation; reached?: IssuanceParts['reached'] } & OpenCaOptions): SoftwareCa {
  const { database, clock, generation } = parts;
  const [root, intermediate] = hierarchy(clock.now());
  const alternates: Alternate[] = [];
  const issuer = generation().issuers.values().next().value;
  if (issuer === undefined) throw new Error('the configuration names no issuer');
  const holds = [...generation().profiles.values()].some(({ hold }) => hold);
  const shape = issuerShapeOf(intermediate.certificate, { ...issuer, holds, ...(issuer.ocsp === undefined ? {} : { ocspUrl: issuer.ocsp.url }) });
  let responderKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const responderOf = () => issuer.ocsp && {
    spki: new Uint8Array(responderKey.publicKey.export({ type: 'spki', format: 'der' })), algorithm: 'ecdsa-sha256-p256' as const,
    profile: issuer.ocsp.profile, validityMs: issuer.ocsp.validityMs,
  };
  let responder = responderOf();
  const authority = (): Authority => {
    const issuerKeys = new Map([[issuer.id, {
      id: issuer.id, group: issuer.group, state: 'active' as const, profiles: new Set(issuer.profiles), shape, chain: [intermediate.certificate],
      root: root.certificate, alternates, ...(responder === undefined ? {} : { responder }),
    }]]);
    return { generation: generation(), issuerKeys, root: root.certificate };
  };
  const held: (() => void)[] = [];
  const self = { signing: 'ok' as SoftwareCa['signing'], recovering: 'unavailable' as SoftwareCa['recovering'], signatures: 0 };
  const signed = new Map<string, Extract<SigningOutcome, { kind: 'signed' }> & { tbs: Uint8Array }>();

  const signer: Signer = {
    id: 1,
    ids: [1],
    configuration: undefined,
    state: () => 'ready',
    async sign({ tbs, purpose }): Promise<SigningOutcome> {
      if (self.signing === 'unavailable') return { kind: 'unavailable', why: 'test', retryAfterMs: 100 };
      if (self.signing === 'refuse') return { kind: 'refused', reasons: ['test'] };
      if (self.signing === 'hold') await new Promise<void>((resolve) => held.push(resolve));
      self.signatures += 1;
      const receipt = { signer: 1, sequence: self.signatures, head: randomBytes(32).toString('hex') };
      const outcome = { kind: 'signed' as const, signature: sign('sha256', tbs, (purpose === 'ocsp' ? responderKey : intermediate).privateKey), receipt };
      if (purpose === 'certificate') signed.set(parseTbs(tbs).serial, { ...outcome, tbs });
      return self.signing === 'lose-answer' ? { kind: 'unavailable', why: 'lost', retryAfterMs: 100 } : outcome;
    },
    async recover({ serial }) {
      if (self.recovering === 'unavailable') return { kind: 'unavailable', why: 'test', retryAfterMs: 100 };
      return signed.get(serial) ?? { kind: 'not-signed', receipt: { signer: 1, sequence: 0, head: '' } };
    },
    confirm() {},
    async [Symbol.asyncDispose]() {},
  };
  const given = { clock, database, signer, random: (octets: number) => randomBytes(octets), frontId: 'test', authority, reached: parts.reached ?? (() => {}), conditionsFor };
  const ca = openCa(given, { whenFetchable: false, ...parts });
  return Object.assign(self, {
    rekeyResponder: () => {
      responderKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      responder = responderOf();
    },
    another(other: Generation, options: OpenCaOptions) {
      const issuerKeys = new Map([...authority().issuerKeys].map(([id, key]) => [id, { ...key, shape: { ...key.shape, crlUrl: other.issuers.get(id)?.crlUrl ?? key.shape.crlUrl } }]));
      return openCa({ ...given, authority: () => ({ ...authority(), issuerKeys, generation: other }) }, options);
    },
    ca, signer, root: root.certificate, authority, issuer: shape,
    held: () => held.length,
    crossSign() {
      const [other, again] = hierarchy(clock.now(), intermediate.privateKey);
      const alternate = { chain: [again.certificate], root: other.certificate };
      alternates.push(alternate);
      return alternate;
    },
    release: () => { for (const resolve of held.splice(0)) resolve(); },
  });
}

/** A root and an intermediate, P-256; the intermediate with this key, if it is given. */
function hierarchy(now: number, certified?: KeyObject) {
  const notBefore = Math.floor(now / 1000) * 1000 - DAY;
  const rootKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { privateKey: certified ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey };
  const rootName = encodeName([{ attribute: 'commonName', value: 'Test Root' }]);
  const spkiOf = (k: { privateKey: KeyObject }) => createPublicKey(k.privateKey).export({ type: 'spki', format: 'der' });
  const issuer = { subject: rootName, keyId: keyIdOf(spkiOf(rootKey)), algorithm: 'ecdsa-sha256-p256' as const };
  const serial = () => `01${randomBytes(18).toString('hex')}`;
  const assemble = (tbs: Uint8Array) => assembleCertificate(tbs, 'ecdsa-sha256-p256', sign('sha256', tbs, rootKey.privateKey));
  const rootTbs = renderCaTbs({
    kind: 'root', serial: serial(), issuer, subject: rootName, spki: spkiOf(rootKey), keyId: issuer.keyId, notBefore, notAfter: notBefore + 3650 * DAY,
  });
  const tbs = renderCaTbs({
    kind: 'intermediate', serial: serial(), issuer, subject: encodeName([{ attribute: 'commonName', value: 'Test Intermediate' }]),
    spki: spkiOf(key), keyId: keyIdOf(spkiOf(key)), notBefore, notAfter: notBefore + 1825 * DAY, pathLength: 0,
  });
  return [
    { certificate: assemble(rootTbs), privateKey: rootKey.privateKey },
    { certificate: assemble(tbs), privateKey: key.privateKey },
  ] as const;
}
