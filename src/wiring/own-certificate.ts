/**
 * The server's own TLS certificate: issued by itself from an internal profile, kept beside its key in the state directory
 * (so that a restart issues nothing), renewed when a third of its life is left, and swapped without a restart.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenCa } from '../ca/open.ts';
import type { Clock } from '../clock.ts';
import type { Generation } from '../config/generation.ts';
import { publicId, type Random } from '../database/public-id.ts';
import type { TlsIdentity } from '../http/server.ts';
import { parseCertificate } from '../x509/certificate.ts';
import { nameKey } from '../x509/name.ts';
import { decodePem, encodePem } from '../x509/pem.ts';
import { factsOf } from '../x509/tbs.ts';
import { AuthorityFault } from './authority.ts';

export interface OwnCertificateParts {
  readonly ca: OpenCa;
  readonly clock: Clock;
  readonly random: Random;
  readonly generation: () => Generation;
}

export class OwnCertificate {
  readonly #parts: OwnCertificateParts;
  readonly #file: string;
  /** What was asked for and is not decided yet: asked again, it is still the one request, however long the signer is away. */
  #asked: { readonly requestRef: string; readonly key: string } | undefined;
  #loaded: { readonly mtimeMs: number; readonly identity: TlsIdentity } | undefined;

  constructor(parts: OwnCertificateParts) {
    this.#parts = parts;
    const directory = join(parts.generation().stateDirectory, 'tls');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#file = join(directory, 'server.pem');
  }

  /** What is on disk and good for a while yet, or undefined. Another front may have put it there. */
  current(): TlsIdentity | undefined {
    if (!existsSync(this.#file)) return undefined;
    const { mtimeMs } = statSync(this.#file);
    if (this.#loaded?.mtimeMs !== mtimeMs) {
      const text = readFileSync(this.#file, 'utf8');
      this.#loaded = { mtimeMs, identity: { key: keyPart(text), chain: text.slice(keyPart(text).length) } };
    }
    return this.#isGood(this.#loaded.identity) ? this.#loaded.identity : undefined;
  }

  /** A good certificate: the one on disk, or a new one. Undefined while the signer cannot answer. */
  async obtain(): Promise<TlsIdentity | undefined> {
    return this.current() ?? this.#issue();
  }

  async #issue(): Promise<TlsIdentity | undefined> {
    const { ca, clock, random } = this.#parts;
    const generation = this.#parts.generation();
    const { profile, names, policy } = generation.ownCertificate;
    this.#asked ??= { requestRef: `self:${publicId(clock.now(), random)}`, key: newKey() };
    const { requestRef, key } = this.#asked;
    const outcome = await ca.issue({
      realm: generation.realm, door: 'internal', profile, names,
      publicKey: publicKeyOf(key),
      requester: { kind: 'server', id: 'self', policies: [policy] },
      requestRef, evidence: {},
    });
    if (outcome.kind === 'pending') return undefined;
    this.#asked = undefined;
    if (outcome.kind === 'refused') {
      const reasons = outcome.reasons.map((reason) => reason.message).join('; ');
      throw new AuthorityFault(`ca.yaml: ownCertificate: the server may not have its own TLS certificate: ${reasons}`);
    }
    const chain = [outcome.certificate.der, ...ca.chain(outcome.certificate.issuerKey)];
    const text = key + chain.map((der) => encodePem('CERTIFICATE', der)).join('');
    const made = `${this.#file}.${process.pid}`; // fronts that start together must not write into each other's file
    writeFileSync(made, text, { mode: 0o600 });
    chmodSync(made, 0o600);
    renameSync(made, this.#file);
    return this.current();
  }

  #isGood({ key, chain }: TlsIdentity): boolean {
    const [leaf] = decodePem('CERTIFICATE', chain);
    if (leaf === undefined) return false;
    const { tbs } = parseCertificate(leaf);
    const { notBefore, notAfter, names, spki } = factsOf(tbs);
    const now = this.#parts.clock.now();
    if (now > notAfter - (notAfter - notBefore) / 3) return false;
    const ownKey = publicKeyOf(key);
    const wanted = this.#parts.generation().ownCertificate.names.map(nameKey).sort();
    return Buffer.compare(ownKey, spki) === 0 && names.map(nameKey).sort().join() === wanted.join();
  }
}

/** PEM. */
const newKey = (): string => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicKeyOf = (key: string): Buffer => createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' });

const keyPart = (text: string): string => text.slice(0, text.indexOf('-----BEGIN CERTIFICATE-----'));
