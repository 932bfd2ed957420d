/**
 * The challenge device-attest-01 (draft-ietf-acme-device-attest §4): the answer itself is the proof, so it is judged at once, and that is the
 * one attempt of its authorization. Nobody is dialled, and nothing is left to come back to.
 */
import { createHash } from 'node:crypto';
import { AttestationFault, verifyAttestation } from '../../../attestation/verify.ts';
import { spkiSha256 } from '../../../x509/public-key.ts';
import type { Authorization } from '../authorization.ts';
import { decodeBase64url } from '../base64url.ts';
import { type Attempt, keyAuthorization } from '../challenge.ts';
import type { Acme, ByAccount } from '../handler.ts';
import { AcmeError, malformed, type Problem, problemOf } from '../problem.ts';
import { recordAttempt } from './store.ts';

/** What is kept of an attestation: enough to say later what was believed, and why. */
export interface AttestationEvidence {
  readonly type: 'device-attest-01';
  readonly at: number;
  /** SHA-256 of the attestation object, hex. */
  readonly statement: string;
  readonly format?: string;
  /** SHA-256 of the attested key's SubjectPublicKeyInfo, hex: the CSR must be for this key. */
  readonly attestedKey?: string;
  /** What it says that the device is; first what was asked for. */
  readonly identities?: readonly string[];
  /** SHA-256 of each certificate, and the first of them whole where it is not large (base64). */
  readonly chain?: readonly string[];
  readonly certificate?: string;
}

const MAX_KEPT_CERTIFICATE = 2048;
/** Characters of base64url. Real ones are of some four thousand octets. */
const MAX_ATTESTATION = 32_000;

/** Resolves to the attempt, valid. A statement that proves nothing makes the challenge invalid, and is told as an error (§4). Throws AcmeError. */
export async function answerAttestation(
  { clock, database }: Acme, { site, account, payload, about: authorization }: Pick<ByAccount<'authorization'>, 'site' | 'account' | 'payload' | 'about'>,
): Promise<Attempt | undefined> {
  const octets = attestationObject(payload?.['attObj']);
  const now = clock.now();
  const judged = judge(octets, authorization, site.directory.attestation, keyAuthorization(authorization.token, account.thumbprint), now);
  const error = 'detail' in judged ? problemOf('badAttestationStatement', judged.detail) : undefined;
  const evidence = 'detail' in judged ? { type: 'device-attest-01' as const, at: now, statement: sha256(octets) } : judged;
  const attempt: Attempt = {
    type: 'device-attest-01', state: error === undefined ? 'valid' : 'invalid', tries: 1, error, flights: [], evidence, finished: now,
    validUntil: error === undefined ? Math.max(authorization.expires, now + site.directory.limits.validAuthorizationLifetimeMs) : undefined,
  };
  if (!(await recordAttempt(database, site.realm, authorization.id, account.thumbprint, attempt))) return undefined;
  if (error !== undefined) throw refusal(error);
  return attempt;
}

const refusal = ({ detail }: Problem): AcmeError => new AcmeError('badAttestationStatement', detail);

/** Nothing is decided by what cannot be read at all: the client may answer again. */
function attestationObject(given: unknown): Buffer {
  const octets = typeof given === 'string' && given.length <= MAX_ATTESTATION ? decodeBase64url(given) : undefined;
  if (octets === undefined || octets.length === 0) throw malformed('The payload must have "attObj", base64url of a WebAuthn attestation object.');
  return octets;
}

function judge(
  octets: Buffer, { identifier, token }: Authorization, trusted: ReadonlyMap<string, readonly string[]>, keyAuth: string, at: number,
): AttestationEvidence | { readonly detail: string } {
  try {
    const roots = new Map([...trusted].map(([format, list]) => [format, list.map((each) => Buffer.from(each, 'base64'))]));
    const { spki, identities, format, chain } = verifyAttestation(octets, roots, { token, keyAuthorization: keyAuth, at });
    const said = identifier.type === 'hardware-module' ? identities.hardware : identities.permanent;
    if (!said.includes(identifier.value)) return { detail: `The attestation is not of ${identifier.value}.` };
    const [leaf] = chain;
    return {
      type: 'device-attest-01', at, statement: sha256(octets), format, attestedKey: spkiSha256(spki), identities: [identifier.value, ...said.filter((each) => each !== identifier.value)].slice(0, 8), chain: chain.map(sha256),
      ...(leaf !== undefined && leaf.length <= MAX_KEPT_CERTIFICATE ? { certificate: Buffer.from(leaf).toString('base64') } : {}),
    };
  } catch (error) {
    if (error instanceof AttestationFault) return { detail: error.message };
    throw error;
  }
}

/** §4: the certificate is for the key that was attested, and no other. True where no device was attested. */
export const isAttestedKey = ({ attempt }: Authorization, spki: Uint8Array): boolean =>
  attempt?.type !== 'device-attest-01' || (attempt.evidence as AttestationEvidence).attestedKey === spkiSha256(spki);

const sha256 = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');
