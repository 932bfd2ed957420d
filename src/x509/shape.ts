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
  readonly shard: number;
}

/** The URL under which a shard's CRL is found: in the CDP of its certificates and in its own IDP, byte for byte. */
export const crlUrlOf = (issuer: Pick<IssuerShape, 'crlUrl'>, shard: number): string =>
  `${issuer.crlUrl}${issuer.crlUrl.endsWith('/') ? '' : '/'}${shard}.crl`;
