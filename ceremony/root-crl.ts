/** The CRL that a root signs in its ceremony: it lists nothing, and says so for nine months (BR §4.9.7 allows twelve). */
import type { Certificate } from '../src/x509/certificate.ts';
import type { SignatureAlgorithm } from '../src/x509/algorithm.ts';
import { keyIdOf } from '../src/x509/public-key.ts';
import { renderRootCrlTbs } from '../src/x509/root-crl.ts';

const NINE_MONTHS = 274 * 86_400_000;

/** @param now milliseconds, whole seconds */
export const firstRootCrlTbs = ({ tbs }: Certificate, algorithm: SignatureAlgorithm, now: number): Uint8Array =>
  renderRootCrlTbs({
    subject: tbs.subject, keyId: keyIdOf(tbs.spki), algorithm, number: BigInt(now) * 1_000_000n, thisUpdate: now,
    nextUpdate: Math.min(now + NINE_MONTHS, tbs.notAfter), entries: new Uint8Array(0),
  });
