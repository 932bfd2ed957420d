/**
 * Format `step`: the attested key's own certificate (YubiKey PIV attestation), and its signature over the key authorization, in CBOR within
 * the CBOR. The certificate names the device by Yubico's serial number, or in its SAN.
 */
import { verify } from 'node:crypto';
import type { Tbs } from '../x509/certificate.ts';
import { readDer } from '../x509/der.ts';
import { keyTypeOf, publicKeyFault, publicKeyObject } from '../x509/public-key.ts';
import { AttestationFault } from './attestation-fault.ts';
import { verifyChain } from './chain.ts';
import { identitiesOf } from './identities.ts';
import { certificatesOf, decode, octetsOf, type Statement } from './statement.ts';
import type { Attested, Question } from './verify.ts';

const YUBICO_SERIAL = '1.3.6.1.4.1.41482.3.7';
/** COSE (RFC 9053, RFC 8812) by type of key. */
const ALGORITHM = { p256: -7, p384: -35, rsa: -257, ed25519: -8 } as const;
const HASH = { p256: 'sha256', p384: 'sha384', rsa: 'sha256', ed25519: null } as const;

export function verifyStep(statement: Statement, { roots, keyAuthorization, at }: Question): Attested {
  const { tbs } = verifyChain(certificatesOf(statement), roots, at);
  const fault = publicKeyFault(tbs.spki);
  if (fault !== undefined) throw new AttestationFault(`The attested key is not accepted: ${fault}.`);
  const type = keyTypeOf(tbs.spki);
  const alg = statement.members.get('alg');
  if (alg !== undefined && alg !== ALGORITHM[type]) throw new AttestationFault('"alg" is not that of the attested key.');
  const signature = decode(octetsOf(statement, 'sig'), '"sig"');
  if (!(signature instanceof Uint8Array)) throw new AttestationFault('"sig" does not hold octets in CBOR.');
  if (!holds(HASH[type], keyAuthorization, tbs, signature)) throw new AttestationFault('The signature is not one of the attested key over the key authorization.');
  const { permanent, hardware } = identitiesOf(tbs);
  return { spki: tbs.spki, identities: { permanent: [...yubicoSerial(tbs), ...permanent], hardware } };
}

function holds(hash: string | null, text: string, { spki }: Tbs, signature: Uint8Array): boolean {
  try {
    return verify(hash, Buffer.from(text), publicKeyObject(spki), signature);
  } catch {
    return false; // OpenSSL throws for signatures that it cannot read
  }
}

/** A positive INTEGER, in decimal. */
function yubicoSerial(tbs: Tbs): string[] {
  const value = tbs.extension(YUBICO_SERIAL)?.value;
  if (value === undefined) return [];
  const reader = readDer(value);
  const octets = reader.integer('the serial number of the YubiKey');
  reader.end('the serial number of the YubiKey');
  if ((octets[0] as number) >= 0x80 || octets.length > 9) throw new AttestationFault('The serial number of the YubiKey is not one.');
  return [BigInt(`0x${Buffer.from(octets).toString('hex')}`).toString()];
}
