/**
 * The certificates of our OCSP responders. Each is asked for under a reference that names issuer key, responder key and period, so that
 * all fronts mean the same one, and none is made twice: the record of certificates is all the state there is. A period is half of a
 * certificate's life, so the next one is there while responses under the last one live on. Another key is another reference: changing
 * the key in the configuration is how a responder is replaced at once.
 */
import { parseCertificate } from '../../../x509/certificate.ts';
import { spkiSha256 } from '../../../x509/public-key.ts';
import type { IssuanceOutcome } from '../../ca.ts';
import { type IssuanceParts, issue } from '../../issuance/issue.ts';
import type { IssuerKey, Responder } from '../../issuance/issuer-key.ts';
import { progressOf } from '../../issuance/store.ts';

export interface ResponderCertificate {
  readonly der: Uint8Array;
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** An issuer key that has a responder. */
export type Answering = IssuerKey & { readonly responder: Responder };

export const isAnswering = (key: IssuerKey | undefined): key is Answering => key?.responder !== undefined;

/** How long a front goes without looking whether there is a newer certificate. */
const LOOK_AGAIN_MS = 30_000;

export class Responders {
  readonly #parts: Omit<IssuanceParts, 'isFetchable'>;
  readonly #known = new Map<string, { readonly spki: Uint8Array; readonly until: number; readonly certificate: ResponderCertificate }>();

  constructor(parts: Omit<IssuanceParts, 'isFetchable'>) {
    this.#parts = parts;
  }

  /** The newest certificate that is valid now; undefined while there is none. */
  async current(key: Answering): Promise<ResponderCertificate | undefined> {
    const now = this.#parts.clock.now();
    const known = this.#known.get(key.id);
    if (known !== undefined && known.spki === key.responder.spki && now < known.until && now <= known.certificate.notAfter) return known.certificate;
    const certificate = (await this.#find(key, now, 0)) ?? (await this.#find(key, now, 1));
    if (certificate !== undefined) this.#known.set(key.id, { spki: key.responder.spki, until: now + LOOK_AGAIN_MS, certificate });
    return certificate;
  }

  /** Makes the certificates of this period that are missing; resolves to how many issuer keys have no valid one after that. */
  async renew(): Promise<number> {
    let missing = 0;
    for (const key of this.#parts.authority().issuerKeys.values()) {
      const now = this.#parts.clock.now();
      if (!isAnswering(key) || key.shape.notAfter <= now) continue;
      if ((await this.#find(key, now, 0)) === undefined) {
        await this.#issue(key, now);
        this.#known.delete(key.id);
      }
      if ((await this.current(key)) === undefined) missing += 1;
    }
    return missing;
  }

  async #find(key: Answering, now: number, periodsAgo: number): Promise<ResponderCertificate | undefined> {
    const { database, authority } = this.#parts;
    const progress = await progressOf(database, authority().generation.realm, this.#reference(key, now, periodsAgo));
    if (progress.kind !== 'issued') return undefined;
    const { der, serial, notBefore, notAfter } = progress.certificate;
    return notBefore <= now && now <= notAfter && Buffer.compare(parseCertificate(der).tbs.spki, key.responder.spki) === 0
      ? { der, serial, notBefore, notAfter }
      : undefined;
  }

  #issue(key: Answering, now: number): Promise<IssuanceOutcome> {
    const { spki, profile } = key.responder;
    const { realm, ocspPolicy } = this.#parts.authority().generation;
    return issue(this.#parts, {
      realm, door: 'internal', profile, names: [], publicKey: spki, issuerKey: key.id,
      subject: [{ attribute: 'commonName', value: `OCSP responder of ${key.id}`.slice(0, LONGEST_COMMON_NAME) }],
      requester: { kind: 'server', id: 'ocsp', policies: [ocspPolicy] },
      requestRef: this.#reference(key, now, 0), evidence: {},
    });
  }

  #reference(key: Answering, now: number, periodsAgo: number): string {
    const life = this.#parts.authority().generation.profiles.get(key.responder.profile)?.shape.validityMs ?? 0;
    const begin = (Math.floor(now / (life / 2)) - periodsAgo) * (life / 2);
    return `ocsp:${key.id}:${spkiSha256(key.responder.spki).slice(0, 16)}:${life}:${new Date(begin).toISOString()}`;
  }
}

/** ub-common-name, RFC 5280 appendix A.1. */
const LONGEST_COMMON_NAME = 64;
