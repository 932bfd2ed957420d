/** What the signer is told. Its own configuration: fronts can read it, and cannot write it. */
import type { SignatureAlgorithm } from '../x509/algorithm.ts';
import type { NameConstraints } from '../x509/name-constraints.ts';
import type { CertificateShape, IssuerShape } from '../x509/shape.ts';

export interface SignerKey {
  readonly issuer: IssuerShape;
  /** PKCS#11 URI (RFC 7512) with a pin-source. */
  readonly uri: string;
  /** The profiles that this key may sign; none for a retired key, which signs CRLs only. */
  readonly profiles: readonly CertificateShape[];
  /** Narrower than the CA certificate says, or all there is where that says nothing. */
  readonly permittedNames?: NameConstraints;
  /** Who answers OCSP for this key; the only key that the purpose `ocsp` is signed with. */
  readonly responder?: ResponderKey;
  /** Certificates per second; a burst of two seconds' worth may come at once. */
  readonly ratePerSecond: number;
}

/** A responder's key, in a token of this signer. Certificates with OCSPSigning are signed for such keys only. */
export interface ResponderKey {
  readonly uri: string;
  readonly spki: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  /** Responses per second. */
  readonly ratePerSecond: number;
}

/** More than the cores, with SoftHSM too: what comes back from it in one turn of the event loop is answered together (docs/performance.md). */
export const DEFAULT_LANES = 8;

export interface SignerConfig {
  /** 1–127, the first byte of every serial. Never used again with another journal. */
  readonly id: number;
  /** Digest of the operator's configuration that this was made of; fronts compare it with theirs. */
  readonly configuration: string;
  /** Absolute: journal, lock, memory of refused PINs. */
  readonly stateDirectory: string;
  /** Path of the Unix socket, at most 107 bytes. */
  readonly socket: string;
  /** Default 0600; 0660 where fronts run as another user of the same group. */
  readonly socketMode?: number;
  readonly keys: readonly SignerKey[];
  /** PKCS#11 module, for URIs without module-path. */
  readonly module?: string;
  /** Signatures at once, which is sessions. Default 8. */
  readonly lanes?: number;
  /** A call into the module that takes longer gets the worker killed. Default 3000. */
  readonly callDeadlineMs?: number;
  /** Jobs that may wait for a lane. Default 1024. */
  readonly queue?: number;
}
