/** A WebAuthn attestation object (WebAuthn §6.5.4) as device-attest-01 sends it: `fmt` and `attStmt`; `authData` is not looked into. Pure. */
import { CborError, type CborMap, type CborValue, decodeCbor } from '../cbor/decode.ts';
import { AttestationFault } from './attestation-fault.ts';

export interface Statement {
  readonly format: string;
  readonly members: CborMap;
}

const MAX_CERTIFICATES = 6;
const MAX_CERTIFICATE_OCTETS = 8192;

/** Throws AttestationFault. */
export function parseStatement(octets: Uint8Array): Statement {
  const object = decode(octets, 'The attestation object');
  if (!(object instanceof Map)) throw new AttestationFault('The attestation object is not a map.');
  const [format, members] = [object.get('fmt'), object.get('attStmt')];
  if (typeof format !== 'string') throw new AttestationFault('The attestation object has no "fmt".');
  if (!(members instanceof Map)) throw new AttestationFault('The attestation object has no "attStmt".');
  return { format, members };
}

/** DER certificates, the attested or attesting one first. Throws AttestationFault. */
export function certificatesOf({ members }: Statement): readonly Uint8Array[] {
  const chain = members.get('x5c');
  if (!Array.isArray(chain) || chain.length === 0) throw new AttestationFault('"x5c" is not a list of certificates.');
  if (chain.length > MAX_CERTIFICATES) throw new AttestationFault(`"x5c" has more than ${MAX_CERTIFICATES} certificates.`);
  return (chain as readonly CborValue[]).map((each) => {
    if (each instanceof Uint8Array && each.length <= MAX_CERTIFICATE_OCTETS) return each;
    throw new AttestationFault(`An element of "x5c" is not octets, or more than ${MAX_CERTIFICATE_OCTETS} of them.`);
  });
}

/** Octets under a name. Throws AttestationFault. */
export function octetsOf({ members }: Statement, name: string): Uint8Array {
  const value = members.get(name);
  if (value instanceof Uint8Array && value.length > 0) return value;
  throw new AttestationFault(`"${name}" is not there, or not octets.`);
}

/** One value in CBOR. Throws AttestationFault. */
export function decode(octets: Uint8Array, what: string): CborValue {
  try {
    return decodeCbor(octets);
  } catch (error) {
    if (error instanceof CborError) throw new AttestationFault(`${what} cannot be read as CBOR: ${error.message}.`);
    throw error;
  }
}
