/** The questions that many lints ask of a certificate. */
import type { Tbs } from '../x509/certificate.ts';
import type { GeneralName } from '../x509/general-name.ts';
import { nameFault, type NameType } from '../x509/name.ts';
import type { KeyType } from '../x509/public-key.ts';
import { type CertificateShape, isResponder } from '../x509/shape.ts';
import { readRsaKey, type RsaKey } from '../x509/rsa.ts';

interface OfTbs {
  readonly tbs: Tbs;
}

export const always = (): boolean => true;

/** The profile is that of an OCSP responder, or of anybody else. */
export const ofResponder = ({ shape }: { readonly shape: CertificateShape }): boolean => isResponder(shape);
export const ofSubscriber = ({ shape }: { readonly shape: CertificateShape }): boolean => !isResponder(shape);

export const has =
  (id: string) =>
  ({ tbs }: OfTbs): boolean =>
    tbs.extension(id) !== undefined;

export const isCritical = (tbs: Tbs, id: string): boolean => tbs.extension(id)?.critical === true;

export const hasSubject = ({ tbs }: OfTbs): boolean => tbs.subjectRdns.length > 0;

export const hasKeyType =
  (type: KeyType) =>
  ({ tbs }: OfTbs): boolean =>
    tbs.publicKey?.type === type;

export const isEc = ({ tbs }: OfTbs): boolean => tbs.publicKey?.type === 'p256' || tbs.publicKey?.type === 'p384';

const rsaKeys = new WeakMap<Tbs, RsaKey>(); // four lints look at the same key

/** For a TBS whose key is RSA. Throws DerError when it cannot be read. */
export function rsaKeyOf(tbs: Tbs): RsaKey {
  const key = rsaKeys.get(tbs) ?? readRsaKey(tbs.publicKey?.key ?? new Uint8Array());
  rsaKeys.set(tbs, key);
  return key;
}

/** What is wrong with the first name of that type in SAN that is not in canonical form. */
export function firstFault(tbs: Tbs, type: NameType): string | undefined {
  for (const { name } of tbs.altNames ?? []) {
    const fault = name?.type === type ? nameFault(name) : undefined;
    if (fault !== undefined) return `${name?.value}: ${fault}`;
  }
  return undefined;
}

/** All names of all CRL distribution points. */
export const pointNames = (tbs: Tbs): GeneralName[] =>
  tbs.crlDistributionPoints?.flatMap(({ fullName }) => fullName ?? []) ?? [];

export const sameMembers = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set(a).size === a.length && a.every((member) => b.includes(member));
