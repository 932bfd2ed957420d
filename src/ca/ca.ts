/** What may be asked of the CA, whoever asks: the types of the counter. The making of it is `open.ts`. */
import type { NameRules } from '../config/generation.ts';
import type { Write } from '../database/database.ts';
import type { Name } from '../x509/name.ts';
import type { OcspRequest } from '../x509/ocsp-request.ts';
import type { OcspError } from '../x509/ocsp-response.ts';
import type { SubjectValue } from '../x509/shape.ts';
import type { Refusal } from './errors.ts';
import type { RevocationAuthority, RevocationReason } from './revocation/reason.ts';

/** Who asks. `kind` and `id` are recorded; `policies` are the names of the policies that bind this requester. */
export interface Requester {
  readonly kind: string;
  readonly id: string;
  readonly policies: readonly string[];
  /** The issuer group that signs for this requester, where it is not the profile's own. */
  readonly group?: string;
  /** Narrows what the policies allow, for this requester alone. */
  readonly restriction?: Restriction;
}

/** What whoever let a requester in said that it may have at most. */
export interface Restriction {
  /** Who or what says so, as a reason names it: `external account binding 0f3c…`. */
  readonly by: string;
  /** Absent: all profiles that the door offers. */
  readonly profiles?: readonly string[];
  /** Absent: all names that the policies allow. */
  readonly names?: NameRules;
}

export interface IssuanceRequest {
  readonly realm: string;
  /** A label, recorded and never branched on. */
  readonly door: string;
  readonly profile: string;
  readonly names: readonly Name[];
  readonly subject?: readonly SubjectValue[];
  /** DER SubjectPublicKeyInfo; possession must already be proven. */
  readonly publicKey: Uint8Array;
  /** ms UTC; absent means the profile's default. Granted exactly (whole seconds) or refused. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** `notBefore` is how far back to date at most: an issuer that is younger moves it up to its own. */
  readonly backdated?: boolean;
  readonly requester: Requester;
  /** Unique in the realm: an order id, an enrolment id, an idempotency key. */
  readonly requestRef: string;
  /** The door's part of the evidence: authorizations with their final attempts, and the signed request itself. */
  readonly evidence: DoorEvidence;
  /** Writes of the door that must hold for the intent to be recorded; one commit, all or nothing. */
  readonly together?: readonly Write[];
  /** The id under which the door logs the request. */
  readonly correlation?: string;
  /** Of an OCSP responder's certificate: the issuer key for which it speaks. All others are signed by the active key of the group. */
  readonly issuerKey?: string;
  /** The certificate that this one replaces, as `ISSUERKEY:SERIAL`, and the lineage that it continues; absent begins a new one. */
  readonly replaces?: string;
  readonly lineage?: string;
}

export interface DoorEvidence {
  readonly authorizations?: readonly unknown[];
  readonly request?: unknown;
}

export interface IssuedCertificate {
  readonly issuerKey: string;
  readonly serial: string;
  readonly der: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly sha256: string;
}

export type IssuanceOutcome =
  | { readonly kind: 'issued'; readonly certificate: IssuedCertificate; readonly first: boolean }
  | { readonly kind: 'refused'; readonly reasons: readonly Refusal[] }
  | { readonly kind: 'pending'; readonly retryAfterMs: number };

/** How far a request has come, by its reference. */
export type Progress =
  | { readonly kind: 'none' }
  | { readonly kind: 'open' }
  | { readonly kind: 'issued'; readonly certificate: IssuedCertificate };

/** When a certificate should be renewed, for whoever asks (RFC 9773); times in ms UTC. */
export interface Renewal {
  readonly window: { readonly start: number; readonly end: number };
  /** A page for people, when an operator pulled the window forward. */
  readonly explanation: string | undefined;
  /** A certificate was issued in its place. */
  readonly replaced: boolean;
  /** How long until asking again is of use. */
  readonly lookAgainMs: number;
}

export interface UnholdRequest {
  readonly realm: string;
  readonly issuerKey: string;
  /** Hex, as in the certificate's content octets. */
  readonly serial: string;
  /** A label, recorded and never branched on. */
  readonly door: string;
  readonly requester: Pick<Requester, 'kind' | 'id'>;
  /** The id under which the door logs the request. */
  readonly correlation?: string;
}

export interface RevocationRequest extends UnholdRequest {
  readonly reason: RevocationReason;
  /** What lets the requester revoke this certificate: the door has checked that, and it decides which reasons may be given. */
  readonly authority: RevocationAuthority;
  /** The signed request, or whatever else shows that it was asked for; kept as evidence. */
  readonly evidence?: unknown;
  /** With keyCompromise: since when the key is believed to have been known to others, ms. */
  readonly compromisedAt?: number;
}

export interface RevocationRefusal {
  readonly kind: 'reason-not-allowed' | 'hold-not-allowed' | 'expired' | 'date-not-allowed';
  readonly detail: string;
  /** How the operator could allow it; not for the requester. */
  readonly remedy?: string;
}

/** `at` is what CRL and OCSP say, ms. `others` counts further certificates that were revoked for having the same key. */
export type RevocationOutcome =
  | { readonly kind: 'revoked'; readonly reason: RevocationReason; readonly at: number; readonly others: number }
  | { readonly kind: 'already-revoked'; readonly reason: RevocationReason; readonly at: number }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly reasons: readonly RevocationRefusal[] };

