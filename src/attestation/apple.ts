/**
 * Format `apple`: Managed Device Attestation. An Apple CA certified a key in the Secure Enclave together with what the device is; the
 * freshness code in the certificate is the SHA-256 of the token (draft-ietf-acme-device-attest §5). Values stand in the extensions bare.
 */
import { createHash } from 'node:crypto';
import { AttestationFault } from './attestation-fault.ts';
import { plainText } from './identities.ts';
import type { Attested, Question } from './verify.ts';
import { verifyChain } from './chain.ts';
import { certificatesOf, type Statement } from './statement.ts';

const SERIAL_NUMBER = '1.2.840.113635.100.8.9.1';
const UDID = '1.2.840.113635.100.8.9.2';
const FRESHNESS = '1.2.840.113635.100.8.11.1';

export function verifyApple(statement: Statement, { roots, token, at }: Question): Attested {
  const { tbs } = verifyChain(certificatesOf(statement), roots, at);
  const fresh = tbs.extension(FRESHNESS)?.value;
  if (fresh === undefined || Buffer.compare(fresh, createHash('sha256').update(token).digest()) !== 0) {
    throw new AttestationFault('The attestation is not for this token.');
  }
  const text = (oid: string): string[] => {
    const value = tbs.extension(oid)?.value;
    const read = value === undefined ? undefined : plainText(value);
    return read === undefined ? [] : [read];
  };
  return { spki: tbs.spki, identities: { permanent: [...text(SERIAL_NUMBER), ...text(UDID)], hardware: [] } };
}
