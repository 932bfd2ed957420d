/** Whether an attestation object proves which device a key is in (draft-ietf-acme-device-attest §5). Pure: roots, token and time are given. */
import { DerError } from '../x509/der.ts';
import { verifyApple } from './apple.ts';
import { AttestationFault } from './attestation-fault.ts';
import type { Identities } from './identities.ts';
import { certificatesOf, parseStatement, type Statement } from './statement.ts';
import { verifyStep } from './step.ts';
import { verifyTpm } from './tpm.ts';

export { AttestationFault } from './attestation-fault.ts';
export type { Identities } from './identities.ts';

export type AttestationFormat = 'apple' | 'step' | 'tpm';

/** What an attestation has to be for. */
export interface Question {
  /** DER; only the roots of this format. */
  readonly roots: readonly Uint8Array[];
  readonly token: string;
  readonly keyAuthorization: string;
  /** ms UTC */
  readonly at: number;
}

export interface Attested {
  /** DER SubjectPublicKeyInfo of the key that is in the device. */
  readonly spki: Uint8Array;
  readonly identities: Identities;
}

const VERIFY = { apple: verifyApple, step: verifyStep, tpm: verifyTpm } satisfies Record<AttestationFormat, (statement: Statement, question: Question) => Attested>;

/** Throws AttestationFault, with a sentence for the client, and nothing else. */
export function verifyAttestation(
  octets: Uint8Array, rootsOf: ReadonlyMap<string, readonly Uint8Array[]>, question: Omit<Question, 'roots'>,
): Attested & { readonly format: AttestationFormat; readonly chain: readonly Uint8Array[] } {
  const statement = parseStatement(octets);
  const roots = rootsOf.get(statement.format);
  if (roots === undefined || !Object.hasOwn(VERIFY, statement.format)) {
    throw new AttestationFault(`Attestations of format ${JSON.stringify(statement.format.slice(0, 40))} are not taken here, only ${[...rootsOf.keys()].join(', ')}.`);
  }
  const format = statement.format as AttestationFormat;
  try {
    return { ...VERIFY[format](statement, { ...question, roots }), format, chain: certificatesOf(statement) };
  } catch (error) {
    if (error instanceof DerError) throw new AttestationFault(`A certificate in "x5c" is not as it should be: ${error.message}.`);
    throw error;
  }
}
