/**
 * A to-be-signed certificate that has passed every lint and can be signed once.
 * There is no other way to hand bytes to the signer, so nothing unlinted, and nothing twice, reaches a CA key.
 */
import { runLints } from '../../lint/index.ts';
import type { SigningJob, SigningOutcome } from '../../signing/client.ts';
import { parseTbs } from '../../x509/certificate.ts';
import type { CertificateShape, IssuerShape } from '../../x509/shape.ts';
import { Refusal } from '../errors.ts';

/** The one method of the signer's client that issuing needs. */
export interface CertificateSigner {
  sign(job: SigningJob): Promise<SigningOutcome>;
}

export class Prepared {
  /** The bytes that were linted: safe to record and to show. */
  readonly tbs: Uint8Array;
  readonly #profile: string;
  readonly #issuerKey: string;
  #spent = false;

  private constructor(tbs: Uint8Array, profile: string, issuerKey: string) {
    this.tbs = tbs;
    this.#profile = profile;
    this.#issuerKey = issuerKey;
  }

  /** A refusal names every lint that finds an error. */
  static from(tbs: Uint8Array, shape: CertificateShape, issuer: IssuerShape): Prepared | Refusal {
    const errors = runLints({ tbs: parseTbs(tbs), shape, issuer }).filter((finding) => finding.severity === 'error');
    if (errors.length > 0) {
      return new Refusal('not-lawful', errors.map(({ lint, detail }) => `${lint}: ${detail}`).join('; '));
    }
    return new Prepared(tbs, shape.profile, issuer.id);
  }

  /** Hands the linted bytes to the signer. A second call is a bug in the caller and throws. */
  async sign(signer: CertificateSigner, intent: string, deadline: number): Promise<SigningOutcome> {
    if (this.#spent) throw new Error('a prepared certificate signs once');
    this.#spent = true;
    return signer.sign({
      purpose: 'certificate', issuerKey: this.#issuerKey, profile: this.#profile, intent, tbs: this.tbs, deadline,
    });
  }
}
