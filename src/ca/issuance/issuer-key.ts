/** An issuer key with its certificates, as issuing, revocation and the status door use it. */
import type { Generation } from '../../config/generation.ts';
import type { SignatureAlgorithm } from '../../x509/algorithm.ts';
import { type CertificateShape, type IssuerShape, isResponder } from '../../x509/shape.ts';

export interface IssuerKey {
  readonly id: string;
  readonly group: string;
  readonly state: 'active' | 'retired';
  readonly profiles: ReadonlySet<string>;
  readonly shape: IssuerShape;
  /** DER, this key's certificate first, then towards the root, the root left out. */
  readonly chain: readonly Uint8Array[];
  /** DER of the root that the chain leads to. */
  readonly root: Uint8Array;
  /** Other chains from certificates of the same key and subject, each without its root; what they lead to differs. */
  readonly alternates: readonly Alternate[];
  /** Who answers OCSP for this key; absent while nobody does. */
  readonly responder?: Responder;
}

export interface Alternate {
  readonly chain: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** The responder's key and what its certificates and responses are like. */
export interface Responder {
  readonly spki: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly profile: string;
  /** Of a response. */
  readonly validityMs: number;
}

/** One generation of the configuration with the certificates that it names, read and checked. Immutable; swapped whole. */
export interface Authority {
  readonly generation: Generation;
  readonly issuerKeys: ReadonlyMap<string, IssuerKey>;
  /** DER of the root above the server's own TLS certificate: the one that clients are to trust. */
  readonly root: Uint8Array;
}

/**
 * The issuer key that is to sign: the active one of the group, if it may sign the profile. A responder's certificate is of
 * the key for which it speaks, `named`, and that key may be retired: its certificates are still asked about.
 */
export function issuerKeyFor(
  { issuerKeys }: Authority, shape: CertificateShape, group: string, named?: string,
): IssuerKey | undefined {
  if (isResponder(shape)) {
    const key = issuerKeys.get(named ?? '');
    return key?.responder?.profile === shape.profile ? key : undefined;
  }
  for (const key of issuerKeys.values()) {
    if (key.group === group && key.state === 'active' && key.profiles.has(shape.profile)) return key;
  }
  return undefined;
}
