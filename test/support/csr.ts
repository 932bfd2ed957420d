/** Certification requests for tests: well-formed ones, and ones that are wrong in exactly the way a test asks for. */
import { type KeyObject, sign } from 'node:crypto';
import { bitString, constructed, element, integer, octetString, oid, sequence, setOf, text, TAG } from '../../src/x509/der.ts';
import { encodeSubjectAltName } from '../../src/x509/extensions.ts';
import type { Name } from '../../src/x509/name.ts';

export interface CsrWishes {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly names: readonly Name[];
  readonly commonName?: string;
  /** Further Extension elements, DER. */
  readonly extensions?: readonly Uint8Array[];
  /** challengePassword (RFC 2985 §5.4.1), which nobody asked for. */
  readonly challengePassword?: string;
  /** Bad on purpose. */
  readonly breakSignature?: boolean;
  readonly hash?: 'sha256' | 'sha1';
}

const OIDS = {
  extensionRequest: '1.2.840.113549.1.9.14',
  challengePassword: '1.2.840.113549.1.9.7',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  commonName: '2.5.4.3',
} as const;

const SIGNATURE: Readonly<Record<string, string>> = {
  'ec:sha256': '300a06082a8648ce3d040302',
  'ec:sha1': '300906072a8648ce3d0401',
  'rsa:sha256': '300d06092a864886f70d01010b0500',
  'rsa:sha1': '300d06092a864886f70d0101050500',
  'ed25519:sha256': '300506032b6570',
};

export const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  sequence(oid(id), ...(critical ? [Uint8Array.of(TAG.boolean, 1, 0xff)] : []), octetString(value));

/** basicConstraints with CA:TRUE, critical. */
export const wantsToBeCa = (): Uint8Array =>
  extension(OIDS.basicConstraints, true, sequence(Uint8Array.of(TAG.boolean, 1, 0xff)));

/** PKCS #10, DER. */
export function buildCsr(wishes: CsrWishes): Buffer {
  const { privateKey, publicKey, names, commonName, extensions = [], hash = 'sha256' } = wishes;
  const subject = commonName === undefined
    ? sequence()
    : sequence(setOf(sequence(oid(OIDS.commonName), text(TAG.utf8String, commonName))));
  const wanted = [
    ...(names.length === 0 ? [] : [extension(OIDS.subjectAltName, false, encodeSubjectAltName(names))]), ...extensions,
  ];
  const attributes = [
    ...(wishes.challengePassword === undefined ? [] : [sequence(oid(OIDS.challengePassword), setOf(text(TAG.utf8String, wishes.challengePassword)))]),
    ...(wanted.length === 0 ? [] : [sequence(oid(OIDS.extensionRequest), setOf(sequence(...wanted)))]),
  ];
  const info = sequence(
    integer(0), subject, publicKey.export({ type: 'spki', format: 'der' }), element(constructed(0), ...attributes));
  const kind = privateKey.asymmetricKeyType ?? '';
  const signature = sign(kind === 'ed25519' ? null : hash, info, privateKey);
  if (wishes.breakSignature === true) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return Buffer.from(sequence(info, Buffer.from(SIGNATURE[`${kind}:${kind === 'ed25519' ? 'sha256' : hash}`] ?? '', 'hex'), bitString(signature)));
}
