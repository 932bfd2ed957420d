/**
 * The closed descriptions from which a certificate is rendered: one profile's shape, one issuer key, the facts of one
 * certificate. Renderer, lints and the signer's re-check read the same three, so they cannot disagree about what is
 * allowed.
 */
import type { SignatureAlgorithm } from './algorithm.ts';
import type { SubjectValue, SubjectAttribute } from './distinguished-name.ts';
import type { ExtendedKeyUsage, KeyUsage } from './extensions.ts';
import type { NameConstraints } from './name-constraints.ts';
import type { Name, NameType } from './name.ts';

export type { SubjectValue, ExtendedKeyUsage, KeyUsage, NameConstraints, SubjectAttribute };

/** What every certificate of one profile looks like. Times are in milliseconds. */
export interface CertificateShape {
  readonly profile: string;
  readonly keyUsage: readonly KeyUsage[];
  /** Added to `keyUsage` when the subject key is RSA: keyEncipherment, for TLS 1.2 without forward secrecy. */
  readonly rsaKeyUsage?: readonly KeyUsage[];
  readonly extendedKeyUsage: readonly ExtendedKeyUsage[];
  readonly nameTypes: readonly NameType[];
  readonly maxNames: number;
  /** The names are one SPIFFE ID of a workload and nothing else. */
  readonly spiffe: boolean;
  /** The attributes that a subject may have; none means an empty subject, and SAN critical. */
  readonly subject: readonly SubjectAttribute[];
  /** Counted inclusively (RFC 5280 §4.1.2.5): 160 h is notAfter = notBefore + 160 h - 1 s. See notAfterOf. */
  readonly validityMs: number;
  readonly maxValidityMs: number;
  readonly backdateMs: number;
  /**
   * Short-lived certificates that cannot be looked up: without any pointer, or saying so (RFC 9608). Absent: they name their CRL,
   * and OCSP where the issuer has a responder. An OCSP responder's own certificate has nothing of all this: see isResponder.
   */
  readonly revocation?: 'none' | 'noRevAvail';
  /** False: no OCSP URL, although the issuer has a responder. */
  readonly ocsp?: false;
}

/** One issuer key, as the certificates that it signs must show it. */
export interface IssuerShape {
  readonly id: string;
  /** DER Name, the bytes of the CA certificate's subject: copied, never encoded again. */
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  /** Subject key identifier of the CA certificate, hex. */
  readonly keyId: string;
  readonly algorithm: SignatureAlgorithm;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Shards are numbered 1 … shards. */
  readonly shards: number;
  /** `http://HOST/crl/ID`; a shard's own URL is crlUrlOf(). */
  readonly crlUrl: string;
  readonly caIssuersUrl: string;
  /** Where its OCSP responder is asked; absent while it has none. */
  readonly ocspUrl?: string;
  /** Some of its certificates may be held: its CRLs may say certificateHold, which BR §7.2.2 forbids to public ones. */
  readonly holds?: boolean;
  /** The name constraints of the CA certificate, and of any above it. */
  readonly permitted?: NameConstraints;
}

/** What one certificate says beyond shape and issuer. Everything in a TBS is in one of the three. */
export interface TbsFacts {
  /** Content octets of the INTEGER, lower-case hex: 19 octets, the first 01 … 7f. See serial.ts. */
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Uint8Array;
  /** In the order of SAN. */
  readonly names: readonly Name[];
  readonly subject: readonly SubjectValue[];
  /** 0 in a certificate that names no CRL. */
  readonly shard: number;
}

/** BR §1.6.1: certificates that are valid for no longer are short-lived, and need no revocation information. Both ends count. */
export const SHORT_LIVED_MS = 7 * 86_400_000;

/** The shape is that of an OCSP responder (RFC 6960 §4.2.2.2): its certificates are trusted unasked, and live shortly. */
export const isResponder = ({ extendedKeyUsage }: Pick<CertificateShape, 'extendedKeyUsage'>): boolean =>
  extendedKeyUsage.includes('ocspSigning');

/** The longest that a responder's certificate may be valid: it cannot be revoked, so what its key says is believed for so long. */
export const LONGEST_RESPONDER_MS = 90 * 86_400_000;

/** Whether certificates of this shape name a CRL shard. */
export const namesCrl = (shape: Pick<CertificateShape, 'extendedKeyUsage' | 'revocation'>): boolean =>
  shape.revocation === undefined && !isResponder(shape);

/** The OCSP URL that certificates of this shape name; undefined where they name none. */
export const ocspUrlFor = (
  shape: Pick<CertificateShape, 'extendedKeyUsage' | 'revocation' | 'ocsp'>,
  issuer: Pick<IssuerShape, 'ocspUrl'>,
): string | undefined => (namesCrl(shape) && shape.ocsp !== false ? issuer.ocspUrl : undefined);

/** The URL under which a shard's CRL is found: in the CDP of its certificates and in its own IDP, byte for byte. */
export const crlUrlOf = (issuer: Pick<IssuerShape, 'crlUrl'>, shard: number): string =>
  `${issuer.crlUrl}${issuer.crlUrl.endsWith('/') ? '' : '/'}${shard}.crl`;
