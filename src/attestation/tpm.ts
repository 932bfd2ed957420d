/**
 * Format `tpm` (WebAuthn §8.3): an attestation key, certified by the TPM's maker or owner, signs that another key is in the same TPM. What is
 * signed holds the digest of the key authorization; the attested key is the one in `pubArea`, and the device is named in the SAN of
 * the attestation key's certificate.
 */
import { createHash, verify } from 'node:crypto';
import type { Tbs } from '../x509/certificate.ts';
import { constructed } from '../x509/der.ts';
import { publicKeyFault, publicKeyObject, readSpki } from '../x509/public-key.ts';
import { AttestationFault } from './attestation-fault.ts';
import { verifyChain } from './chain.ts';
import { identitiesOf } from './identities.ts';
import { certificatesOf, octetsOf, type Statement } from './statement.ts';
import { readCertifyInfo, readPublicArea } from './tpm-structures.ts';
import type { Attested, Question } from './verify.ts';

const AIK_CERTIFICATE = '2.23.133.8.3'; // tcg-kp-AIKCertificate
const DIRECTORY_NAME = constructed(4);
/** COSE algorithm to type of key and hash; RS1 is not among them, for it is SHA-1. */
const ALGORITHMS: ReadonlyMap<unknown, { readonly type: string; readonly hash: string }> = new Map([
  [-7, { type: 'p256', hash: 'sha256' }], [-35, { type: 'p384', hash: 'sha384' }], [-257, { type: 'rsa', hash: 'sha256' }],
]);

export function verifyTpm(statement: Statement, { roots, keyAuthorization, at }: Question): Attested {
  if (statement.members.get('ver') !== '2.0') throw new AttestationFault('"ver" is not "2.0".');
  const { tbs } = verifyChain(certificatesOf(statement), roots, at);
  checkAttestationKey(tbs);
  const certInfo = octetsOf(statement, 'certInfo');
  const pubArea = octetsOf(statement, 'pubArea');

  const algorithm = ALGORITHMS.get(statement.members.get('alg'));
  if (algorithm === undefined || algorithm.type !== readSpki(tbs.spki)?.type) throw new AttestationFault('"alg" is not taken, or not that of the attestation key.');
  if (!holds(algorithm.hash, certInfo, tbs, octetsOf(statement, 'sig'))) throw new AttestationFault('The signature is not one of the attestation key over "certInfo".');

  const { extraData, name } = readCertifyInfo(certInfo);
  // step-ca and its clients digest with SHA-256, whatever "alg" says; WebAuthn with the hash of "alg".
  if (!same(extraData, digest('sha256', keyAuthorization)) && !same(extraData, digest(algorithm.hash, keyAuthorization))) {
    throw new AttestationFault('The attestation is not for this key authorization.');
  }
  const { nameAlg, nameHash, spki } = readPublicArea(pubArea);
  const expected = Buffer.concat([Buffer.of(nameAlg >> 8, nameAlg & 0xff), digest(nameHash, pubArea)]);
  if (!same(name, expected)) throw new AttestationFault('The key that was certified is not the one in "pubArea".');
  const fault = publicKeyFault(spki);
  if (fault !== undefined) throw new AttestationFault(`The attested key is not accepted: ${fault}.`);
  return { spki, identities: identitiesOf(tbs) };
}

/** WebAuthn §8.3.1. */
function checkAttestationKey({ subjectRdns, altNames, extendedKeyUsage, basicConstraints }: Tbs): void {
  const fault = (what: string): AttestationFault => new AttestationFault(`The certificate of the attestation key ${what}.`);
  if (subjectRdns.length > 0) throw fault('has a subject');
  if (extendedKeyUsage?.includes(AIK_CERTIFICATE) !== true) throw fault(`is not for attestation keys (${AIK_CERTIFICATE})`);
  if (basicConstraints?.ca === true) throw fault('is of a CA');
  if (altNames?.some(({ tag }) => tag === DIRECTORY_NAME) !== true) throw fault('does not say which TPM it is of');
}

const digest = (hash: string, content: string | Uint8Array): Buffer => createHash(hash).update(content).digest();
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function holds(hash: string, octets: Uint8Array, { spki }: Tbs, signature: Uint8Array): boolean {
  try {
    return verify(hash, octets, publicKeyObject(spki), signature);
  } catch {
    return false; // OpenSSL throws for signatures that it cannot read
  }
}