export type UnholdOutcome = { readonly kind: 'unheld' | 'not-held' | 'unknown' };

/** `unknown`: we never meant to issue this serial. One that is being signed now is `good` already. */
export type CertificateStatus =
  | { readonly kind: 'good' }
  | { readonly kind: 'revoked'; readonly reason: RevocationReason; readonly at: number }
  | { readonly kind: 'unknown' };

export interface Ca {
  /**
   * The only way to a certificate. Resolves when it is recorded, refused, or must be asked for again.
   * A second call with the same `requestRef` returns the first one's certificate (`first: false`) or `pending`.
   */
  issue(request: IssuanceRequest): Promise<IssuanceOutcome>;
  /** Policy alone, for new orders and dry runs: every reason at once, none when it would be allowed. */
  decide(request: Pick<IssuanceRequest, 'profile' | 'names' | 'subject' | 'requester' | 'notBefore' | 'notAfter' | 'backdated'>): readonly Refusal[];
  progress(realm: string, requestRef: string): Promise<Progress>;
  /** DER, the issuer's certificate first, the root left out. Empty for an issuer key that does not exist. */
  chain(issuerKey: string): readonly Uint8Array[];
  /** Other chains of the same key, each as `chain` has it. */
  alternateChains(issuerKey: string): readonly (readonly Uint8Array[])[];
  /** DER of the root certificate that clients are to trust. */
  root(): Uint8Array;
  /** DER of the root above one issuer key, which may be another; undefined for a key that does not exist. */
  rootOf(issuerKey: string): Uint8Array | undefined;
  /** The issuer key whose certificates have this authority key identifier (hex). */
  issuerKeyOf(keyId: string): string | undefined;
  /** Undefined when there is no such certificate. `serial` in hex, as in its record. */
  renewal(realm: string, issuerKey: string, serial: string): Promise<Renewal | undefined>;
  /** The only way to revoke. Durable when it resolves; the next CRL of the shard has it within a minute, OCSP at once. */
  revoke(request: RevocationRequest): Promise<RevocationOutcome>;
  /** Takes a certificateHold back. */
  unhold(request: UnholdRequest): Promise<UnholdOutcome>;
  /** For OCSP and whoever must not trust a revoked certificate. `serial` in hex. */
  statusOf(issuerKey: string, serial: string): Promise<CertificateStatus>;
  latestCrl(issuerKey: string, shard: number): Promise<PublishedCrl | undefined>;
  /** How fresh all that is which certificates point at. */
  freshness(): Promise<Measured>;
  /** What `freshness` found the last time on this front, for free; undefined before the first. */
  measured(): Measured | undefined;
  /** The answer to a request that could be read. Never signs twice what is still good. */
  ocsp(request: OcspRequest): Promise<OcspReply>;
}

/** Of one issuer key; times are ms. */
export interface IssuerFreshness {
  readonly issuerKey: string;
  /** `oldest` is the thisUpdate of the oldest shard, `firstToEnd` the nextUpdate that comes first. */
  readonly crls: {
    readonly shards: number;
    readonly published: number;
    readonly oldest?: number;
    readonly firstToEnd?: number;
    /** Those that are published. */
    readonly each: readonly { readonly shard: number; readonly thisUpdate: number; readonly nextUpdate: number }[];
  };
  /** Absent without a responder; empty while it has no valid certificate. */
  readonly ocsp?: { readonly responder?: string; readonly notAfter?: number };
  /** When the first of the certificates ends on which all others depend: the key's own, those above it, the root. */
  readonly chainEnds: number;
  /** Of the offline root above, absent where none is configured; a fault where its file cannot be served. */
  readonly rootCrl?: RootCrlStanding;
  /** What the prober found at each URL the last time; empty before its first run, and where it is off. */
  readonly probes: readonly FoundByProbe[];
  /** What an operator has to look at; none when all is well. */
  readonly concerns: readonly { readonly level: 'degraded' | 'critical'; readonly what: string }[];
}

export type RootCrlStanding = { readonly nextUpdate: number } | { readonly fault: string };

export interface FoundByProbe {
  readonly url: string;
  /** `crl`, `root-crl`, `ocsp`, `issuer-certificate`; `named` for a URL that only certificates know. */
  readonly what: string;
  readonly checkedAt: number;
  /** Absent while all is well, as `badSince`. */
  readonly fault?: string;
  readonly badSince?: number;
}

/** What a front measured last. */
export interface Measured {
  readonly at: number;
  readonly issuers: readonly IssuerFreshness[];
  /** OCSP responses in its memory that may be given again. */
  readonly ocspKept: number;
}

/** An OCSPResponse, DER. Times are ms. */
export type OcspReply =
  | {
      readonly kind: 'signed';
      readonly der: Uint8Array;
      readonly thisUpdate: number;
      readonly nextUpdate: number;
      /** From then on another one is signed. */
      readonly refreshAt: number;
      /** Between these times it may be given to others without asking again; absent for what is one caller's alone (nonces, several in one). */
      readonly current?: { readonly from: number; readonly until: number };
    }
  | {
      readonly kind: 'error';
      readonly der: Uint8Array;
      readonly error: OcspError;
      /** Of the closed vocabulary of metrics. */
      readonly why: 'foreign' | 'unissued' | 'no-responder' | 'busy' | 'signer';
    };

export interface PublishedCrl {
  /** Lower-case hex, of `der`. */
  readonly sha256: string;
  readonly number: bigint;
  readonly der: Uint8Array;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}
