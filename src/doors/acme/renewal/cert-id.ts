/** The name that a certificate has in renewal requests (RFC 9773 §4.1): its issuer's key identifier and its serial, base64url, with a dot between. */
import { decodeBase64url } from '../base64url.ts';

export interface CertId {
  /** AKI keyIdentifier, hex. */
  readonly keyId: string;
  /** The value of the serial, hex, without the 00 that DER puts before a high first bit. */
  readonly serial: string;
}

/** RFC 5280 allows 20 octets of serial, and DER one more for the sign; key identifiers are digests. */
const LONGEST = { keyId: 64, serial: 21 };

/**
 * Undefined unless it is the one spelling: no padding, no second dot, no serial with needless octets. One leniency: Ruby's acme-client
 * leaves out the 00 that keeps a serial positive, and the value is the same with and without it.
 */
export function parseCertId(text: string): CertId | undefined {
  const [key = '', number = '', ...more] = text.split('.');
  const keyId = decodeBase64url(key);
  const serial = decodeBase64url(number);
  if (more.length > 0 || keyId === undefined || serial === undefined) return undefined;
  if (keyId.length === 0 || keyId.length > LONGEST.keyId || serial.length === 0 || serial.length > LONGEST.serial) return undefined;
  const signed = serial[0] === 0;
  if (signed && (serial[1] ?? 0) < 0x80) return undefined; // X.690 §8.3.2; and zero is no serial
  return { keyId: keyId.toString('hex'), serial: serial.subarray(signed ? 1 : 0).toString('hex') };
}
