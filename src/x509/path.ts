/**
 * Whether relying parties will build a path over the certificates that an operator configured: RFC 5280 §6, all of it, as pkijs implements it.
 * Our own reader judges what we sign; this is the second opinion, on files from elsewhere, once per configuration.
 */
import type { ChainValidationError } from 'pkijs';
import { algorithmOf } from './algorithm.ts';
import { parseCertificate } from './certificate.ts';

/**
 * `chain`: DER, the issuing certificate first, without the root. Resolves to one clause when no path leads to `root` at `at` (ms UTC).
 * pkijs knows no Ed25519: a chain with such a signature is left to the checks of names and signatures that everyone makes.
 */
export async function pathFault(chain: readonly Uint8Array[], root: Uint8Array, at: number): Promise<string | undefined> {
  if ([...chain, root].some((der) => algorithmOf(parseCertificate(der).signatureAlgorithm) === 'ed25519')) return undefined;
  const { Certificate, CertificateChainValidationEngine } = await import('pkijs');
  const read = (der: Uint8Array) => Certificate.fromBER(new Uint8Array(der));
  const engine = new CertificateChainValidationEngine({
    trustedCerts: [read(root)],
    certs: chain.map(read).reverse(), // the last one is what is validated
    checkDate: new Date(at),
  });
  try {
    const { result, resultMessage } = await engine.verify();
    return result ? undefined : `no path leads to the root: ${resultMessage}`;
  } catch (error) {
    return `no path leads to the root: ${(error as ChainValidationError).message}`;
  }
}
