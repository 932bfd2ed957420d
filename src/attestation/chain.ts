/**
 * Whether a chain of certificates leads to one of the roots that the operator trusts for a format (RFC 5280 §6, the parts that attestation
 * chains use). Each is issued by the next, in the order given: nothing is searched for, fetched or left out. Pure.
 */
import { X509Certificate } from 'node:crypto';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { DerError } from '../x509/der.ts';
import { AttestationFault } from './attestation-fault.ts';

/** Critical extensions that are understood here, or whose meaning a format reads. */
const UNDERSTOOD = new Set(['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.37']);

/** SHA-256 and longer (RFC 5758, RFC 4055, RFC 8410): SHA-1 can be made to collide. */
const SIGNED_WITH = /^(06082a8648ce3d04030[234]|06092a864886f70d01010[bcd](0500)?|06032b6570)$/;

/** The leaf. `at` in ms UTC. Throws AttestationFault. */
export function verifyChain(chain: readonly Uint8Array[], roots: readonly Uint8Array[], at: number): Certificate {
  const certificates = chain.map(parse);
  const leaf = certificates[0] as Certificate;
  if (certificates.length > 1 && isRoot(certificates.at(-1) as Certificate, roots)) certificates.pop();
  const anchor = roots.map((der) => parseCertificate(der)).find((root) => isIssuedBy(certificates.at(-1) as Certificate, root));
  if (anchor === undefined) throw new AttestationFault('The certificates in "x5c" do not lead to a root that is trusted for this format here.');
  certificates.forEach((certificate, index) => {
    const issuer = certificates[index + 1] ?? anchor;
    checkOne(certificate, at, index);
    checkIssuer(issuer, index);
    if (!isIssuedBy(certificate, issuer)) throw new AttestationFault(`Certificate ${index + 1} in "x5c" is not issued by the one after it.`);
  });
  return leaf;
}

function parse(der: Uint8Array, index: number): Certificate {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (error instanceof DerError) throw new AttestationFault(`Certificate ${index + 1} in "x5c" cannot be read: ${error.message}.`);
    throw error;
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const isRoot = ({ der }: Certificate, roots: readonly Uint8Array[]): boolean => roots.some((root) => same(root, der));

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (!same(certificate.tbs.issuer, issuer.tbs.subject)) return false;
  try {
    return new X509Certificate(certificate.der).verify(new X509Certificate(issuer.der).publicKey);
  } catch {
    return false; // OpenSSL throws for keys and signatures that it cannot read
  }
}

function checkOne({ tbs, signatureAlgorithm }: Certificate, at: number, index: number): void {
  const fault = (what: string): AttestationFault => new AttestationFault(`Certificate ${index + 1} in "x5c" ${what}.`);
  if (tbs.version !== 3) throw fault('is not of version 3');
  if (at < tbs.notBefore || at > tbs.notAfter) throw fault('is not valid now');
  if (!same(signatureAlgorithm, tbs.signature)) throw fault('names two signature algorithms');
  if (!SIGNED_WITH.test(Buffer.from(signatureAlgorithm.subarray(2)).toString('hex'))) throw fault('is signed with an algorithm that is not taken');
  const unknown = tbs.extensions.find(({ critical, oid }) => critical && !UNDERSTOOD.has(oid));
  if (unknown !== undefined) throw fault(`has a critical extension that is not understood, ${unknown.oid}`);
}

/** `below`: how many certificates stand between this issuer and the leaf. */
function checkIssuer({ tbs }: Certificate, below: number): void {
  const { basicConstraints, keyUsage } = tbs;
  if (basicConstraints?.ca !== true) throw new AttestationFault('A certificate that issues another in "x5c" is not of a CA.');
  if (basicConstraints.pathLength !== undefined && basicConstraints.pathLength < below) throw new AttestationFault('The chain in "x5c" is longer than one of its CAs allows.');
  if (keyUsage !== undefined && !keyUsage.usages.includes('keyCertSign')) throw new AttestationFault('A certificate that issues another in "x5c" may not sign certificates.');
}
